"""A result as HTML for notebooks: an image and a table, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

_MOST_ROWS = 20
_VISIBLE = str.maketrans(dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, *range(55296, 57344)), "�"))
"""Control characters and lone surrogates, which HTML has no way to write."""
_BIDIRECTIONAL = str.maketrans(dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"))
"""Overrides of the writing direction would reorder the text around a label."""


def html_of(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], image: bytes | None) -> str:
    """A fragment of HTML without scripts, styles or references to anything outside.

    Args:
        title: a line above.
        columns: the table's head.
        rows: cells, converted to text and escaped; the first 20 are shown.
        image: an encoded JPEG or PNG; None for none.
    """
    head = "".join(f"<th>{_text(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>… {len(rows) - _MOST_ROWS} more</p>" if len(rows) > _MOST_ROWS else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}" if rows else ""
    return f"<div><p>{_text(title)}</p>{_image(image)}{table}</div>"


def _text(value: object) -> str:
    shown = f"{value:.3f}" if isinstance(value, float) else str(value)
    return escape(shown[:500].translate(_VISIBLE).translate(_BIDIRECTIONAL), quote=True)


def _image(data: bytes | None) -> str:
    if data is None:
        return ""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f'<img src="data:image/{kind};base64,{base64.b64encode(data).decode("ascii")}" alt="">'

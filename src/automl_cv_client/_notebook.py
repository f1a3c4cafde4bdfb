"""How values show themselves in notebooks: plain text and HTML, with tables and a JPEG, all text escaped."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_ROWS = 20
_LONGEST_SIDE = 1024
"""Pixels of an image inside a notebook, which keeps it as text."""
_VISIBLE = str.maketrans(dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, *range(55296, 57344)), "�"))
"""Control characters and lone surrogates, which HTML has no way to write."""
_BIDIRECTIONAL = str.maketrans(dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"))
"""Overrides of the writing direction would reorder the text around a label."""


class Table(NamedTuple):
    """A head, and rows of cells, which are converted to text and escaped; the first 20 are shown."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


class Display(NamedTuple):
    """What a notebook shows of a value.

    Attributes:
        title: a line above.
        images: PIL images, shown reduced.
        tables: below it.
        note: a line at the end.
    """

    title: str
    images: Sequence[Image] = ()
    tables: Sequence[Table] = ()
    note: str = ""


def fields_of(value: object, fields: Mapping[str, object]) -> Display:
    """A value as a table of its fields; those that are empty are left out."""
    rows = [(name.replace("_", " "), content) for name, content in fields.items() if content not in (None, "", {}, ())]
    return Display(type(value).__name__, tables=[Table(("", "value"), rows)])


class Displayed:
    """Mixed into what shows itself in a notebook; Jupyter finds the methods by their names."""

    __slots__ = ()

    def _display(self) -> Display:
        """What is shown."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _repr_html_(self) -> str:
        return html_of(self._display())


def html_of(display: Display) -> str:
    """A fragment of HTML without scripts, styles or references to anything outside."""
    images = "".join(map(_image, display.images))
    note = f"<p>{_text(display.note)}</p>" if display.note else ""
    return f"<div><p>{_text(display.title)}</p>{images}{''.join(map(_table, display.tables))}{note}</div>"


def show_image(image: Image) -> None:
    """Show an image: inline in a notebook, elsewhere in the desktop's viewer."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        image.show()
        return
    from IPython import display

    inline: Any = display.Image
    shown: Any = display.display
    shown(inline(data=_jpeg(image), format="jpeg"))


def _table(table: Table) -> str:
    if not table.rows:
        return ""
    head = "".join(f"<th>{_text(name)}</th>" for name in table.columns)
    shown = table.rows[:_MOST_ROWS]
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in shown)
    more = f"<p>… {len(table.rows) - _MOST_ROWS} more</p>" if len(table.rows) > _MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _text(value: object) -> str:
    if value is None:
        shown = "–"
    elif isinstance(value, float):
        shown = f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"
    else:
        shown = str(value)
    return escape(shown[:500].translate(_VISIBLE).translate(_BIDIRECTIONAL), quote=True)


def _image(image: Image) -> str:
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(_jpeg(image)).decode("ascii")}" alt="">'


def _jpeg(image: Image) -> bytes:
    reduced = image.convert("RGB")
    reduced.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    file = io.BytesIO()
    reduced.save(file, "JPEG", quality=85)
    return file.getvalue()

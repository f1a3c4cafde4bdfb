"""How a result shows itself in a notebook: the drawn image and a table."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

from automl_cv_client._numbers import rank
from automl_cv_client.errors import ImageError, InvalidInput

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST_SIDE = 1024
"""Pixels of an image inside a notebook, which keeps it as text."""


class Notebook:
    """Mixed into all results; Jupyter finds these methods by their names."""

    def _repr_png_(self) -> bytes | None:
        """The drawn image, reduced; None when its file is not known or not readable any more."""
        canvas = self._shown_image()
        return None if canvas is None else _encoded(canvas, "PNG")

    def _repr_html_(self) -> str:
        """Image and table; all text is escaped."""
        from automl_cv_client.formats.html import html_of
        from automl_cv_client.formats.tables import columns_of

        names = [name for name in columns_of(cast(Any, self)) if name not in ("image", "index")]
        rows = sorted(cast(Any, self).to_rows(), key=lambda row: rank(row["score"]))
        canvas = self._shown_image()
        shown = None if canvas is None else _encoded(canvas, "JPEG", quality=85)
        return html_of(repr(self), names, [[row[name] for name in names] for row in rows], shown)

    def _shown_image(self) -> Image | None:
        result = cast(Any, self)
        if result.image.source is None:
            return None
        try:
            canvas: Image = result.draw()
        except (ImageError, InvalidInput):  # the file went away: the table is still worth showing
            return None
        canvas.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        return canvas


def _encoded(canvas: Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    canvas.save(file, format, **options)
    return file.getvalue()

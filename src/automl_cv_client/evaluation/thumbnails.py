"""Images for a report: small, with the labels or the prediction drawn on, as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.dataset import LocalImages, Row
from automl_cv_client.drawing import Look, Style, draw, draw_classes, draw_objects
from automl_cv_client.drawing.palette import Color
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results import Result
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST = 420  # pixels: enough to see a mistake, 20 to 40 kB each
_CLASSES_SHOWN = 3
_STYLE = Style(text=14)
"""Letters that can be read at the size the page shows the images."""


class Thumbnails:
    """Draws labels and predictions on small copies of images.

    Args:
        images: the folder of images; a result that knows its file needs none.
        colors: of the classes, the same in all images of a page.
    """

    def __init__(self, images: Path | None, colors: Mapping[str, Color] | None = None) -> None:
        self._files = None if images is None else LocalImages(images)
        self._colors = colors

    def of(self, content: AnnotatedImage, row: Row, result: Result, looks: list[Look] | None = None) -> str | None:
        """The image with this content, as a data URI; None when the image cannot be had.

        Args:
            content: what is drawn: labels, or what the endpoint said.
            row, result: of the image, to find its file.
            looks: how each object is drawn; by default in the color of its class.
        """
        small = self._small(row, result)
        if small is None:
            return None
        if content.task.explainable:
            present = content.present()
            labelled = all(score is None for _, score in content.labels)
            shown = present if labelled or (present and content.task is Task.MULTILABEL) else content.ranked()
            return _data_uri(draw_classes(small, shown if labelled else shown[:_CLASSES_SHOWN], style=_STYLE))
        if looks is None:
            return _data_uri(draw(small, content, _STYLE, self._colors))
        return _data_uri(draw_objects(small, content.objects, _STYLE, looks=looks))

    def _small(self, row: Row, result: Result) -> Image | None:
        from PIL import Image, ImageOps

        try:
            file = (self._files.find(row.image_url) if self._files else None) or result.image.source
            if file is None:
                return None
            with Image.open(file) as opened:
                opened.draft("RGB", (_LONGEST, _LONGEST))
                small = ImageOps.exif_transpose(opened).convert("RGB")
        except (OSError, ValueError, SyntaxError, AutoMLVisionError, Image.DecompressionBombError):
            return None
        small.thumbnail((_LONGEST, _LONGEST))
        return small


def _data_uri(opened: Image) -> str:
    buffer = io.BytesIO()
    opened.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

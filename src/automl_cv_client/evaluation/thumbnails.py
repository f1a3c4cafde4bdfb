"""Images for a report: small, with the labels or the prediction drawn on, as data URIs."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_cv_client.dataset import BoxLabel, LocalImages, PolygonLabel, Row
from automl_cv_client.drawing import ObjectMark, draw_classes, draw_objects
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.geometry import scale_segment
from automl_cv_client.results import Classification, Instance, MultilabelClassification, Objects, Result

if TYPE_CHECKING:
    from PIL.Image import Image

_LONGEST = 420  # pixels: enough to see a mistake, 20 to 40 kB each
_LEAST_SCORE = 0.3  # objects up to this are not drawn: a mistake is seen among few boxes


class Thumbnails:
    """Draws labels and predictions on small copies of images.

    Args:
        images: the folder of images; a result that knows its file needs none.
    """

    def __init__(self, images: Path | None) -> None:
        self._files = None if images is None else LocalImages(images)

    def truth(self, row: Row, result: Result) -> str | None:
        """The image with its labels, as a data URI; None when the image cannot be had."""
        small = self._small(row, result)
        return None if small is None else _data_uri(_with_labels(small, row))

    def found(self, row: Row, result: Result) -> str | None:
        """The image with what the endpoint said."""
        small = self._small(row, result)
        return None if small is None else _data_uri(_with_result(small, result))

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


def _with_result(small: Image, result: Any) -> Image:
    if isinstance(result, Classification):
        return draw_classes(small, result.top(3))
    if isinstance(result, MultilabelClassification):
        return draw_classes(small, result.above() or result.top(3))
    shown = [one for one in result.objects if one.score > _LEAST_SCORE] if isinstance(result, Objects) else []
    return draw_objects(small, [_mark(one, one.score, small.size) for one in shown])


def _with_labels(small: Image, row: Row) -> Image:
    labels: Any = row.label  # type: ignore[attr-defined]
    if isinstance(labels, str) or (labels and isinstance(labels[0], str)):
        return draw_classes(small, [(label, 1.0) for label in row.classes()])
    return draw_objects(small, [_mark(one, math.nan, small.size) for one in labels])


def _mark(one: Any, score: float, size: tuple[int, int]) -> ObjectMark:
    segments = one.polygon if isinstance(one, PolygonLabel) else one.polygons if isinstance(one, Instance) else ()
    name = f"{one.label} (crowd)" if isinstance(one, BoxLabel | PolygonLabel) and one.crowd else one.label
    polygons = tuple(scale_segment(segment, size) for segment in segments if len(segment) >= 6)
    return ObjectMark(name, score, one.box.to_pixels(size), polygons)


def _data_uri(opened: Image) -> str:
    buffer = io.BytesIO()
    opened.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

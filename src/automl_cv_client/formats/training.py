"""A result as a line of AutoML's training data (JSONL), to be checked by people and trained on."""

from __future__ import annotations

from typing import Any

from automl_cv_client.formats.placed import placed
from automl_cv_client.geometry import sound
from automl_cv_client.results import (
    Classification,
    Detection,
    Detections,
    Instance,
    Instances,
    MultilabelClassification,
    Result,
)

_FORMATS = {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp", "image/tiff": "tiff"}
"""The formats that AutoML's documentation lists."""


def training_row(result: Result, image_url: str) -> dict[str, Any]:
    """``{"image_url", "image_details", "label"}`` as "Data schemas to train computer vision models with AutoML" says.

    Coordinates are clipped to [0, 1]. Boxes of which nothing is left, and instances without outline, are left out:
    training refuses them.

    Args:
        result: of one image.
        image_url: where training finds the image: ``azureml://subscriptions/…/paths/…``.
    """
    details: dict[str, Any] = {"width": f"{result.size.width}px", "height": f"{result.size.height}px"}
    kind = result.image.source.rpartition(".")[2].lower() if result.image.source else ""
    known = kind if kind in ("jpg", "jpeg", "png", "jpe", "jfif", "bmp", "tif", "tiff") else None
    written = known or _FORMATS.get(result.image.media_type)
    if written:
        details = {"format": written, **details}
    return {"image_url": image_url, "image_details": details, "label": _label(result)}


def _label(result: Result) -> str | list[str] | list[dict[str, Any]]:
    if isinstance(result, MultilabelClassification):
        return [label for label, _ in result.above()]
    if isinstance(result, Classification):
        return result.label
    assert isinstance(result, Detections | Instances)
    inside = placed(result).clipped()
    if isinstance(inside, Instances):
        return [_outline(one) for one in inside if sound(one.polygons)]
    return [_box(one) for one in inside if one.box.area > 0]


def _box(one: Detection) -> dict[str, Any]:
    left, top, right, bottom = one.box
    return {"label": one.label, "topX": left, "topY": top, "bottomX": right, "bottomY": bottom, "isCrowd": 0}


def _outline(one: Instance) -> dict[str, Any]:
    return {"label": one.label, "isCrowd": 0, "polygon": [list(segment) for segment in sound(one.polygons)]}

"""AutoML's training data (JSONL): one line per image, of what a model said, to be checked by people and trained on."""

from __future__ import annotations

from typing import Any

from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.task import Task

FORMATS = ("jpg", "jpeg", "png", "jpe", "jfif", "bmp", "tif", "tiff")
"""What ``image_details.format`` may say, by AutoML's documentation."""

_FORMAT_OF = {"image/jpeg": "jpg", "image/png": "png", "image/bmp": "bmp", "image/tiff": "tiff"}


def training_row_of(image: SupportsAnnotated, image_url: str | None = None) -> dict[str, Any]:
    """``{"image_url", "image_details", "label"}`` as "Data schemas to train computer vision models with AutoML" says.

    Coordinates are clipped to [0, 1]. Boxes of which nothing is left, and instances without outline, are left out:
    training refuses them.

    Args:
        image: a result or a row of one image.
        image_url: where training finds the image: ``azureml://subscriptions/…/paths/…``; by default where it came
            from.

    Raises:
        InvalidInput: a row has a box outside its image.
    """
    annotated = image.annotated()
    url = (annotated.source or "") if image_url is None else image_url
    return {"image_url": url, "image_details": _details(annotated), "label": _label(annotated)}


def _details(image: AnnotatedImage) -> dict[str, Any]:
    ending = image.source.rpartition(".")[2].lower() if image.source else ""
    name = ending if ending in FORMATS else _FORMAT_OF.get(image.media_type or "")
    details: dict[str, Any] = {"format": name} if name else {}
    if image.size is not None:
        details |= {"width": f"{image.size.width}px", "height": f"{image.size.height}px"}
    return details


def _label(image: AnnotatedImage) -> str | list[str] | list[dict[str, Any]]:
    if image.task is Task.MULTILABEL:
        return [label for label, _ in image.present()]
    if image.task is Task.CLASSIFICATION:
        return image.present()[0][0]
    inside = image.inside().objects
    if image.task is Task.SEGMENTATION:
        return [_outline(item) for item in inside if item.polygons]
    return [_box(item) for item in inside]


def _box(item: Annotation) -> dict[str, Any]:
    left, top, right, bottom = item.box
    corners = {"topX": left, "topY": top, "bottomX": right, "bottomY": bottom}
    return {"label": item.label, **corners, "isCrowd": int(item.crowd)}


def _outline(item: Annotation) -> dict[str, Any]:
    polygon = [list(segment) for segment in item.polygons or ()]
    return {"label": item.label, "isCrowd": int(item.crowd), "polygon": polygon}

"""Label Studio: a task with a prediction to be corrected by people, or with what they labelled before."""

from __future__ import annotations

from typing import Any

from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.geometry import one_ring, points

_NAMES = {"from_name": "label", "to_name": "image"}


def label_studio_of(
    image: SupportsAnnotated, image_url: str, model_version: str = "automl-cv-client"
) -> dict[str, Any]:
    """One task: ``{"data": {"image": …}, "predictions": […]}``, in percent of the upright image.

    The labelling configuration must have an ``Image`` named ``image`` and a control named ``label``:
    ``RectangleLabels``, ``PolygonLabels`` or ``Choices``. Holes are kept by bridges without width. A training row
    becomes ``annotations`` in place of ``predictions``. Objects without area inside the image are left out.

    Args:
        image: a result or a row.
        image_url: where Label Studio finds the image.
        model_version: shown beside the predictions.

    Raises:
        InvalidInput: a row has a box outside its image.
    """
    annotated = image.annotated()
    if annotated.task.explainable:
        choices = [label for label, _ in annotated.present()]
        regions: list[dict[str, Any]] = [{**_NAMES, "id": "0", "type": "choices", "value": {"choices": choices}}]
    else:
        shared = _NAMES | _size(annotated)
        inside = annotated.inside().objects
        regions = [{**shared, "id": str(number), **_region(item)} for number, item in enumerate(inside)]
    if _is_labelled(annotated):
        return {"data": {"image": image_url}, "annotations": [{"result": regions}]}
    scores = [region["score"] for region in regions if "score" in region]
    prediction = {"model_version": model_version, "result": regions, "score": min(scores, default=0.0)}
    return {"data": {"image": image_url}, "predictions": [prediction]}


def _is_labelled(image: AnnotatedImage) -> bool:
    """Whether people made the labels: an image without any is taken for what a model said of it."""
    scores = [score for _, score in image.labels] + [item.score for item in image.objects]
    return bool(scores) and all(score is None for score in scores)


def _size(image: AnnotatedImage) -> dict[str, Any]:
    if image.size is None:
        return {}
    return {"original_width": image.size.width, "original_height": image.size.height, "image_rotation": 0}


def _region(item: Annotation) -> dict[str, Any]:
    score = {} if item.score is None else {"score": item.score}
    ring = one_ring(item.polygons or ())
    if ring:
        corners = [[100 * x, 100 * y] for x, y in points(ring)]
        value: dict[str, Any] = {"points": corners, "closed": True, "polygonlabels": [item.label]}
        return {"type": "polygonlabels", "value": value, **score}
    box = item.box
    value = {"x": 100 * box.left, "y": 100 * box.top, "width": 100 * box.width, "height": 100 * box.height}
    value = {**value, "rotation": 0, "rectanglelabels": [item.label]}
    return {"type": "rectanglelabels", "value": value, **score}

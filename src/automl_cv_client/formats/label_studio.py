"""Label Studio: a task with a prediction, to be corrected by people."""

from __future__ import annotations

from typing import Any

from automl_cv_client.formats.placed import placed
from automl_cv_client.geometry import one_ring, points
from automl_cv_client.results import (
    Classification,
    Detection,
    Detections,
    Instance,
    Instances,
    MultilabelClassification,
    Result,
)


def label_studio_of(result: Result, image_url: str, model_version: str = "automl-cv-client") -> dict[str, Any]:
    """One task: ``{"data": {"image": …}, "predictions": […]}``, in percent of the upright image.

    The labelling configuration must have an ``Image`` named ``image`` and a control named ``label``:
    ``RectangleLabels``, ``PolygonLabels`` or ``Choices``. Holes are kept by bridges without width.
    """
    shared = {"from_name": "label", "to_name": "image"}
    if isinstance(result, Classification | MultilabelClassification):
        found: list[dict[str, Any]] = [{**shared, "id": "0", "type": "choices", "value": {"choices": _choices(result)}}]
    else:
        assert isinstance(result, Detections | Instances)
        width, height = result.size
        place: dict[str, Any] = {**shared, "original_width": width, "original_height": height, "image_rotation": 0}
        found = [{**place, "id": str(i), **_region(one)} for i, one in enumerate(placed(result))]
    scores = [region["score"] for region in found if "score" in region]
    prediction = {"model_version": model_version, "result": found, "score": min(scores, default=0.0)}
    return {"data": {"image": image_url}, "predictions": [prediction]}


def _choices(result: Classification | MultilabelClassification) -> list[str]:
    if isinstance(result, MultilabelClassification):
        return [label for label, _ in result.above()]
    return [result.label]


def _region(one: Detection) -> dict[str, Any]:
    ring = one_ring(one.polygons) if isinstance(one, Instance) else ()
    if ring:
        corners = [[100 * x, 100 * y] for x, y in points(ring)]
        value: dict[str, Any] = {"points": corners, "closed": True, "polygonlabels": [one.label]}
        return {"type": "polygonlabels", "value": value, "score": one.score}
    box = one.box
    value = {"x": 100 * box.left, "y": 100 * box.top, "width": 100 * box.width, "height": 100 * box.height}
    value = {**value, "rotation": 0, "rectanglelabels": [one.label]}
    return {"type": "rectanglelabels", "value": value, "score": one.score}

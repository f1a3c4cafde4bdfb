"""FiftyOne: a label field in the JSON that FiftyOne's own labels are serialised to."""

from __future__ import annotations

from typing import Any

from automl_cv_client.annotations import Annotation, SupportsAnnotated
from automl_cv_client.geometry import one_ring, points
from automl_cv_client.task import Task


def fiftyone_of(image: SupportsAnnotated) -> dict[str, Any]:
    """``Detections``, ``Polylines``, ``Classification`` or ``Classifications``, in fractions of the image.

    Outlines become closed, filled polylines; their holes are kept by bridges without width. Objects without area
    inside the image are left out; what people labelled has no ``confidence``, a crowd has ``iscrowd``.

    Raises:
        InvalidInput: a row has a box outside its image.
    """
    annotated = image.annotated()
    if annotated.task is Task.MULTILABEL:
        return {"_cls": "Classifications", "classifications": [_class(*pair) for pair in annotated.present()]}
    if annotated.task is Task.CLASSIFICATION:
        return _class(*annotated.present()[0])
    objects = annotated.inside().objects
    if annotated.task is Task.SEGMENTATION:
        return {"_cls": "Polylines", "polylines": [_polyline(item) for item in objects]}
    return {"_cls": "Detections", "detections": [_detection(item) for item in objects]}


def _class(label: str, score: float | None) -> dict[str, Any]:
    return {"_cls": "Classification", "label": label, **_confidence(score)}


def _detection(item: Annotation) -> dict[str, Any]:
    box = item.box
    bounding_box = [box.left, box.top, box.width, box.height]
    return {"_cls": "Detection", "label": item.label, "bounding_box": bounding_box, **_shared(item)}


def _polyline(item: Annotation) -> dict[str, Any]:
    ring = [list(corner) for corner in points(one_ring(item.polygons or ()))]
    shape = {"points": [ring] if ring else [], "closed": True, "filled": True}
    return {"_cls": "Polyline", "label": item.label, **shape, **_shared(item)}


def _shared(item: Annotation) -> dict[str, Any]:
    return _confidence(item.score) | ({"iscrowd": True} if item.crowd else {})


def _confidence(score: float | None) -> dict[str, float]:
    return {} if score is None else {"confidence": score}

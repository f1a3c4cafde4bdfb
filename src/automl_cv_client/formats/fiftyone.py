"""FiftyOne: a label field in the JSON that FiftyOne's own labels are serialised to."""

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


def fiftyone_of(result: Result) -> dict[str, Any]:
    """``Detections``, ``Polylines``, ``Classification`` or ``Classifications``, in fractions of the image.

    Outlines become closed, filled polylines; their holes are kept by bridges without width.
    """
    if isinstance(result, MultilabelClassification):
        return {"_cls": "Classifications", "classifications": [_class(*pair) for pair in result.above()]}
    if isinstance(result, Classification):
        return _class(result.label, result.score)
    assert isinstance(result, Detections | Instances)
    if isinstance(result, Instances):
        return {"_cls": "Polylines", "polylines": [_polyline(one) for one in placed(result)]}
    return {"_cls": "Detections", "detections": [_detection(one) for one in placed(result)]}


def _class(label: str, score: float) -> dict[str, Any]:
    return {"_cls": "Classification", "label": label, "confidence": score}


def _detection(one: Detection) -> dict[str, Any]:
    box = one.box
    place = [box.left, box.top, box.width, box.height]
    return {"_cls": "Detection", "label": one.label, "bounding_box": place, "confidence": one.score}


def _polyline(one: Instance) -> dict[str, Any]:
    ring = [list(corner) for corner in points(one_ring(one.polygons))]
    shape = {"points": [ring] if ring else [], "closed": True, "filled": True}
    return {"_cls": "Polyline", "label": one.label, **shape, "confidence": one.score}

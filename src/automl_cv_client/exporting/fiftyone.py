"""FiftyOne: a label field in the JSON that FiftyOne's own labels are serialised to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_cv_client.exporting.placed import placed
from automl_cv_client.geometry import one_ring, points

if TYPE_CHECKING:
    from automl_cv_client.results import Result


def fiftyone_of(result: Result) -> dict[str, Any]:
    """``Detections``, ``Polylines``, ``Classification`` or ``Classifications``, in fractions of the picture.

    Outlines become closed, filled polylines; their holes are kept by bridges without width.
    """
    found: Any = result
    if hasattr(found, "threshold"):
        return {"_cls": "Classifications", "classifications": [_class(*pair) for pair in found.above()]}
    if hasattr(found, "probs"):
        return _class(found.label, found.score)
    if type(found).__name__ == "Instances":
        return {"_cls": "Polylines", "polylines": [_polyline(one) for one in placed(found)]}
    return {"_cls": "Detections", "detections": [_detection(one) for one in placed(found)]}


def _class(label: str, score: float) -> dict[str, Any]:
    return {"_cls": "Classification", "label": label, "confidence": score}


def _detection(one: Any) -> dict[str, Any]:
    box = one.box
    place = [box.left, box.top, box.width, box.height]
    return {"_cls": "Detection", "label": one.label, "bounding_box": place, "confidence": one.score}


def _polyline(one: Any) -> dict[str, Any]:
    ring = [list(corner) for corner in points(one_ring(one.polygons))]
    shape = {"points": [ring] if ring else [], "closed": True, "filled": True}
    return {"_cls": "Polyline", "label": one.label, **shape, "confidence": one.score}

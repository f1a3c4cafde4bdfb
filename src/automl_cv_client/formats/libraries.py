"""Results as objects of other libraries, which are imported at the call: supervision and shapely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.tables import optional
from automl_cv_client.geometry import contains_point, points, sound
from automl_cv_client.results import Detections, Instances


def supervision_of(result: Detections | Instances, names: Sequence[str] | None = None) -> Any:
    """``supervision.Detections`` in pixels of the upright image; of outlines also with masks.

    Args:
        result: Detections or Instances, of one image.
        names: the classes; a label's place is its ``class_id``. By default the labels that occur, sorted.

    Raises:
        InvalidInput: a label is not among the names.
    """
    supervision = optional("supervision")  # brings numpy
    import numpy

    order = sorted({one.label for one in result}) if names is None else list(names)
    numbers = {name: number for number, name in enumerate(order)}
    missing = sorted({one.label for one in result} - numbers.keys())
    if missing:
        raise InvalidInput(f"names lacks the labels {missing[:5]!r}: give every class of the model, in its order")
    masks = None
    if isinstance(result, Instances):
        shape = (0, result.size.height, result.size.width)
        masks = numpy.stack([one.mask() for one in result]) if len(result) else numpy.zeros(shape, bool)
    return supervision.Detections(
        xyxy=result.pixel_boxes_array(),
        confidence=result.scores_array.copy(),
        class_id=numpy.array([numbers[one.label] for one in result], dtype=int),
        mask=masks,
        data={"class_name": numpy.array([one.label for one in result], dtype=str)},
    )


def shapely_of(result: Detections | Instances) -> list[Any]:
    """One shapely geometry an object, in pixels of the upright image: boxes, or outlines with their holes."""
    shapely = optional("shapely")
    if not isinstance(result, Instances):
        return [shapely.box(*one.pixel_box) for one in result]
    return [_outline(shapely, sound(one.pixel_polygons)) for one in result]


def _outline(shapely: Any, segments: list[Sequence[float]]) -> Any:
    """A valid geometry that holds what the even-odd rule holds, also where segments cross."""
    if not segments:
        return shapely.Polygon()
    lines = shapely.unary_union([shapely.LinearRing(points(segment)) for segment in segments])
    faces = shapely.polygonize([lines]).geoms
    inside = [face for face in faces if contains_point(segments, *face.representative_point().coords[0])]
    return shapely.unary_union(inside)

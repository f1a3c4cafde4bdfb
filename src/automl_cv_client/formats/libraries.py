"""Objects of other libraries, which are imported at the call: supervision and shapely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from automl_cv_client.annotations import Annotation, SupportsAnnotated
from automl_cv_client.formats.files import holds_objects, numbered
from automl_cv_client.formats.tables import optional
from automl_cv_client.geometry import Rle, Size, contains_point, points, scale_segment, sound
from automl_cv_client.task import Task

if TYPE_CHECKING:
    import supervision
    from shapely.geometry.base import BaseGeometry


def supervision_of(image: SupportsAnnotated, names: Sequence[str] | None = None) -> supervision.Detections:
    """``supervision.Detections`` in pixels of the upright image; of outlines also with masks.

    Args:
        image: a result or a row of one image.
        names: the classes; a label's place is its ``class_id``. By default the labels that occur, sorted.

    Raises:
        InvalidInput: a label is not among the names, or a row does not tell its image's size.
    """
    library = optional("supervision")  # brings numpy
    import numpy

    annotated = holds_objects(image.annotated(), "supervision.Detections")
    size, objects = annotated.pixels, annotated.objects
    labels = [item.label for item in objects]
    numbers = numbered(sorted(set(labels)) if names is None else names, labels)
    scores = [item.score for item in objects]
    masks = None
    if annotated.task is Task.SEGMENTATION:
        masks = numpy.zeros((len(objects), size.height, size.width), bool)
        for mask, item in zip(masks, objects, strict=True):
            cells = Rle.of_polygon([scale_segment(segment, size) for segment in item.polygons or ()], size)
            mask[:] = numpy.frombuffer(cells.column_bytes(), bool).reshape(size.width, size.height).T
    detections: supervision.Detections = library.Detections(
        xyxy=numpy.array([item.box.to_pixels(size) for item in objects], numpy.float64).reshape(-1, 4),
        confidence=None if any(score is None for score in scores) else numpy.array(scores, numpy.float64),
        class_id=numpy.array([numbers[label] for label in labels], dtype=int),
        mask=masks,
        data={"class_name": numpy.array(labels, dtype=str)},
    )
    return detections


def shapely_of(image: SupportsAnnotated) -> list[BaseGeometry]:
    """One shapely geometry an object, in pixels of the upright image: boxes, or outlines with their holes.

    Raises:
        InvalidInput: a row does not tell its image's size.
    """
    shapely = optional("shapely")
    annotated = holds_objects(image.annotated(), "shapely geometries")
    return [_geometry(shapely, item, annotated.pixels) for item in annotated.objects]


def _geometry(shapely: Any, item: Annotation, size: Size) -> BaseGeometry:
    if item.polygons is None:
        box: BaseGeometry = shapely.box(*item.box.to_pixels(size))
        return box
    outline: BaseGeometry = _outline(shapely, sound(scale_segment(segment, size) for segment in item.polygons))
    return outline


def _outline(shapely: Any, segments: list[Sequence[float]]) -> Any:
    """A valid geometry that holds what the even-odd rule holds, also where segments cross."""
    if not segments:
        return shapely.Polygon()
    lines = shapely.unary_union([shapely.LinearRing(points(segment)) for segment in segments])
    faces = shapely.polygonize([lines]).geoms
    inside = [face for face in faces if contains_point(segments, *face.representative_point().coords[0])]
    return shapely.unary_union(inside)

"""Builds results for tests: what a client would have returned, without an image and without an endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.geometry import Box, Segment, Size
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detection,
    Detections,
    Failed,
    ImageInfo,
    Instance,
    Instances,
    MultilabelClassification,
    Outcome,
    Result,
    Scored,
)

SIZE = (640, 480)
"""(width, height) in pixels of the image a built result speaks of, unless told otherwise."""

Edges = tuple[float, float, float, float]
"""Left, top, right, bottom, in fractions of the image."""


def image_info(size: tuple[int, int] = SIZE, source: str | None = None) -> ImageInfo:
    """An image of ``size`` (width, height) pixels, upright and sent as it is."""
    whole = Size(*size)
    return ImageInfo(size=whole, raw_size=whole, sent_size=whole, media_type="image/jpeg", source=source)


def classification(scores: Mapping[str, float], *, size: tuple[int, int] = SIZE) -> Classification:
    """A multi-class result.

    >>> classification({"cat": 0.9, "dog": 0.1}).label
    'cat'
    """
    return Classification(image=image_info(size), call=CallInfo(), **_classes(scores))


def multilabel(
    scores: Mapping[str, float], *, threshold: float = 0.5, size: tuple[int, int] = SIZE
) -> MultilabelClassification:
    """A multi-label result.

    >>> [label for label, score in multilabel({"cat": 0.9, "dog": 0.8, "cup": 0.1}).above()]
    ['cat', 'dog']
    """
    return MultilabelClassification(image=image_info(size), call=CallInfo(), threshold=threshold, **_classes(scores))


def detections(*found: tuple[str, float, Edges], size: tuple[int, int] = SIZE) -> Detections:
    """A detection result; without arguments one where nothing was found.

    Args:
        found: label, score, and box as (left, top, right, bottom) in fractions of the image.
        size: of the image, (width, height) in pixels.

    >>> detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)), size=(400, 200))[0].pixel_box
    PixelBox(left=100.0, top=100.0, right=300.0, bottom=200.0)
    """
    objects = tuple(Detection(label=label, score=score, box=Box(*box)) for label, score, box in found)
    return Detections(image=image_info(size), call=CallInfo(), objects=objects)


def instances(
    *found: tuple[str, float, Edges] | tuple[str, float, Edges, Sequence[Segment]], size: tuple[int, int] = SIZE
) -> Instances:
    """A segmentation result.

    Args:
        found: as for :func:`detections`, with closed segments ``(x1, y1, x2, y2, …)`` as a fourth part; without
            them the outline is the box.
        size: of the image, (width, height) in pixels.
    """
    objects = tuple(
        Instance(label=label, score=score, box=Box(*box), polygons=_segments(box, polygons))
        for label, score, box, *polygons in found
    )
    return Instances(image=image_info(size), call=CallInfo(), objects=objects)


def outcome(what: Result | AutoMLVisionError, index: int = 0, input: object = None) -> Outcome[Result]:
    """One image of many: a result, or the error in its place."""
    if isinstance(what, Result):
        return Scored(index, input, what)
    return Failed(index, input, error=what)


def _classes(scores: Mapping[str, float]) -> dict[str, Any]:
    return {"probs": tuple(scores.values()), "labels": tuple(scores)}


def _segments(box: Edges, given: Sequence[Sequence[Segment]]) -> tuple[Segment, ...]:
    if given:
        return tuple(tuple(segment) for segment in given[0])
    left, top, right, bottom = box
    return ((left, top, right, top, right, bottom, left, bottom, left, top),)

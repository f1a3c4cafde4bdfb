"""Predictions become training rows: labels to correct instead of labels to draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from automl_cv_client._numbers import checked_threshold
from automl_cv_client.dataset import (
    BoxLabel,
    ClassificationRow,
    DetectionRow,
    ImageDetails,
    MultilabelRow,
    PolygonLabel,
    Row,
    SegmentationRow,
)
from automl_cv_client.evaluation.pairs import Answer
from automl_cv_client.results import (
    Classification,
    Detections,
    Instances,
    MultilabelClassification,
    Outcome,
)

_LEAST_NUMBERS = 6  # of a segment: three points


def prelabel(
    predictions: Mapping[str, Answer] | Iterable[tuple[str, Answer]], *, threshold: float = 0.5
) -> Iterator[Row]:
    """Training rows of what a model said, for people to correct; ``write_jsonl`` writes them.

    Args:
        predictions: results or outcomes by image URL; images that failed are passed over.
        threshold: labels and objects up to this score are left out. An image of one class gives no row unless that
            class is above it: a guess is worse than an unlabelled image. 0 to 1.

    Raises:
        InvalidInput: the threshold is not from 0 to 1.
    """
    checked_threshold(threshold)
    for image_url, answer in predictions.items() if isinstance(predictions, Mapping) else predictions:
        row = _row(image_url, answer.result if isinstance(answer, Outcome) else answer, threshold)
        if row is not None:
            yield row


def _row(url: str, result: Any, threshold: float) -> Row | None:
    if isinstance(result, Classification):
        if not result.score > threshold:
            return None
        return ClassificationRow(image_url=url, image_details=_details(result), label=result.label)
    if isinstance(result, MultilabelClassification):
        labels = tuple(one.label for one in result.above(threshold))
        return MultilabelRow(image_url=url, image_details=_details(result), label=labels)
    if isinstance(result, Detections):
        boxes = tuple(_box(one) for one in result.above(threshold) if one.box.area > 0)
        return DetectionRow(image_url=url, image_details=_details(result), label=boxes)
    if isinstance(result, Instances):
        outlines = tuple(_outline(one) for one in result.above(threshold) if _segments(one))
        return SegmentationRow(image_url=url, image_details=_details(result), label=outlines)
    return None


def _details(result: Any) -> ImageDetails:
    return ImageDetails(width=result.size.width, height=result.size.height)


def _box(one: Any) -> BoxLabel:
    left, top, right, bottom = (_inside(value) for value in one.box)
    return BoxLabel(label=one.label, topX=left, topY=top, bottomX=right, bottomY=bottom)


def _outline(one: Any) -> PolygonLabel:
    return PolygonLabel(label=one.label, polygon=tuple(tuple(map(_inside, part)) for part in _segments(one)))


def _segments(one: Any) -> list[tuple[float, ...]]:
    """Those that enclose something: servers send degenerate ones too, and training refuses them."""
    return [
        part
        for part in one.polygons
        if len(part) >= _LEAST_NUMBERS and len(set(zip(part[::2], part[1::2], strict=False))) >= 3
    ]


def _inside(value: float) -> float:
    return min(1.0, max(0.0, value))

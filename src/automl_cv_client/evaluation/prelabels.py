"""Predictions become training rows: labels to correct instead of labels to draw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from automl_cv_client._numbers import checked_threshold
from automl_cv_client.dataset import Row, row_of
from automl_cv_client.evaluation.pairs import Answer
from automl_cv_client.formats import training_row_of
from automl_cv_client.results import Failed, Result, Scored
from automl_cv_client.task import Task


def prelabel(
    predictions: Mapping[str, Answer] | Iterable[tuple[str, Answer]], *, threshold: float = 0.5
) -> Iterator[Row]:
    """Training rows of what a model said, for people to correct; ``write_jsonl`` writes them.

    Args:
        predictions: results or outcomes by image URL; images that failed are passed over.
        threshold: labels and objects up to this score are left out. An image of one class gives no row unless that
            class is above it: a guess is worse than an unlabelled image. 0 to 1.

    Yields:
        A row per image.

    Raises:
        InvalidInput: the threshold is not from 0 to 1.
    """
    checked_threshold(threshold)
    for image_url, answer in predictions.items() if isinstance(predictions, Mapping) else predictions:
        result = answer.result if isinstance(answer, Scored | Failed) else answer
        if isinstance(result, Result):
            image = result.annotated().above(threshold)
            if image.labels or image.task is not Task.CLASSIFICATION:
                yield row_of(training_row_of(image, image_url), image.task)

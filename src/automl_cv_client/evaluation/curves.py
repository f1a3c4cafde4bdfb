"""Precision against recall from scores; equals scikit-learn's ``precision_recall_curve`` and ``average_precision``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.evaluation.report import Number

_MOST_POINTS = 201  # of a curve in a report: more cannot be seen


def _steps(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Precision, recall and score at each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    last = np.nonzero(np.append(np.diff(scores[order]) != 0, True))[0]
    precision, recall = hits[last] / (last + 1), hits[last] / truth.sum()
    return precision, recall, scores[order][last]


def average_precision(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> Number:
    """Mean of the precisions at each step of recall; None when nothing is true."""
    if not truth.any():
        return None
    precision, recall, _ = _steps(truth, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_recall(
    truth: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The curve to draw, as (recall, precision), thinned to some 200 points. ``truth`` holds at least one True."""
    precision, recall, _ = _steps(truth, scores)
    end = int(np.argmax(recall)) + 1  # beyond, precision only falls
    precision, recall = precision[:end], recall[:end]
    if len(precision) > _MOST_POINTS:
        kept = np.unique(np.linspace(0, len(precision) - 1, _MOST_POINTS).round().astype(int))
        precision, recall = precision[kept], recall[kept]
    return (0.0, *map(float, recall)), (float(precision[0]), *map(float, precision))


def best_threshold(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[Number, Number]:
    """The threshold with the best F1 for "score above threshold", and that F1; None when nothing is true.

    It lies halfway between the lowest score it lets in and the highest it keeps out.
    """
    if not truth.any():
        return None, None
    precision, recall, at = _steps(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = int(np.argmax(f1))
    below = float(at[best + 1]) if best + 1 < len(at) else 0.0
    return (float(at[best]) + below) / 2, float(f1[best])

"""Numbers for one class an image; they equal scikit-learn's (tests compare them)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.dataset import ClassificationRow
from automl_cv_client.evaluation.curves import average_precision, precision_recall
from automl_cv_client.evaluation.pairs import Pair
from automl_cv_client.evaluation.report import (
    CalibrationBin,
    ClassScores,
    Confusion,
    Curve,
    Mistake,
    Number,
    ThresholdScores,
)

_BINS = 10
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


class ClassificationScores:
    """Everything measured, from the pairs.

    Attributes:
        labels: every class that a label or the model names, sorted.
        truth: ``[n]`` index of the labelled class. chosen: ``[n]`` index of the most probable one.
        probs: ``[n, classes]``; 0 where the model does not know the class or said not-a-number.
        taking_part: indices of the classes that have labels or were predicted; of 1,000 they may be few.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        named = {cast(ClassificationRow, pair.row).label for pair in pairs}
        self.labels: tuple[str, ...] = tuple(sorted(named.union(*(pair.result.labels for pair in pairs))))
        place = {label: i for i, label in enumerate(self.labels)}
        self.pairs = pairs
        self.truth: NDArray[Any] = np.array([place[cast(ClassificationRow, pair.row).label] for pair in pairs])
        self.chosen: NDArray[Any] = np.array([place[pair.result.label] for pair in pairs])
        self.probs: NDArray[Any] = np.zeros((len(pairs), len(self.labels)))
        for i, pair in enumerate(pairs):
            for label, prob in pair.result.as_dict().items():
                self.probs[i, place[label]] = prob if prob == prob else 0.0
        size = len(self.labels)
        self.counts: NDArray[Any] = np.bincount(self.truth * size + self.chosen, minlength=size * size).reshape(
            size, size
        )

        self.taking_part: list[int] = np.nonzero(self.counts.sum(0) + self.counts.sum(1))[0].tolist()

    def metrics(self) -> dict[str, Number]:
        """Accuracy, means over the classes, log loss and calibration error."""
        precision, recall, f1 = precision_recall_f1(self.counts.diagonal(), self.counts.sum(0), self.counts.sum(1))
        support = self.counts.sum(1)
        named = self.taking_part  # as scikit-learn does by default
        present = support > 0
        return {
            "accuracy": float((self.truth == self.chosen).mean()),
            "balanced accuracy": float(recall[present].mean()),
            "macro precision": float(precision[named].mean()),
            "macro recall": float(recall[named].mean()),
            "macro F1": float(f1[named].mean()),
            "weighted F1": float(np.average(f1, weights=support)),
            "log loss": float(self.losses().mean()),
            "calibration error": calibration_error(self.calibration()),
        }

    def losses(self) -> NDArray[np.float64]:
        """``[n]``: minus the logarithm of the labelled class's probability, kept finite."""
        eps = np.finfo(np.float64).eps
        own = self.probs[np.arange(len(self.truth)), self.truth]
        losses: NDArray[np.float64] = -np.log(np.clip(own, eps, 1 - eps))
        return losses

    def classes(self) -> tuple[ClassScores, ...]:
        """Precision, recall, F1 and average precision of each class that has labels or was predicted."""
        columns = precision_recall_f1(self.counts.diagonal(), self.counts.sum(0), self.counts.sum(1))
        return tuple(
            ClassScores(
                label,
                int(self.counts[i].sum()),
                {
                    "precision": float(columns[0][i]),
                    "recall": float(columns[1][i]),
                    "F1": float(columns[2][i]),
                    "AP": average_precision(self.truth == i, self.probs[:, i]),
                },
            )
            for i, label in ((i, self.labels[i]) for i in self.taking_part)
        )

    def confusion(self) -> Confusion:
        """How often each class was taken for each."""
        counts = self.counts[np.ix_(self.taking_part, self.taking_part)]
        return Confusion(tuple(self.labels[i] for i in self.taking_part), tuple(tuple(map(int, row)) for row in counts))

    def curves(self) -> tuple[Curve, ...]:
        """One against the rest, of every class that has labels."""
        found = [
            (label, precision_recall(self.truth == i, self.probs[:, i]))
            for i, label in enumerate(self.labels)
            if (self.truth == i).any()
        ]
        return tuple(Curve(label, *curve) for label, curve in found)

    def calibration(self) -> tuple[CalibrationBin, ...]:
        """How often the model is right when it says how sure it is, in ten ranges."""
        return calibration_bins(self.probs.max(axis=1), self.truth == self.chosen)

    def at_thresholds(self) -> tuple[ThresholdScores, ...]:
        """How many images have a probability above each threshold, and how often the model is right on those."""
        confidence, right = self.probs.max(axis=1), self.truth == self.chosen
        scores = []
        for threshold in THRESHOLDS:
            kept = confidence > threshold
            accuracy = float(right[kept].mean()) if kept.any() else None
            scores.append(
                ThresholdScores(threshold, {"images above": float(kept.mean()), "accuracy of those": accuracy})
            )
        return tuple(scores)

    def mistakes(self) -> list[Mistake]:
        """Images of another class than the model said, those it was surest about first."""
        wrong = []
        for i in np.nonzero(self.truth != self.chosen)[0].tolist():
            pair, truth, chosen = self.pairs[i], self.truth[i], self.chosen[i]
            sure, own = self.probs[i, chosen], self.probs[i, truth]
            says = f"is {self.labels[truth]!r} ({own:.2f}), was taken for {self.labels[chosen]!r} ({sure:.2f})"
            wrong.append(Mistake(pair.row.image_url, says, float(sure - own), pair.row, pair.result))
        return sorted(wrong, key=lambda mistake: -mistake.badness)


def precision_recall_f1(
    right: Any, predicted: Any, labelled: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """From counts of each class; 0 where there is nothing to divide by, as scikit-learn with ``zero_division=0``."""
    return ratio(right, predicted), ratio(right, labelled), ratio(2 * right, predicted + labelled)


def counted_scores(
    threshold: float,
    labels: Sequence[str],
    right: NDArray[np.int64],
    predicted: NDArray[np.int64],
    labelled: NDArray[np.int64],
    shown: Sequence[int],
) -> ThresholdScores:
    """Precision, recall and F1 over all, and of the classes ``shown``, from counts of each class at one threshold."""
    sums = (right.sum(), predicted.sum(), labelled.sum())
    overall = dict(zip(("precision", "recall", "F1"), map(float, precision_recall_f1(*sums)), strict=True))
    columns = precision_recall_f1(right, predicted, labelled)
    classes: dict[str, dict[str, Number]] = {
        labels[i]: {"precision": float(columns[0][i]), "recall": float(columns[1][i]), "F1": float(columns[2][i])}
        for i in shown
    }
    return ThresholdScores(threshold, dict(overall), classes)


def ratio(part: Any, whole: Any) -> NDArray[np.float64]:
    """``part / whole``, 0 where the whole is 0."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    shares: NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return shares


def calibration_bins(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Ten ranges of confidence, with how often the predictions in each were right."""
    number = np.clip(np.ceil(confidence * _BINS).astype(int) - 1, 0, _BINS - 1)
    bins = []
    for step in range(_BINS):
        inside = number == step
        count = int(inside.sum())
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if count else (None, None)
        bins.append(CalibrationBin(step / _BINS, (step + 1) / _BINS, count, *means))
    return tuple(bins)


def calibration_error(bins: Sequence[CalibrationBin]) -> Number:
    """Mean distance of confidence and accuracy over all predictions (expected calibration error)."""
    total = sum(part.count for part in bins)
    if not total:
        return None
    return sum(part.count * abs((part.confidence or 0.0) - (part.accuracy or 0.0)) for part in bins) / total

"""Numbers for any number of labels an image; they equal scikit-learn's (tests compare them)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.dataset import MultilabelRow
from automl_cv_client.evaluation.classification import (
    THRESHOLDS,
    calibration_bins,
    calibration_error,
    counted_scores,
    precision_recall_f1,
    ratio,
)
from automl_cv_client.evaluation.curves import average_precision, best_threshold, precision_recall
from automl_cv_client.evaluation.pairs import Pair
from automl_cv_client.evaluation.report import CalibrationBin, ClassScores, Curve, Mistake, Number, ThresholdScores


class MultilabelScores:
    """Everything measured, from the pairs; a label counts as predicted when its probability is above ``threshold``.

    Attributes:
        labels: every label that a row or the model names, sorted.
        truth, chosen: ``[n, labels]`` booleans. probs: ``[n, labels]``.
        taking_part: indices of the labels that an image has or was given.
    """

    def __init__(self, pairs: Sequence[Pair], threshold: float) -> None:
        rows = [cast(MultilabelRow, pair.row) for pair in pairs]
        self.labels: tuple[str, ...] = tuple(
            sorted({label for row in rows for label in row.label}.union(*(p.result.labels for p in pairs)))
        )
        place = {label: i for i, label in enumerate(self.labels)}
        self.pairs = pairs
        self.truth: NDArray[Any] = np.zeros((len(pairs), len(self.labels)), dtype=bool)
        self.probs: NDArray[Any] = np.zeros(self.truth.shape)
        for i, (row, pair) in enumerate(zip(rows, pairs, strict=True)):
            self.truth[i, [place[label] for label in row.label]] = True
            for label, prob in pair.result.as_dict().items():
                self.probs[i, place[label]] = prob if prob == prob else 0.0
        self.chosen: NDArray[Any] = self.probs > threshold
        self.right: NDArray[Any] = (self.truth & self.chosen).sum(0)
        self.taking_part: list[int] = np.nonzero((self.truth | self.chosen).any(axis=0))[0].tolist()

    def metrics(self) -> dict[str, Number]:
        """F1 over all labels (micro) and as mean of the labels' own (macro), and how many images are all right."""
        columns = precision_recall_f1(self.right, self.chosen.sum(0), self.truth.sum(0))
        right, chosen, true = self.right.sum(), self.chosen.sum(), self.truth.sum()
        aps = [ap for ap in (self._ap(i) for i in range(len(self.labels))) if ap is not None]
        return {
            "micro F1": float(ratio(2 * right, chosen + true)),
            "macro F1": float(columns[2][self.taking_part].mean()) if self.taking_part else None,
            "micro precision": float(ratio(right, chosen)),
            "micro recall": float(ratio(right, true)),
            "mAP": float(np.mean(aps)) if aps else None,
            "exact matches": float((self.truth == self.chosen).all(axis=1).mean()),
            "wrong labels": float((self.truth != self.chosen).mean()) if self.labels else 0.0,
            "calibration error": calibration_error(self.calibration()),
        }

    def classes(self) -> tuple[ClassScores, ...]:
        """Precision, recall and F1 of each label, its average precision, and the threshold that suits it best."""
        columns = precision_recall_f1(self.right, self.chosen.sum(0), self.truth.sum(0))
        return tuple(
            ClassScores(label, int(self.truth[:, i].sum()), self._values(i, [float(column[i]) for column in columns]))
            for i, label in ((i, self.labels[i]) for i in self.taking_part)
        )

    def _values(self, i: int, values: list[float]) -> dict[str, Number]:
        threshold, f1 = best_threshold(self.truth[:, i], self.probs[:, i])
        named: dict[str, Number] = dict(zip(("precision", "recall", "F1"), values, strict=True))
        return named | {"AP": self._ap(i), "best threshold": threshold, "F1 there": f1}

    def _ap(self, i: int) -> Number:
        return average_precision(self.truth[:, i], self.probs[:, i])

    def curves(self) -> tuple[Curve, ...]:
        """Of every label that some image has."""
        return tuple(
            Curve(label, *precision_recall(self.truth[:, i], self.probs[:, i]))
            for i, label in enumerate(self.labels)
            if self.truth[:, i].any()
        )

    def calibration(self) -> tuple[CalibrationBin, ...]:
        """How often a label is there when the model gives it such a probability, in ten ranges."""
        return calibration_bins(self.probs.ravel(), self.truth.ravel())

    def at_thresholds(self) -> tuple[ThresholdScores, ...]:
        """Precision, recall and F1 at other thresholds."""
        scores = []
        for threshold in THRESHOLDS:
            chosen = self.probs > threshold
            counts = ((self.truth & chosen).sum(0), chosen.sum(0), self.truth.sum(0))
            scores.append(counted_scores(threshold, self.labels, *counts, self.taking_part))
        return tuple(scores)

    def mistakes(self) -> list[Mistake]:
        """Images with a missing or a wrong label, those furthest off first."""
        wrong = []
        for i, pair in enumerate(self.pairs):
            missing = [self.labels[j] for j in np.nonzero(self.truth[i] & ~self.chosen[i])[0]]
            extra = [self.labels[j] for j in np.nonzero(~self.truth[i] & self.chosen[i])[0]]
            if missing or extra:
                off = np.abs(self.truth[i] - self.probs[i])[self.truth[i] != self.chosen[i]].sum()
                says = " and ".join(
                    _named(word, some) for word, some in (("missed", missing), ("wrongly said", extra)) if some
                )
                wrong.append(Mistake(pair.row.image_url, says, float(off), pair.row, pair.result))
        return sorted(wrong, key=lambda mistake: -mistake.badness)


def _named(word: str, labels: Sequence[str]) -> str:
    return f"{word} {', '.join(map(repr, labels[:6]))}" + ("…" if len(labels) > 6 else "")

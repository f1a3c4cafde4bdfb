"""How sure are the numbers? Draws the images again and again, with repeats (the bootstrap), for two at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.evaluation.classification import ClassificationScores
from automl_cv_client.evaluation.coco import Progress, unseen
from automl_cv_client.evaluation.evaluating import Scores
from automl_cv_client.evaluation.objects import ObjectScores
from automl_cv_client.evaluation.report import Number

Floats = NDArray[np.float64]
_LOWER_IS_BETTER = ("log loss",)


class Interval(NamedTuple):
    """Where the true value lies with 95 % confidence, by the bootstrap over images."""

    low: Number
    high: Number


@dataclass(frozen=True, slots=True)
class Side:
    """One metric of both deployments.

    Attributes:
        metric: its name. a, b: its values. difference: b minus a.
        interval: of the difference. When it does not hold 0, the deployments differ.
        a_interval, b_interval: of the values.
    """

    metric: str
    a: Number
    b: Number
    difference: Number
    interval: Interval
    a_interval: Interval
    b_interval: Interval

    @property
    def verdict(self) -> str:
        """``"better"`` or ``"worse"`` (b than a), or ``"no clear difference"``."""
        low, high = self.interval
        if low is None or high is None or low <= 0 <= high:
            return "no clear difference"
        better = high < 0 if self.metric in _LOWER_IS_BETTER else low > 0
        return "better" if better else "worse"


def sides_of(
    scores: Sequence[Scores], images: int, draws: int, seed: int, progress: Sequence[Progress] = (unseen, unseen)
) -> tuple[Side, ...]:
    """Each metric of two measurements of the same images, with 95 % intervals of both and of their difference."""
    random = np.random.default_rng(seed)
    weights = np.zeros((draws + 1, images), dtype=np.int64)
    weights[0] = 1  # all images as they are; the others are drawn
    for draw in range(1, draws + 1):
        weights[draw] = np.bincount(random.integers(0, images, images), minlength=images)
    # The same images for both: a paired draw.
    a, b = (_drawn(measured, weights, part) for measured, part in zip(scores, progress, strict=True))
    return tuple(_side(metric, a[metric], b[metric]) for metric in a)


def _side(metric: str, a: Floats, b: Floats) -> Side:
    both = ~(np.isnan(a[1:]) | np.isnan(b[1:]))
    drawn_a, drawn_b = a[1:][both], b[1:][both]
    return Side(
        metric,
        _number(a[0]),
        _number(b[0]),
        _number(b[0] - a[0]),
        _interval(drawn_b - drawn_a),
        _interval(drawn_a),
        _interval(drawn_b),
    )


def _number(value: float) -> Number:
    return None if np.isnan(value) else float(value)


def _interval(values: Floats) -> Interval:
    if len(values) < 20:  # too few draws to name a 2.5 % tail
        return Interval(None, None)
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


def _drawn(scores: Scores, weights: NDArray[np.int64], progress: Progress) -> dict[str, Floats]:
    """The metrics of each draw, of which a row of ``weights`` says how often it has each image; NaN for none."""
    images = weights.sum(axis=1)
    if isinstance(scores, ObjectScores):
        return scores.coco.drawn(weights, progress)
    if isinstance(scores, ClassificationScores):
        right = scores.truth == scores.chosen
        return {"accuracy": weights @ right / images, "log loss": weights @ scores.losses() / images}
    both = weights @ (scores.truth & scores.chosen).sum(1)
    named = weights @ (scores.truth.sum(1) + scores.chosen.sum(1))
    exact = weights @ (scores.truth == scores.chosen).all(1)
    f1 = np.divide(2.0 * both, named, out=np.zeros(len(weights)), where=named > 0)
    return {"micro F1": f1, "exact matches": exact / images}

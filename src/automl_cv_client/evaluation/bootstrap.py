"""How sure are the numbers? Draws the images again and again, with repeats (the bootstrap), for two at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from automl_cv_client.evaluation.classification import ClassificationScores
from automl_cv_client.evaluation.evaluating import Scores
from automl_cv_client.evaluation.multilabel import MultilabelScores
from automl_cv_client.evaluation.objects import ObjectScores
from automl_cv_client.evaluation.report import Number

Resampler = Callable[[Sequence[int]], dict[str, Number]]
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


def sides_of(scores: Sequence[Scores], images: int, draws: int, seed: int) -> tuple[Side, ...]:
    """Each metric of two measurements of the same images, with 95 % intervals of both and of their difference."""
    resamplers = [_resampler(one) for one in scores]
    random = np.random.default_rng(seed)
    whole = [one(range(images)) for one in resamplers]
    drawn: list[tuple[dict[str, Number], ...]] = []
    for _ in range(draws):
        chosen = random.integers(0, images, images).tolist()  # the same images for both: a paired draw
        drawn.append(tuple(one(chosen) for one in resamplers))
    return tuple(_side(metric, whole, drawn) for metric in whole[0])


def _side(metric: str, whole: list[dict[str, Number]], drawn: list[tuple[dict[str, Number], ...]]) -> Side:
    a, b = whole[0][metric], whole[1][metric]
    pairs = [(one[metric], other[metric]) for one, other in drawn]
    both = [(x, y) for x, y in pairs if x is not None and y is not None]
    return Side(
        metric,
        a,
        b,
        None if a is None or b is None else b - a,
        _interval([y - x for x, y in both]),
        _interval([x for x, _ in both]),
        _interval([y for _, y in both]),
    )


def _interval(values: list[float]) -> Interval:
    if len(values) < 20:  # too few draws to name a 2.5 % tail
        return Interval(None, None)
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(low), float(high))


def _resampler(scores: Scores) -> Resampler:
    """A function from the numbers of images to metrics that are quick to compute again."""
    if isinstance(scores, ObjectScores):
        return scores.coco.resampled
    return _classes_resampler(scores) if isinstance(scores, ClassificationScores) else _labels_resampler(scores)


def _classes_resampler(scores: ClassificationScores) -> Resampler:
    right, losses = scores.truth == scores.chosen, scores.losses()
    return lambda chosen: {
        "accuracy": float(right[list(chosen)].mean()),
        "log loss": float(losses[list(chosen)].mean()),
    }


def _labels_resampler(scores: MultilabelScores) -> Resampler:
    both = (scores.truth & scores.chosen).sum(1)
    named = scores.truth.sum(1) + scores.chosen.sum(1)
    exact = (scores.truth == scores.chosen).all(1)

    def metrics(chosen: Sequence[int]) -> dict[str, Number]:
        some = list(chosen)
        total = int(named[some].sum())
        return {
            "micro F1": float(2 * both[some].sum() / total) if total else 0.0,
            "exact matches": float(exact[some].mean()),
        }

    return metrics

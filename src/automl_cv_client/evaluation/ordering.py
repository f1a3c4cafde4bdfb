"""Which images to label next: those the model is least sure of, or that two models see differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from automl_cv_client.geometry import iou
from automl_cv_client.results import Classification, MultilabelClassification, Objects, Result


class Ranked(NamedTuple):
    """An image and how much it is worth to label it, 0 to 1; higher first."""

    image: str
    worth: float


def least_sure_first(predictions: Mapping[str, Result] | Iterable[tuple[str, Result]]) -> list[Ranked]:
    """Images by their margin, the lowest first.

    The margin of one class an image is the best probability minus the second best; of several labels and of objects
    the distance of the least decided one from 0.5, doubled. An image without any object counts as half decided.
    """
    pairs = predictions.items() if isinstance(predictions, Mapping) else predictions
    return _sorted(Ranked(image, 1 - margin(result)) for image, result in pairs)


def most_disputed_first(a: Mapping[str, Result], b: Mapping[str, Result]) -> list[Ranked]:
    """Images that both have, by how differently the two see them; see :func:`disagreement`."""
    return _sorted(Ranked(image, disagreement(a[image], b[image])) for image in a if image in b)


def margin(result: Result) -> float:
    """How decided a result is, 0 (could be otherwise) to 1 (no doubt)."""
    if isinstance(result, Classification):
        best = sorted((prob for prob in result.probs if prob == prob), reverse=True)
        return max(0.0, min(1.0, best[0] - best[1])) if len(best) > 1 else 1.0
    scores = result.probs if isinstance(result, MultilabelClassification) else [one.score for one in _objects(result)]
    finite = [score for score in scores if score == score]
    return min((abs(score - 0.5) * 2 for score in finite), default=0.5)


def disagreement(a: Result, b: Result, *, threshold: float = 0.5) -> float:
    """How differently two results see one image, 0 (the same) to 1.

    Classes: half the sum of the differences of their probabilities (several labels: the largest difference).
    Objects above ``threshold``: the share that has no counterpart of its class with an IoU of 0.5 in the other.
    """
    if isinstance(a, Classification | MultilabelClassification):
        ours, theirs = a.as_dict(), b.as_dict()  # type: ignore[attr-defined]
        differences = [abs(_prob(ours, label) - _prob(theirs, label)) for label in {*ours, *theirs}]
        whole = sum(differences) / 2 if isinstance(a, Classification) else max(differences, default=0.0)
        return min(1.0, whole)
    mine, others = ([one for one in _objects(each) if one.score > threshold] for each in (a, b))
    alone = len(mine) + len(others) - 2 * _counterparts(mine, others)
    return alone / (len(mine) + len(others)) if mine or others else 0.0


def _counterparts(mine: list[Any], others: list[Any]) -> int:
    free, both = list(others), 0
    for one in sorted(mine, key=lambda one: -one.score):
        fitting = [other for other in free if other.label == one.label and iou(one.box, other.box) >= 0.5]
        if fitting:
            free.remove(max(fitting, key=lambda other: iou(one.box, other.box)))
            both += 1
    return both


def _objects(result: Result) -> list[Any]:
    return list(result.objects) if isinstance(result, Objects) else []


def _prob(probs: Mapping[str, float], label: str) -> float:
    prob = probs.get(label, 0.0)
    return prob if prob == prob else 0.0


def _sorted(ranked: Iterable[Ranked]) -> list[Ranked]:
    return sorted(ranked, key=lambda one: (-one.worth, one.image))

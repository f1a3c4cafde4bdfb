"""Which images to label next: those the model is least sure of, or that two models see differently."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from automl_cv_client.annotations import Annotation
from automl_cv_client.geometry import iou
from automl_cv_client.results import Classification, MultilabelClassification, Result


class Ranked(NamedTuple):
    """An image and how much it is worth to label it, 0 to 1; higher first."""

    image: str
    worth: float


def least_sure_first(predictions: Mapping[str, Result] | Iterable[tuple[str, Result]]) -> list[Ranked]:
    """Images by their margin, the lowest first.

    The margin of one class an image is the best probability minus the second best; of several labels and of objects
    the distance of the least decided one from 0.5, doubled. An image without any object counts as half decided.

    Args:
        predictions: results by image.

    Returns:
        The images with their margins.
    """
    pairs = predictions.items() if isinstance(predictions, Mapping) else predictions
    return _sorted(Ranked(image, 1 - margin(result)) for image, result in pairs)


def most_disputed_first(a: Mapping[str, Result], b: Mapping[str, Result]) -> list[Ranked]:
    """Images that both have, by how differently the two see them; see :func:`disagreement`.

    Args:
        a: results by image.
        b: others of the same task.

    Returns:
        The images with their disagreement, the largest first.
    """
    return _sorted(Ranked(image, disagreement(a[image], b[image])) for image in a if image in b)


def margin(result: Result) -> float:
    """How decided a result is, 0 (could be otherwise) to 1 (no doubt).

    Args:
        result: of any task.

    Returns:
        Its margin; see :func:`least_sure_first`.
    """
    if isinstance(result, Classification):
        best = sorted((prob for prob in result.probs if prob == prob), reverse=True)
        return max(0.0, min(1.0, best[0] - best[1])) if len(best) > 1 else 1.0
    objects = [item.score for item in _objects(result) if item.score is not None]
    scores = result.probs if isinstance(result, MultilabelClassification) else objects
    finite = [score for score in scores if score == score]
    return min((abs(score - 0.5) * 2 for score in finite), default=0.5)


def disagreement(a: Result, b: Result, *, threshold: float = 0.5) -> float:
    """How differently two results see one image, 0 (the same) to 1.

    Classes: half the sum of the differences of their probabilities (several labels: the largest difference).
    Objects above ``threshold``: the share that has no counterpart of its class with an IoU of 0.5 in the other.

    Args:
        a: one result.
        b: another one of the same image and task.
        threshold: objects up to this score do not count, 0 to 1.

    Returns:
        0 for results that say the same, up to 1.
    """
    if isinstance(a, Classification | MultilabelClassification):
        ours, theirs = a.as_dict(), b.as_dict()  # type: ignore[attr-defined]
        differences = [abs(_prob(ours, label) - _prob(theirs, label)) for label in {*ours, *theirs}]
        whole = sum(differences) / 2 if isinstance(a, Classification) else max(differences, default=0.0)
        return min(1.0, whole)
    above = sum((item.score or 0.0) > threshold for each in (a, b) for item in _objects(each))
    return sum(map(len, alone(a, b, threshold))) / above if above else 0.0


def alone(a: Result, b: Result, threshold: float) -> tuple[list[str], list[str]]:
    """The labels of the objects above ``threshold`` that only the one, and only the other result has."""
    mine, others = ([item for item in _objects(each) if (item.score or 0.0) > threshold] for each in (a, b))
    free, left = list(others), []
    for item in sorted(mine, key=lambda item: -(item.score or 0.0)):
        fitting = [other for other in free if other.label == item.label and iou(item.box, other.box) >= 0.5]
        if fitting:
            free.remove(max(fitting, key=lambda other: iou(item.box, other.box)))
        else:
            left.append(item.label)
    return left, [item.label for item in free]


def _objects(result: Result) -> tuple[Annotation, ...]:
    return result.annotated().objects


def _prob(probs: Mapping[str, float], label: str) -> float:
    prob = probs.get(label, 0.0)
    return prob if prob == prob else 0.0


def _sorted(ranked: Iterable[Ranked]) -> list[Ranked]:
    return sorted(ranked, key=lambda ranked: (-ranked.worth, ranked.image))

"""Puts results into words, a line a finding; the words are safe to print."""

from __future__ import annotations

import math

from automl_cv_client._numbers import rank
from automl_cv_client.annotations import SupportsAnnotated
from automl_cv_client.cli.text import safe
from automl_cv_client.geometry import PixelBox
from automl_cv_client.task import Task

_CLASSES_SHOWN = 3

Words = tuple[str, str, str]
"""A label, its score as 0.939, and the box in pixels of the upright image; empty where there is none."""


def words_of(result: SupportsAnnotated, threshold: float | None = None, top: int | None = None) -> list[Words]:
    """What there is to say of a result, best first; one line without a score when there is nothing.

    ``threshold`` and ``top`` bound the classes of a classification; objects are left out of the result itself.
    """
    image = result.annotated()
    above = "" if threshold is None else f" above {threshold:g}"
    if not image.task.explainable:
        best_first = sorted(image.objects, key=lambda item: rank(item.score or 0.0))
        lines = [
            (safe(item.label), _score(item.score), _edges(item.box.to_pixels(image.pixels))) for item in best_first
        ]
        return lines or [(f"nothing found{above}", "", "")]
    if image.task is Task.MULTILABEL:
        present = [(safe(label), _score(score), "") for label, score in image.present()[:top]]
        return present or [(f"no label above {image.threshold:g}", "", "")]
    least = -math.inf if threshold is None else threshold
    ranked = image.ranked()[: top or _CLASSES_SHOWN]
    classes = [(safe(label), _score(score), "") for label, score in ranked if score is None or score > least]
    return classes or [(f"no class{above}", "", "")]


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _edges(box: PixelBox) -> str:
    return ", ".join(f"{edge:.0f}" for edge in box)

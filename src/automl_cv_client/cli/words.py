"""Puts results into words, a line a finding; the words are safe to print."""

from __future__ import annotations

from typing import NamedTuple

from automl_cv_client.cli.text import safe
from automl_cv_client.geometry import PixelBox
from automl_cv_client.results import Classification, Detections, Instances, MultilabelClassification, Result

_CLASSES_SHOWN = 3


class Finding(NamedTuple):
    """A label, its score as 0.939, and the box in pixels of the upright image; empty where there is none."""

    label: str
    score: str = ""
    where: str = ""


def findings(result: Result) -> list[Finding]:
    """What there is to say of a result, best first; one finding without a score when there is nothing."""
    if isinstance(result, Detections | Instances):
        best_first = result.top(len(result))
        found = [Finding(safe(one.label), f"{one.score:.3f}", _edges(one.pixel_box)) for one in best_first]
        return found or [Finding("nothing found")]
    if isinstance(result, MultilabelClassification):
        present = [Finding(safe(label), f"{score:.3f}") for label, score in result.above()]
        return present or [Finding(f"no label above {result.threshold:g}")]
    assert isinstance(result, Classification)
    return [Finding(safe(label), f"{score:.3f}") for label, score in result.top(_CLASSES_SHOWN)]


def _edges(box: PixelBox) -> str:
    return ", ".join(f"{edge:.0f}" for edge in box)

"""Makes the parts of an explanation as the service sends them, small, and the same for the same class; no I/O."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from automl_cv_client.results import Classification, MultilabelClassification

SIDE = 28
"""Rows and columns of a fake's attributions; the service sends 224."""
_PANEL = 28
_AROUND = 2  # pixels between the panels of the figure


def parts_of(result: Classification | MultilabelClassification, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The keys ``visualizations`` and ``attributions`` of a row, null where a part was not asked for.

    Args:
        result: what the row says. Multi-class: its best class is explained; multi-label: every class with a
            probability strictly above the threshold, in class order.
        asked: the service's ``xai_parameters``.
    """
    makers: dict[str, tuple[bool, Callable[[int], Any]]] = {
        "visualizations": (asked.get("visualizations", True), _figure),
        "attributions": (asked.get("attributions", False), _numbers),
    }
    if isinstance(result, Classification):
        best = result.labels.index(result.label)
        return {key: make(best) if wanted else None for key, (wanted, make) in makers.items()}
    limit = asked.get("confidence_score_threshold_multilabel", 0.5)
    classes = [place for place, prob in enumerate(result.probs) if prob > limit]
    return {key: [make(i) if wanted else None for i in classes] or None for key, (wanted, make) in makers.items()}


@cache
def _numbers(place: int) -> list[list[list[float]]]:
    """``[3, SIDE, SIDE]``: a hill that speaks for the class, elsewhere for each class, and a dent across the middle."""
    x, y, extent = 6 + 5 * (place % 4), 6 + 5 * (place // 4 % 4), range(SIDE)

    def value(channel: int, row: int, column: int) -> float:
        hill = _hill(column - x, row - y) - 0.3 * _hill(column - SIDE + x, row - SIDE + y)
        return round(hill / (channel + 1), 6)

    return [[[value(channel, row, column) for column in extent] for row in extent] for channel in range(3)]


def _hill(across: int, down: int) -> float:
    return math.exp(-(across**2 + down**2) / 16) / 100


@cache
def _figure(place: int) -> str:
    """A PNG as base64: RGBA, four panels on white, the last one in a color of the class."""
    from PIL import Image

    step = _PANEL + _AROUND
    figure = Image.new("RGBA", (2 * step + _AROUND, 2 * step + _AROUND), "white")
    last = f"#{(place + 1) * 1_234_567 % 0xFFFFFF:06x}"
    for number, color in enumerate(("#808080", "#404040", "#c0c0c0", last)):
        left, top = _AROUND + number % 2 * step, _AROUND + number // 2 * step
        figure.paste(color, (left, top, left + _PANEL, top + _PANEL))
    file = io.BytesIO()
    figure.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()

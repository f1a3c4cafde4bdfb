"""What goes by scores: their order, the highest first and last what is not a number, and thresholds for them."""

from __future__ import annotations

import math

from automl_cv_client.errors import InvalidInput


def rank(score: float) -> float:
    """The key to sort scores by, best first; equal ones stay in their order.

    >>> sorted([0.2, float("nan"), 0.9], key=rank)
    [0.9, 0.2, nan]
    """
    return -score if score == score else math.inf


def checked_threshold(threshold: float) -> float:
    """A number from 0 to 1. Raises InvalidInput otherwise."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold <= 1:
        raise InvalidInput(f"threshold must be between 0 and 1, not {threshold!r}")
    return float(threshold)

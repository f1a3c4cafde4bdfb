"""The order of scores: the highest first, and last what is not a number, which some servers send."""

from __future__ import annotations

import math


def rank(score: float) -> float:
    """The key to sort scores by, best first; equal ones stay in their order.

    >>> sorted([0.2, float("nan"), 0.9], key=rank)
    [0.9, 0.2, nan]
    """
    return -score if score == score else math.inf

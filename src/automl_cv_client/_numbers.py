"""Numbers: the order of scores, thresholds for them, and percentiles of durations."""

from __future__ import annotations

import math
from collections import Counter

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


_EXACT = 2048  # values that are kept as they are
_WIDTH = math.log(1.02)


class Durations:
    """Percentiles of seconds by nearest rank, in constant memory. Not thread-safe.

    Exact for the first 2,048 values; then all are kept by size class, and right within 1 %.

    >>> durations = Durations()
    >>> for seconds in (0.1, 0.2, 0.3, 0.4):
    ...     durations.add(seconds)
    >>> durations.percentile(0.5), durations.percentile(0.95)
    (0.2, 0.4)
    """

    def __init__(self) -> None:
        self._values: list[float] | None = []
        self._classes: Counter[int] = Counter()

    def add(self, seconds: float | None) -> None:
        """One more; None and 0 are of what was never sent, and do not count."""
        if not seconds or seconds < 0:
            return
        if self._values is None:
            self._classes[round(math.log(seconds) / _WIDTH)] += 1
            return
        self._values.append(seconds)
        if len(self._values) == _EXACT:
            self._classes.update(round(math.log(value) / _WIDTH) for value in self._values)
            self._values = None

    def percentile(self, share: float) -> float | None:
        """The smallest value that ``share`` of all values do not exceed; None before any."""
        if self._values is not None:
            rank = math.ceil(share * len(self._values))
            return sorted(self._values)[max(0, rank - 1)] if self._values else None
        left = math.ceil(share * self._classes.total())
        for size in sorted(self._classes):
            left -= self._classes[size]
            if left <= 0:
                return math.exp(size * _WIDTH)
        return None

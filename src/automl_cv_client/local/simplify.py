"""Simplifies rings: fewer corners, nearly the same shape (Douglas and Peucker, 1973)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.local.contours import Ring

_FIRST_TOLERANCE = 0.75
"""In cells. Just above half the diagonal of a cell, so the stairs of a slanted edge become a line."""


def simplify(ring: Ring, most_points: int) -> Ring:
    """The ring with at most ``most_points`` of its corners; may be left with fewer than 3 when it is a sliver."""
    tolerance = _FIRST_TOLERANCE
    simple = _within(ring, tolerance)
    while len(simple) > most_points:
        tolerance *= 1.4
        simple = _within(ring, tolerance)
    return simple


def _within(ring: Ring, tolerance: float) -> Ring:
    """The corners needed so that no dropped one lies further than ``tolerance`` from the new outline."""
    # A ring has no ends to start from: take its first corner and the one furthest from that.
    far = int(np.argmax(((ring - ring[0]) ** 2).sum(axis=1)))
    closed = np.vstack([ring, ring[:1]])
    keep = np.zeros(len(closed), dtype=bool)
    keep[[0, far]] = True
    open_spans = [(0, far), (far, len(ring))]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        distances = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(np.argmax(distances))
        if distances[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            open_spans += [(first, middle), (middle, last)]
    return ring[keep[:-1]]


def _distances(points: Ring, start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point from the stretch between ``start`` and ``end``, in cells."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
    nearest = start + share[:, np.newaxis] * along
    distances: NDArray[np.float64] = np.hypot(*(points - nearest).T)
    return distances

"""Finds out whether a polygon's outline crosses itself. Plain arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Point = tuple[float, float]


class _Edge(NamedTuple):
    left: float
    right: float
    number: int
    start: Point
    end: Point


def crosses_itself(ring: Sequence[Point]) -> bool:
    """Whether two edges of the closed ring cross at an inner point of both. Touching is not crossing."""
    edges = _edges(ring)
    for number, edge in enumerate(edges):
        for other in edges[number + 1 :]:
            if other.left > edge.right:  # sorted by their left ends: none after it can meet either
                break
            if _cross(edge, other):
                return True
    return False


def _edges(ring: Sequence[Point]) -> list[_Edge]:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    edges = [_Edge(min(a[0], b[0]), max(a[0], b[0]), n, a, b) for n, (a, b) in enumerate(pairs) if a != b]
    return sorted(edges)


def _cross(edge: _Edge, other: _Edge) -> bool:
    return (
        _side(edge, other.start) * _side(edge, other.end) < 0 and _side(other, edge.start) * _side(other, edge.end) < 0
    )


def _side(edge: _Edge, point: Point) -> int:
    """1 left of the edge, -1 right of it, 0 on its line (within rounding)."""
    (x1, y1), (x2, y2) = edge.start, edge.end
    turn = (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
    return 0 if abs(turn) < 1e-12 else (1 if turn > 0 else -1)

"""Polygons of one or more segments, read by the even-odd rule: containment, bounds, clipping, simplification."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from automl_cv_client.geometry.boxes import PixelSegment

Point = tuple[float, float]
Ring = Sequence[Point]


_LARGEST = 1e100
"""Of coordinates that are computed with: the squares of larger ones are not floats. NaN is not below it either."""


def scale_segment(segment: Sequence[float], size: tuple[float, float]) -> PixelSegment:
    """A flat segment in pixels of an image of ``size`` (width, height), or with their inverses the way back."""
    width, height = size
    scaled = [0.0] * len(segment)
    scaled[0::2] = [x * width for x in segment[0::2]]
    scaled[1::2] = [y * height for y in segment[1::2]]
    return tuple(scaled)


def points(segment: Sequence[float]) -> list[Point]:
    """The corners of a flat segment as (x, y) pairs.

    >>> points((0.0, 0.0, 1.0, 0.0, 1.0, 1.0))
    [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    """
    return list(zip(segment[0::2], segment[1::2], strict=False))


def contains(ring: Ring, x: float, y: float) -> bool:
    """Whether the point lies inside the closed ring (ray casting, even-odd)."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def contains_point(segments: Iterable[Sequence[float]], x: float, y: float) -> bool:
    """Whether the point lies inside the polygon: inside an odd number of its segments.

    >>> ring_with_hole = [(0, 0, 4, 0, 4, 4, 0, 4), (1, 1, 3, 1, 3, 3, 1, 3)]
    >>> contains_point(ring_with_hole, 0.5, 0.5), contains_point(ring_with_hole, 2, 2)
    (True, False)
    """
    return sum(contains(points(segment), x, y) for segment in sound(segments)) % 2 == 1


def is_degenerate(segment: Sequence[float]) -> bool:
    """Whether a segment encloses nothing: fewer than 3 different corners, all on one line, or not finite."""
    ring = points(segment)
    if not all(abs(value) <= _LARGEST for value in segment) or len(set(ring)) < 3:
        return True
    x0, y0 = ring[0]
    far_x, far_y = max(((x - x0, y - y0) for x, y in ring), key=lambda way: way[0] ** 2 + way[1] ** 2)
    # Rounding leaves about 1e-16 of the square of the extent; a sliver thinner than 1e-12 of it encloses nothing.
    nothing = 1e-12 * (far_x**2 + far_y**2)
    return all(abs(far_x * (y - y0) - far_y * (x - x0)) <= nothing for x, y in ring)


def sound(segments: Iterable[Sequence[float]]) -> list[Sequence[float]]:
    """The segments that enclose something. The service sends degenerate ones too (contract, section 2)."""
    return [segment for segment in segments if not is_degenerate(segment)]


def bounds(segments: Iterable[Sequence[float]]) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of the polygon in its own unit; None when it encloses nothing."""
    kept = sound(segments)
    if not kept:
        return None
    lefts, tops = (min(min(segment[axis::2]) for segment in kept) for axis in (0, 1))
    rights, bottoms = (max(max(segment[axis::2]) for segment in kept) for axis in (0, 1))
    return lefts, tops, rights, bottoms


def clip_segment(segment: Sequence[float], box: Sequence[float]) -> tuple[float, ...]:
    """The part of a segment inside ``box`` (left, top, right, bottom), closed along its edge; may be empty.

    Sutherland and Hodgman, 1974. Parts that hang together by the edge of the box stay one segment: what is
    inside by the even-odd rule stays exactly the same.
    """
    left, top, right, bottom = box
    ring = points(segment)
    for axis, limit, sign in ((0, left, 1), (1, top, 1), (0, right, -1), (1, bottom, -1)):
        ring = _cut(ring, axis, limit, sign)
    return tuple(value for corner in ring for value in corner)


def _cut(ring: Ring, axis: int, limit: float, sign: int) -> list[Point]:
    """The part of the ring on one side of a line along the other axis."""
    kept: list[Point] = []
    for before, here in zip([*ring[-1:], *ring[:-1]], ring, strict=True):
        was_in, is_in = sign * (before[axis] - limit) >= 0, sign * (here[axis] - limit) >= 0
        if was_in != is_in:
            share = (limit - before[axis]) / (here[axis] - before[axis])
            across = before[1 - axis] + share * (here[1 - axis] - before[1 - axis])
            kept.append((limit, across) if axis == 0 else (across, limit))
        if is_in:
            kept.append(here)
    return kept


def simplify(segment: Sequence[float], tolerance: float) -> tuple[float, ...]:
    """Fewer corners: no dropped one lies further than ``tolerance`` from the new outline (Douglas–Peucker, 1973).

    A segment closed by repeating its first corner stays so. May be left with fewer than 3 corners when it is a
    sliver thinner than the tolerance.

    >>> simplify((0, 0, 1, 0.01, 2, 0, 2, 2, 0, 2), 0.1)
    (0, 0, 2, 0, 2, 2, 0, 2)
    """
    ring = points(segment)
    closed = len(ring) > 1 and ring[0] == ring[-1]
    corners = ring[:-1] if closed else ring
    if len(corners) < 4:
        return tuple(segment)
    kept = _within([*corners, corners[0]], tolerance)
    if not closed:
        kept = kept[:-1]
    return tuple(value for corner in kept for value in corner)


def _within(ring: Ring, tolerance: float) -> list[Point]:
    """The corners needed of a ring that ends where it begins."""
    far = max(range(len(ring)), key=lambda i: math.dist(ring[0], ring[i]))
    keep = {0, far, len(ring) - 1}
    spans = [(0, far), (far, len(ring) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        middle = range(first + 1, last)
        away = {i: _distance(ring[i], ring[first], ring[last]) for i in middle}
        worst = max(middle, key=away.__getitem__)
        if away[worst] > tolerance:
            keep.add(worst)
            spans += [(first, worst), (worst, last)]
    return [ring[i] for i in sorted(keep)]


def _distance(point: Point, start: Point, end: Point) -> float:
    """From the stretch between ``start`` and ``end``."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = along_x**2 + along_y**2
    share = ((point[0] - start[0]) * along_x + (point[1] - start[1]) * along_y) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (start[0] + share * along_x, start[1] + share * along_y))


def one_ring(segments: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """One segment that encloses the same by the even-odd rule, for formats that know neither holes nor parts.

    The segments are joined by bridges that are walked there and back, and so enclose nothing.
    """
    rings = [_open(points(segment)) for segment in sound(segments)]
    if not rings:
        return ()
    walk = list(rings[0])
    start = walk[0]
    for ring in rings[1:]:
        walk += [start, *ring, ring[0]]
    return tuple(value for before, here in pairwise([(math.nan, math.nan), *walk]) if here != before for value in here)


def _open(ring: list[Point]) -> list[Point]:
    return ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring

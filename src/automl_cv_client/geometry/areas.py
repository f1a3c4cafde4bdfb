"""The exact area of polygons under the even-odd rule, also where segments cross, nest or touch.

How: the plane is cut into horizontal slabs at every corner. Within a slab edges run from its top to its bottom;
where two of them cross, the slab is cut again at the crossing. Then the edges have one order from left to
right, and what lies between the first and the second, the third and the fourth, … is inside: trapezoids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from automl_cv_client.geometry.polygons import Point, points, sound

_Edge = tuple[float, float, float, float]
"""x and y of the upper end, x and y of the lower end."""


def even_odd_area(segments: Iterable[Sequence[float]]) -> float:
    """Area enclosed by segments under the even-odd rule, in the square of their unit.

    Degenerate segments count nothing. Segments may cross each other and themselves.

    >>> even_odd_area([(0, 0, 4, 0, 4, 4, 0, 4), (1, 1, 3, 1, 3, 3, 1, 3)])
    12.0
    >>> even_odd_area([(0, 0, 2, 2, 2, 0, 0, 2)])
    2.0
    """
    return sum(_area(group) for group in _groups([points(segment) for segment in sound(segments)]))


def _groups(rings: list[list[Point]]) -> list[list[list[Point]]]:
    """Rings that may have to do with each other, by their bounding boxes: each group has an area of its own."""
    groups: list[tuple[list[float], list[list[Point]]]] = []
    for ring in rings:
        xs, ys = zip(*ring, strict=True)
        box, members, apart = [min(xs), min(ys), max(xs), max(ys)], [ring], []
        for other, others in groups:
            if other[0] < box[2] and box[0] < other[2] and other[1] < box[3] and box[1] < other[3]:
                members += others
                box = [*map(min, box[:2], other[:2]), *map(max, box[2:], other[2:])]
            else:
                apart.append((other, others))
        groups = [*apart, (box, members)]
    return [members for _, members in groups]


def _area(rings: list[list[Point]]) -> float:
    edges = sorted(_edges(rings), key=lambda edge: edge[1])
    heights = sorted({y for edge in edges for y in (edge[1], edge[3])})
    total, following, active = 0.0, 0, list[_Edge]()
    for top, bottom in pairwise(heights):
        while following < len(edges) and edges[following][1] <= top:
            active.append(edges[following])
            following += 1
        active = [edge for edge in active if edge[3] > top]
        total += _slab(active, top, bottom)
    return total


def _edges(rings: list[list[Point]]) -> Iterator[_Edge]:
    for ring in rings:
        for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]]):
            if y1 != y2:
                yield (x1, y1, x2, y2) if y1 < y2 else (x2, y2, x1, y1)


def _slab(edges: list[_Edge], top: float, bottom: float) -> float:
    """Area inside between two heights; every edge reaches from one to the other."""
    ends = sorted((_x(edge, top), _x(edge, bottom)) for edge in edges)
    if all(left[1] <= right[1] for left, right in pairwise(ends)):
        return _trapezoids(ends) * (bottom - top)
    cuts = sorted({0.0, 1.0, *_crossings(ends)})
    area = 0.0
    for above, below in pairwise(cuts):
        middle = (above + below) / 2
        part = sorted(ends, key=lambda end: end[0] + middle * (end[1] - end[0]))
        widths = [(start + above * (end - start), start + below * (end - start)) for start, end in part]
        area += _trapezoids(widths) * (below - above) * (bottom - top)
    return area


def _x(edge: _Edge, y: float) -> float:
    x1, y1, x2, y2 = edge
    return x2 if y == y2 else x1 + (x2 - x1) * (y - y1) / (y2 - y1)


def _trapezoids(ends: list[tuple[float, float]]) -> float:
    """Mean width inside, of edges given by their x at the top and at the bottom, from left to right."""
    pairs = zip(ends[0::2], ends[1::2], strict=False)
    return sum((right[0] - left[0]) + (right[1] - left[1]) for left, right in pairs) / 2


def _crossings(ends: list[tuple[float, float]]) -> Iterator[float]:
    """Where pairs of edges change places, as shares of the slab's height."""
    for (top, bottom), (other_top, other_bottom) in combinations(ends, 2):
        before, after = top - other_top, bottom - other_bottom
        if before * after < 0:
            yield before / (before - after)

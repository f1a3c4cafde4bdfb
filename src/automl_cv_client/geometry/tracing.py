"""Outlines of masks: run lengths to polygons. Plain Python: works along the runs, never pixel by pixel.

The polygons follow the edges of the pixels; holes are segments of their own. So the even-odd rule, and
:meth:`Rle.of_polygon`, give back the mask exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from automl_cv_client.geometry.rle import Rle

_Corner = tuple[int, int]
_Column = list[tuple[int, int]]
"""Stretches of one column that are set: first row, and the row after the last."""

_RIGHT_TURN_FIRST = {  # directions to try after each: stay with one's own cell where two touch at a corner
    (1, 0): ((0, 1), (1, 0), (0, -1)),
    (0, 1): ((-1, 0), (0, 1), (1, 0)),
    (-1, 0): ((0, -1), (-1, 0), (0, 1)),
    (0, -1): ((1, 0), (0, -1), (-1, 0)),
}


def outlines(rle: Rle) -> list[tuple[float, ...]]:
    """The closed segments around a mask, flat ``(x1, y1, x2, y2, …, x1, y1)`` in pixels, holes included.

    >>> outlines(Rle(2, 3, (2, 2, 2)))
    [(1.0, 0.0, 2.0, 0.0, 2.0, 2.0, 1.0, 2.0, 1.0, 0.0)]
    """
    rings = _rings(_columns(rle))
    return [tuple(float(value) for corner in (*ring, ring[0]) for value in corner) for ring in rings]


def _columns(rle: Rle) -> list[_Column]:
    columns: list[_Column] = [[] for _ in range(rle.width)]
    place = 0
    for number, run in enumerate(rle.counts):
        end = place + run
        while number % 2 and place < end:
            column = place // rle.height
            stop = min(end, (column + 1) * rle.height)
            columns[column].append((place - column * rle.height, stop - column * rle.height))
            place = stop
        place = end
    return columns


def _rings(columns: Sequence[_Column]) -> list[list[_Corner]]:
    """Every outline and hole, walked with the set pixels on the right."""
    steps = _steps(columns)
    rings = []
    while steps:
        start = next(iter(steps))
        rings.append(_walk(start, steps))
    return rings


def _steps(columns: Sequence[_Column]) -> dict[_Corner, list[_Corner]]:
    """Boundary steps: from each corner the corners that follow."""
    steps: dict[_Corner, list[_Corner]] = defaultdict(list)
    for x in range(len(columns) + 1):
        left = columns[x - 1] if x else []
        right = columns[x] if x < len(columns) else []
        for top, bottom in right:
            steps[(x, top)].append((x + 1, top))
            steps[(x + 1, bottom)].append((x, bottom))
        ends = sorted({row for stretch in (*left, *right) for row in stretch})
        for top, bottom in pairwise(ends):
            inside = [any(a <= top and bottom <= b for a, b in column) for column in (left, right)]
            if inside == [True, False]:
                steps[(x, top)].append((x, bottom))
            elif inside == [False, True]:
                steps[(x, bottom)].append((x, top))
    return steps


def _walk(start: _Corner, steps: dict[_Corner, list[_Corner]]) -> list[_Corner]:
    """Follow the steps until the start is reached; takes them away and keeps the corners where the way turns."""
    here, corner = start, steps[start][0]
    way = first = _direction(here, corner)
    ring = [start]
    _take(steps, here, corner)
    while corner != start:
        following = {_direction(corner, other): other for other in steps[corner]}
        turn = next(direction for direction in _RIGHT_TURN_FIRST[way] if direction in following)
        if turn != way:
            ring.append(corner)
        here, corner, way = corner, following[turn], turn
        _take(steps, here, corner)
    return ring[1:] if first == way else ring


def _take(steps: dict[_Corner, list[_Corner]], here: _Corner, there: _Corner) -> None:
    steps[here].remove(there)
    if not steps[here]:
        del steps[here]


def _direction(here: _Corner, there: _Corner) -> tuple[int, int]:
    x, y = there[0] - here[0], there[1] - here[1]
    return ((x > 0) - (x < 0), (y > 0) - (y < 0))

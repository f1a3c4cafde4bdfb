"""COCO's run-length masks to polygons and back. Plain Python: works along the runs, never cell by cell.

COCO counts runs down the columns of the mask, first those outside. Polygons made here follow the edges of the cells;
holes are segments of their own, so the even-odd rule gives back the mask exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import points

Point = tuple[int, int]
Column = list[tuple[int, int]]
"""Stretches of one column that are set: first row, and the row after the last."""

_RIGHT_TURN_FIRST = {  # directions to try after each: stay with one's own cell where two touch at a corner
    (1, 0): ((0, 1), (1, 0), (0, -1)),
    (0, 1): ((-1, 0), (0, 1), (1, 0)),
    (-1, 0): ((0, -1), (-1, 0), (0, 1)),
    (0, -1): ((1, 0), (0, -1), (-1, 0)),
}


def counts_of(encoded: str | bytes) -> list[int]:
    """The run lengths of COCO's compressed string: 5 bits a letter, differences from the count before last."""
    letters = encoded.encode("ascii", "replace") if isinstance(encoded, str) else encoded
    counts: list[int] = []
    place = 0
    while place < len(letters):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(letters) or not 48 <= letters[place] < 112:
                raise InvalidInput("a run-length mask is damaged: its string cannot be decoded")
            bits = letters[place] - 48
            value |= (bits & 0x1F) << shift
            more, place, shift = bool(bits & 0x20), place + 1, shift + 5
        if bits & 0x10:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts


def polygons_of(rle: Mapping[str, Any]) -> list[list[float]]:
    """The closed segments of a COCO mask ``{"size": [height, width], "counts": …}``, in pixels, holes included.

    Raises:
        InvalidInput: the counts do not fill the size.
    """
    height, width = (int(side) for side in rle["size"])
    counts = rle["counts"]
    runs = counts_of(counts) if isinstance(counts, str | bytes) else [int(count) for count in counts]
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise InvalidInput(f"a run-length mask is damaged: its runs do not fill {width}x{height} cells")
    return [
        [float(value) for point in [*ring, ring[0]] for value in point]
        for ring in _rings(_columns(runs, height, width))
    ]


def rle_of(segments: Sequence[Sequence[float]], size: tuple[int, int]) -> dict[str, Any]:
    """The uncompressed COCO mask of segments in pixels, by the even-odd rule at the centres of the cells."""
    width, height = size
    filled: list[tuple[int, int]] = []  # stretches of all columns, one after the other, that do not touch
    for column in range(width):
        for first, end in _stretches(segments, column + 0.5, height):
            start, stop = column * height + first, column * height + end
            if filled and filled[-1][1] == start:
                start = filled.pop()[0]
            filled.append((start, stop))
    counts, place = [], 0
    for start, stop in filled:
        counts += [start - place, stop - start]
        place = stop
    rest = [width * height - place] if place < width * height or not counts else []
    return {"size": [height, width], "counts": counts + rest}


def _stretches(segments: Sequence[Sequence[float]], x: float, height: int) -> Iterator[tuple[int, int]]:
    """Rows whose centres lie inside at this x, as stretches that do not touch."""
    crossings: list[float] = []
    for segment in segments:
        ring = points(segment)
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
            if (x1 > x) != (x2 > x):
                crossings.append(y1 + (x - x1) * (y2 - y1) / (x2 - x1))
    crossings.sort()
    last: tuple[int, int] | None = None
    for top, bottom in zip(crossings[0::2], crossings[1::2], strict=False):
        first, end = max(0, _row_after(top)), min(height, _row_after(bottom))
        if first >= end:
            continue
        if last and first <= last[1]:
            last = (last[0], end)
            continue
        if last:
            yield last
        last = (first, end)
    if last:
        yield last


def _row_after(y: float) -> int:
    """The first row with its centre at or below y."""
    return -int(-(y - 0.5) // 1)


def _columns(runs: Sequence[int], height: int, width: int) -> list[Column]:
    columns: list[Column] = [[] for _ in range(width)]
    place = 0
    for number, run in enumerate(runs):
        end = place + run
        while number % 2 and place < end:
            column = place // height
            stop = min(end, (column + 1) * height)
            columns[column].append((place - column * height, stop - column * height))
            place = stop
        place = end
    return columns


def _rings(columns: Sequence[Column]) -> list[list[Point]]:
    """Every outline and hole, walked with the set cells on the right."""
    steps = _steps(columns)
    rings = []
    while steps:
        start = next(iter(steps))
        rings.append(_walk(start, steps))
    return rings


def _steps(columns: Sequence[Column]) -> dict[Point, list[Point]]:
    """Boundary steps: from each corner the corners that follow."""
    steps: dict[Point, list[Point]] = defaultdict(list)
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


def _walk(start: Point, steps: dict[Point, list[Point]]) -> list[Point]:
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


def _take(steps: dict[Point, list[Point]], here: Point, there: Point) -> None:
    steps[here].remove(there)
    if not steps[here]:
        del steps[here]


def _direction(here: Point, there: Point) -> Point:
    x, y = there[0] - here[0], there[1] - here[1]
    return ((x > 0) - (x < 0), (y > 0) - (y < 0))

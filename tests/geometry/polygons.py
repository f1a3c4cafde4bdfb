"""Random polygons with holes, crossings and closed rings, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator

Polygon = tuple[tuple[float, ...], ...]


def random_polygons(count: int, seed: int = 5) -> Iterator[tuple[Polygon, tuple[int, int]]]:
    """Polygons in pixels, each with its image's (width, height).

    A third are one segment, a third have a hole well inside, a third have segments that cross as they like.
    Corners are whole numbers or not, inside the image or also beyond it; half of the segments are closed.
    """
    number = random.Random(seed)
    for i in range(count):
        size = number.randint(8, 120), number.randint(8, 120)
        whole, beyond = number.random() < 0.5, number.choice((0, 0, 15))
        segments = [_segment(number, size, whole, beyond) for _ in range(1 if i % 3 == 0 else number.randint(2, 4))]
        if i % 3 == 1:
            segments = [(2.0, 2.0, size[0] - 2.0, 2.0, size[0] - 2.0, size[1] - 2.0, 2.0, size[1] - 2.0, 2.0, 2.0)]
            segments.append(tuple(3 + value / 2 for value in _segment(number, (size[0] - 7, size[1] - 7), whole, 0)))
        yield tuple(segments), size


def _segment(number: random.Random, size: tuple[int, int], whole: bool, beyond: int) -> tuple[float, ...]:
    values: list[float] = []
    for _ in range(number.randint(3, 25)):
        for extent in size:
            value = number.uniform(-beyond, extent + beyond)
            values.append(float(round(value)) if whole else value)
    return tuple(values + values[:2]) if number.random() < 0.5 else tuple(values)

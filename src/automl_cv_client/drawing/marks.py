"""What is drawn: plain values in pixels, and how they are made safe to draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from automl_cv_client.geometry import points

Bounds = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""


class ObjectMark(NamedTuple):
    """One object to draw. Values that are not finite are left out of the drawing.

    Attributes:
        label: its class, any text.
        score: confidence, 0 to 1; not written when it is not a number.
        pixel_box: (left, top, right, bottom) in pixels of the image; may reach beyond it.
        pixel_polygons: flat segments (x1, y1, x2, y2, …) in pixels, read by the even-odd rule: a segment
            inside another one is a hole.
    """

    label: str
    score: float
    pixel_box: Sequence[float]
    pixel_polygons: Sequence[Sequence[float]] = ()


def bounds_of(mark: ObjectMark, size: tuple[int, int]) -> Bounds | None:
    """The part of the mark's box, or without one of its polygons, that lies in the image; None if none does."""
    corners = [tuple(mark.pixel_box)] if _is_finite(mark.pixel_box) else []
    if not corners:
        corners = [(min(xs), min(ys), max(xs), max(ys)) for xs, ys in map(_columns, rings_of(mark, size))]
    if not corners or any(len(box) != 4 for box in corners):
        return None
    lefts, tops, rights, bottoms = zip(*corners, strict=True)
    left, right = sorted((min(lefts), max(rights)))
    top, bottom = sorted((min(tops), max(bottoms)))
    width, height = size
    if left > width or top > height or right < 0 or bottom < 0:
        return None
    return max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)


def rings_of(mark: ObjectMark, size: tuple[int, int]) -> list[list[tuple[float, float]]]:
    """The corners of the segments that enclose something, kept within a few image sizes of the image."""
    rings = []
    for segment in mark.pixel_polygons:
        if _is_finite(segment):
            ring = [(_near(x, size[0]), _near(y, size[1])) for x, y in points(segment)]
            if len(set(ring)) >= 3:
                rings.append(ring)
    return rings


def _near(value: float, extent: int) -> float:
    return min(max(value, -2.0 * extent), 3.0 * extent)


def _columns(ring: Sequence[tuple[float, float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    xs, ys = zip(*ring, strict=True)
    return xs, ys


def _is_finite(values: Iterable[float]) -> bool:
    return all(math.isfinite(value) for value in values)

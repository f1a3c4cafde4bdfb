"""Sizes, boxes and polygons. Plain arithmetic: no numpy, no pillow, no I/O.

Two frames, told apart by type:

* normalised: fractions of the upright picture, as the endpoint sends them (``Box``, ``Segment``);
* pixel: pixels of the upright picture, origin at the top left corner (``PixelBox``, ``PixelSegment``).

A polygon is a sequence of segments. A segment is flat, ``(x1, y1, x2, y2, …)``, the way COCO and the
service write it. Segments are read by the even-odd rule: a segment inside another one is a hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

Segment = tuple[float, ...]
"""One closed ring, flat ``(x1, y1, x2, y2, …)``, in fractions of the picture."""

PixelSegment = tuple[float, ...]
"""One closed ring, flat ``(x1, y1, x2, y2, …)``, in pixels."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class PixelBox(NamedTuple):
    """A box in pixels of the upright picture; edges, not pixel indices, so they may be fractional."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for a box without width or height."""
        return _area(self)


class Box(NamedTuple):
    """A box in fractions of the upright picture, as the endpoint sends it (0 is left or top, 1 right or bottom)."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Share of the picture, 0 to 1; 0 for a box without width or height."""
        return _area(self)

    def to_pixels(self, size: tuple[int, int]) -> PixelBox:
        """The same box in pixels of a picture of ``size`` (width, height).

        >>> Box(0.25, 0.5, 0.75, 1.0).to_pixels((400, 200))
        PixelBox(left=100.0, top=100.0, right=300.0, bottom=200.0)
        """
        width, height = size
        return PixelBox(self.left * width, self.top * height, self.right * width, self.bottom * height)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box of the same picture, 0 to 1.

        >>> round(Box(0, 0, 0.5, 1).iou(Box(0.25, 0, 0.75, 1)), 3)
        0.333
        """
        return iou(self, other)


def _area(box: Box | PixelBox) -> float:
    return max(0.0, box.right - box.left) * max(0.0, box.bottom - box.top)


def iou(a: Box | PixelBox, b: Box | PixelBox) -> float:
    """Intersection over union of two boxes of one frame; 0 when both are empty."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if not (width > 0 and height > 0):
        return 0.0
    overlap = width * height
    union = _area(a) + _area(b) - overlap
    return overlap / union if union > 0 else 0.0


def keep_by_nms(boxes: Sequence[Box], scores: Sequence[float], labels: Sequence[str], threshold: float) -> list[int]:
    """Indices kept by greedy non-maximum suppression within each label, in their first order.

    A box is dropped when a box of the same label with a higher score overlaps it by more than
    ``threshold`` (IoU). Equal scores: the earlier one wins.
    """
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(labels[i] != labels[j] or iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return sorted(kept)


def scale_segment(segment: Sequence[float], size: tuple[int, int]) -> PixelSegment:
    """A flat segment in pixels of a picture of ``size`` (width, height)."""
    width, height = size
    scaled = [0.0] * len(segment)
    scaled[0::2] = [x * width for x in segment[0::2]]
    scaled[1::2] = [y * height for y in segment[1::2]]
    return tuple(scaled)


def points(segment: Sequence[float]) -> list[tuple[float, float]]:
    """The corners of a flat segment as (x, y) pairs.

    >>> points((0.0, 0.0, 1.0, 0.0, 1.0, 1.0))
    [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    """
    return list(zip(segment[0::2], segment[1::2], strict=False))


def even_odd_area(segments: Iterable[Sequence[float]]) -> float:
    """Area enclosed by segments under the even-odd rule, in the square of their unit.

    Exact when segments do not cross each other or themselves: a segment nested in an odd number of others
    is a hole and is subtracted.

    >>> even_odd_area([(0, 0, 4, 0, 4, 4, 0, 4), (1, 1, 3, 1, 3, 3, 1, 3)])
    12.0
    """
    rings = [ring for ring in (points(segment) for segment in segments) if len(set(ring)) >= 3]
    total = 0.0
    for i, ring in enumerate(rings):
        depth = sum(_inside(ring, other) for j, other in enumerate(rings) if j != i)
        total += _ring_area(ring) * (-1 if depth % 2 else 1)
    return max(0.0, total)


def _ring_area(ring: Sequence[tuple[float, float]]) -> float:
    doubled = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True))
    return abs(doubled) / 2


def _inside(ring: Sequence[tuple[float, float]], outer: Sequence[tuple[float, float]]) -> bool:
    """Whether most corners of ``ring`` lie inside ``outer``: corners may touch it."""
    votes = sum(contains(outer, x, y) for x, y in ring)
    return votes * 2 > len(ring)


def contains(ring: Sequence[tuple[float, float]], x: float, y: float) -> bool:
    """Whether the point lies inside the closed ring (ray casting, even-odd)."""
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside

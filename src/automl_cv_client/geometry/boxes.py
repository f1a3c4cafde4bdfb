"""Sizes and boxes: area, overlap, suppression of duplicates, clipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from automl_cv_client._numbers import rank

Segment = tuple[float, ...]
"""One closed ring, flat ``(x1, y1, x2, y2, …)``, in fractions of the image."""

PixelSegment = tuple[float, ...]
"""One closed ring, flat ``(x1, y1, x2, y2, …)``, in pixels."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int


class PixelBox(NamedTuple):
    """A box in pixels of the upright image; edges, not pixel indices, so they may be fractional."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Right minus left, in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Bottom minus top, in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for a box without width or height."""
        return _area(self)

    def clipped(self, size: tuple[int, int]) -> PixelBox:
        """The part inside an image of ``size`` (width, height); a box outside shrinks to nothing at its edge.

        >>> PixelBox(-5.0, 10.0, 50.0, 210.0).clipped((100, 200))
        PixelBox(left=0.0, top=10.0, right=50.0, bottom=200.0)
        """
        return PixelBox(*_clamped(self, float(size[0]), float(size[1])))

    def iou(self, other: PixelBox) -> float:
        """Intersection over union with another box of the same frame, 0 to 1."""
        return iou(self, other)

    def __str__(self) -> str:
        """In whole pixels.

        >>> print(PixelBox(172.6, -0.2, 414.8, 253.9))
        (173, 0, 415, 254)
        """
        return f"({', '.join(f'{edge:z.0f}' for edge in self)})"


class Box(NamedTuple):
    """A box in fractions of the upright image, as the endpoint sends it (0 is left or top, 1 right or bottom)."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Right minus left, as a share of the image's width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Bottom minus top, as a share of the image's height."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Share of the image, 0 to 1; 0 for a box without width or height."""
        return _area(self)

    def to_pixels(self, size: tuple[int, int]) -> PixelBox:
        """The same box in pixels of an image of ``size`` (width, height).

        >>> Box(0.25, 0.5, 0.75, 1.0).to_pixels((400, 200))
        PixelBox(left=100.0, top=100.0, right=300.0, bottom=200.0)
        """
        width, height = size
        return PixelBox(self.left * width, self.top * height, self.right * width, self.bottom * height)

    def clipped(self) -> Box:
        """The part inside the image; a box outside shrinks to nothing at its edge."""
        return Box(*_clamped(self, 1.0, 1.0))

    def iou(self, other: Box) -> float:
        """Intersection over union with another box of the same image, 0 to 1.

        >>> round(Box(0, 0, 0.5, 1).iou(Box(0.25, 0, 0.75, 1)), 3)
        0.333
        """
        return iou(self, other)

    def __str__(self) -> str:
        """To a thousandth.

        >>> print(Box(0.28765, 0.0581, 0.69133, 0.6349))
        (0.288, 0.058, 0.691, 0.635)
        """
        return f"({', '.join(f'{edge:z.3f}' for edge in self)})"


def _area(box: Box | PixelBox) -> float:
    return max(0.0, box.right - box.left) * max(0.0, box.bottom - box.top)


def _clamped(box: Box | PixelBox, width: float, height: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return (
        min(max(left, 0.0), width),
        min(max(top, 0.0), height),
        min(max(right, 0.0), width),
        min(max(bottom, 0.0), height),
    )


def iou(a: Box | PixelBox, b: Box | PixelBox) -> float:
    """Intersection over union of two boxes of one frame; 0 when both are empty."""
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    if not (width > 0 and height > 0):
        return 0.0
    overlap = width * height
    union = _area(a) + _area(b) - overlap
    return overlap / union if union > 0 else 0.0


def keep_by_nms(
    boxes: Sequence[Box], scores: Sequence[float], labels: Sequence[str], threshold: float, *, agnostic: bool = False
) -> list[int]:
    """Indices kept by greedy non-maximum suppression, in their first order.

    A box is dropped when a box with a higher score overlaps it by more than ``threshold`` (IoU). Only boxes of
    the same label suppress each other, unless ``agnostic``. Equal scores: the earlier one wins; a score that is
    not a number ranks last.
    """
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: rank(scores[i])):
        rivals = kept if agnostic else (j for j in kept if labels[j] == labels[i])
        if all(iou(boxes[i], boxes[j]) <= threshold for j in rivals):
            kept.append(i)
    return sorted(kept)

"""One place in four frames: normalised, upright, raw and sent. Exact up to the rounding of floats.

============  =====================================================================================
normalised    fractions of the upright image, 0 to 1: what the endpoint sends
upright       pixels of the image as a person sees it: the frame of ``pixel_box`` and of drawings
raw           pixels of the image as stored, before its EXIF orientation is applied
sent          pixels of the image that was sent: upright, perhaps reduced
============  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry.boxes import Box, PixelBox, Size

Frame = Literal["normalised", "upright", "raw", "sent"]
"""See the table at the top of this file."""

_Turn = Callable[[float, float], tuple[float, float]]

_TO_RAW: dict[int, _Turn] = {
    1: lambda x, y: (x, y),
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (y, 1 - x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (1 - y, x),
}
"""From fractions of the upright image to fractions of the stored one, by EXIF orientation (2.3, tag 0x0112)."""

_FROM_RAW: dict[int, _Turn] = {**_TO_RAW, 6: _TO_RAW[8], 8: _TO_RAW[6]}
"""The way back: all are their own inverse but the quarter turns, which are each other's."""


class Frames(NamedTuple):
    """What is needed to map between the frames of one image.

    Attributes:
        upright: size of the image as a person sees it, (width, height) in pixels.
        raw: size as stored.
        sent: size as sent.
        orientation: EXIF orientation, 1 to 8; any other number is upright, as EXIF readers take it.
    """

    upright: Size
    raw: Size
    sent: Size
    orientation: int = 1

    def point(self, x: float, y: float, source: Frame, target: Frame) -> tuple[float, float]:
        """The point (x, y) of frame ``source`` in frame ``target``.

        >>> Frames(Size(300, 400), Size(400, 300), Size(150, 200), 6).point(0, 0, "upright", "raw")
        (0.0, 300.0)
        """
        width, height = self._size(source)
        x, y = x / width, y / height
        if source == "raw":
            x, y = _FROM_RAW.get(self.orientation, _FROM_RAW[1])(x, y)
        if target == "raw":
            x, y = _TO_RAW.get(self.orientation, _TO_RAW[1])(x, y)
        width, height = self._size(target)
        return x * width, y * height

    def box(self, box: Box | PixelBox, source: Frame, target: Frame) -> Box | PixelBox:
        """The box of frame ``source`` in frame ``target``: a Box when that is normalised, else a PixelBox."""
        kind = Box if target == "normalised" else PixelBox
        x1, y1 = self.point(box.left, box.top, source, target)
        x2, y2 = self.point(box.right, box.bottom, source, target)
        if not self._turns(source, target):  # as it came, also when left and right are the wrong way round
            return kind(x1, y1, x2, y2)
        return kind(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    def segment(self, segment: Sequence[float], source: Frame, target: Frame) -> tuple[float, ...]:
        """The flat segment ``(x1, y1, x2, y2, …)`` of frame ``source`` in frame ``target``."""
        corners = zip(segment[0::2], segment[1::2], strict=False)
        return tuple(value for x, y in corners for value in self.point(x, y, source, target))

    def _turns(self, source: Frame, target: Frame) -> bool:
        return self.orientation != 1 and (source == "raw") != (target == "raw")

    def _size(self, frame: Frame) -> tuple[int, int]:
        if frame == "normalised":
            return 1, 1
        if frame not in get_args(Frame):
            raise InvalidInput(f"unknown frame {frame!r}: use one of {', '.join(get_args(Frame))}")
        size: Size = getattr(self, frame)
        return size

"""Brings decoded images to 8 bits, to a mode every server model reads alike, and upright."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl_cv_client._imaging.inputs import refusal

if TYPE_CHECKING:
    from PIL.Image import Image

PLAIN_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
"""Read alike by Pillow, torchvision and OpenCV, which between them read the images on the server."""

_TARGETS = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}
_SIXTEEN_BITS = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_BIT_DEPTHS = (8, 10, 12, 14, 16)
"""Of sensors. Cameras and microscopes write 10, 12 or 14 bits into files of 16."""


def to_plain(
    pixels: Image, image: object, grey_range: tuple[float, float] | None = None, *, full_range: bool = False
) -> tuple[Image, str | None]:
    """The image in one of ``PLAIN_MODES``, and what was done to it in words, None if nothing.

    A server reads 16-bit grey as 8-bit grey with everything above 255 white (Pillow's ``convert``); so grey
    is scaled here.

    Args:
        pixels: the decoded image.
        image: the caller's image, for messages.
        grey_range: (black, white) of grey with more than 8 bits; None: told from the values that occur.
        full_range: the decoder scaled 16-bit grey to all 16 bits, as the file says how many it has.
    """
    if pixels.mode in PLAIN_MODES:
        return pixels, None
    if pixels.mode in _SIXTEEN_BITS or pixels.mode in ("I", "F"):
        return _scaled(pixels, image, grey_range, full_range=full_range)
    target = _TARGETS.get(pixels.mode, "RGB")
    return pixels.convert(target), f"{pixels.mode} converted to {target}"


def bits_for(highest: float) -> int | None:
    """The bits of the sensor whose values go up to ``highest``: 8, 10, 12, 14 or 16; None for more.

    >>> [bits_for(highest) for highest in (0, 255, 4095, 4096, 70_000)]
    [8, 8, 12, 14, None]
    """
    return next((bits for bits in _BIT_DEPTHS if highest < 1 << bits), None)


def range_in_words(bits: int) -> str:
    """What to add to "scaled to 8 bits"; nothing for all 16 bits."""
    return {8: " as 0–255", 16: ""}.get(bits, f" from 0–{(1 << bits) - 1}")


def _scaled(
    pixels: Image, image: object, grey_range: tuple[float, float] | None, *, full_range: bool
) -> tuple[Image, str]:
    """Integers and floats do not say what black and white are: it is told from the values that occur."""
    kind = {"I": "32-bit grey", "F": "floating-point grey"}.get(pixels.mode, "16-bit grey")
    sixteen = pixels.mode in _SIXTEEN_BITS
    if sixteen:
        pixels = pixels.convert("I")  # the same values, in a mode that knows its extremes
    low, high = (float(value) for value in pixels.getextrema())  # type: ignore[arg-type]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise refusal(image, "it holds values that are not finite")
    bits = 16 if full_range else bits_for(high)
    if grey_range is not None:
        black, white = grey_range
        scale = 255 / (white - black)
        offset, how = 0.5 - black * scale, f" from {black:g}–{white:g}"
    elif low >= 0 and high <= 1 and pixels.mode == "F":
        scale, offset, how = 255.0, 0.5, " from 0–1"
    elif low >= 0 and bits is not None:
        scale, offset = 256 / (1 << bits), 0.5 if pixels.mode == "F" and bits == 8 else 0.0
        how = range_in_words(bits) or ("" if sixteen else " from 0–65535")
    else:
        scale = 255 / (high - low) if high > low else 0.0
        offset, how = -low * scale, f" from {low:g}–{high:g}"
    # "F" first: point() on "I" would round the scale to whole numbers.
    scaled = pixels.convert("F").point(lambda value: value * scale + offset)
    return scaled.convert("L"), f"{kind} scaled to 8 bits{how}"


def turn(pixels: Image, orientation: int) -> Image:
    """The image as a person sees it: EXIF 2.3, tag 0x0112, values 2 to 8; 1 is left as it is."""
    from PIL.Image import Transpose

    method = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return pixels if method is None else pixels.transpose(method)


def without_notes(pixels: Image) -> Image:
    """The same image without EXIF, GPS position, comments and color profile; transparency stays.

    The models read none of them (no server applies a profile), and a position is nobody's business.
    """
    pixels.info = {key: value for key, value in pixels.info.items() if key == "transparency"}
    return pixels

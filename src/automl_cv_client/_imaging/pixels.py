"""Brings decoded images to 8 bits, to a mode every server model reads alike, and upright."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from automl_cv_client._imaging.refusals import refusal

if TYPE_CHECKING:
    from PIL.Image import Image

PLAIN_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
"""Read alike by Pillow, torchvision and OpenCV, which between them read the images on the server."""

_TARGETS = {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}
_FIRST_BYTE_IS_HIGH = {"I;16": False, "I;16L": False, "I;16B": True, "I;16N": sys.byteorder == "big"}


def to_plain(pixels: Image, image: object) -> tuple[Image, str | None]:
    """The image in one of ``PLAIN_MODES``, and what was done to it in words, None if nothing.

    A server reads 16-bit grey as 8-bit grey with everything above 255 white (Pillow's ``convert``); so grey
    is scaled here.
    """
    if pixels.mode in PLAIN_MODES:
        return pixels, None
    if pixels.mode in _FIRST_BYTE_IS_HIGH:
        return _high_bytes(pixels), "16-bit grey scaled to 8 bits"
    if pixels.mode in ("I", "F"):
        return _scaled(pixels, image)
    target = _TARGETS.get(pixels.mode, "RGB")
    return pixels.convert(target), f"{pixels.mode} converted to {target}"


def _high_bytes(pixels: Image) -> Image:
    from PIL import Image

    first = 0 if _FIRST_BYTE_IS_HIGH[pixels.mode] else 1
    return Image.frombytes("L", pixels.size, pixels.tobytes()[first::2])


def _scaled(pixels: Image, image: object) -> tuple[Image, str]:
    """32-bit integers or floats do not say what white is: it is told from the values that occur."""
    kind = "32-bit grey" if pixels.mode == "I" else "floating-point grey"
    low, high = (float(value) for value in pixels.getextrema())  # type: ignore[arg-type]
    if not (math.isfinite(low) and math.isfinite(high)):
        raise refusal(image, "it holds values that are not finite")
    if low >= 0 and high <= 1 and pixels.mode == "F":
        scale, offset, how = 255.0, 0.5, "from 0–1"
    elif low >= 0 and high <= 255:
        scale, offset, how = 1.0, 0.5 if pixels.mode == "F" else 0.0, "as 0–255"
    elif low >= 0 and high <= 65535:
        scale, offset, how = 1 / 256, 0.0, "from 0–65535"
    else:
        scale = 255 / (high - low) if high > low else 0.0
        offset, how = -low * scale, f"from {low:g}–{high:g}"
    # "F" first: point() on "I" would round the scale to whole numbers.
    scaled = pixels.convert("F").point(lambda value: value * scale + offset)
    return scaled.convert("L"), f"{kind} scaled to 8 bits {how}"


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
    """The same image without EXIF, GPS position, comments and colour profile; transparency stays.

    The models read none of them (no server applies a profile), and a position is nobody's business.
    """
    pixels.info = {key: value for key, value in pixels.info.items() if key == "transparency"}
    return pixels

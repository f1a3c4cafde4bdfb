"""Reads the bytes of an image as the models of the service do, each family in its own way (§3, §4); no I/O."""

from __future__ import annotations

import io
import logging
from typing import Literal

from PIL import Image, ImageOps

_logger = logging.getLogger(__name__)

Reader = Literal["pillow", "opencv"]
"""How a family reads an image: ``pillow`` ignores EXIF orientation; ``opencv`` obeys it and reads no GIF (§4)."""

# What AutoML's models read (§4). Named, so that no rarer decoder of Pillow is reachable from outside.
_FORMATS: dict[Reader, tuple[str, ...]] = {
    "pillow": ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF"),
    "opencv": ("JPEG", "PNG", "BMP", "TIFF", "WEBP"),
}


def read_image(encoded: bytes, reader: Reader = "pillow") -> Image.Image | None:
    """The image in mode RGB; None when it cannot be read: the service drops such rows without a word (§3)."""
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS[reader]) as image:
            rgb = _to_rgb(image)
            return ImageOps.exif_transpose(rgb) if reader == "opencv" else rgb
    except Exception as error:  # noqa: BLE001  damaged files make Pillow raise almost anything
        _logger.debug("dropped a row: %s", type(error).__name__)
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        # The same colors; straight to RGB, Pillow warns about the transparency it leaves out.
        image = image.convert("RGBA")
    if image.mode.startswith("I;16"):
        # Not every Pillow goes from 16-bit grey to RGB in one step. Values above 255 saturate (§4).
        image = image.convert("I")
    return image.convert("RGB")

"""Turns a row's base64 into an image, or into nothing, as leniently as the service does; no I/O."""

from __future__ import annotations

import base64
import binascii
import io
import logging

from PIL import Image

_logger = logging.getLogger(__name__)

# What AutoML's models read (§4). Named, so that no rarer decoder of Pillow is reachable from outside.
_FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF")


def read_image(row: str) -> Image.Image | None:
    """The image in mode RGB; None when it cannot be read: the service drops such rows without a word (§3).

    EXIF orientation is ignored, as the classification and R-CNN models do (§4).
    """
    try:
        # Characters outside the alphabet are skipped: newlines are harmless, URL-safe base64 or a data URI
        # comes out as rubbish, and with it the image is lost.
        encoded = base64.b64decode(row)
    except (binascii.Error, ValueError):
        return None
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            return _to_rgb(image)
    except Exception as error:  # noqa: BLE001  damaged files make Pillow raise almost anything
        _logger.debug("dropped a row: %s", type(error).__name__)
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        # The same colours; straight to RGB, Pillow warns about the transparency it leaves out.
        image = image.convert("RGBA")
    if image.mode.startswith("I;16"):
        # Not every Pillow goes from 16-bit grey to RGB in one step. Values above 255 saturate (§4).
        image = image.convert("I")
    return image.convert("RGB")

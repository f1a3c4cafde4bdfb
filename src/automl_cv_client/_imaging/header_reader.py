"""Reads size and orientation of JPEG and PNG from their headers, in microseconds and without pillow.

Decoding an image to find out that it is whole costs more than sending it. So the marker and chunk structure
is checked here, and whatever is odd in any way is left to Pillow's full decode: a reader answers None rather
than guess.

No library replaces this walk. Those that read sizes from headers (imagesize, Pillow's own ``open``) stop at the
size; those that would notice a missing end (simplejpeg, libpng, Pillow's ``load``) decode all pixels first. And the
service leaves out an image that breaks off, without a word, so the end is what has to be known.
"""

from __future__ import annotations

import struct

from automl_cv_client._imaging.image_header import Header
from automl_cv_client._imaging.jpeg_header import read_jpeg
from automl_cv_client._imaging.png_header import PNG_SIGNATURE, read_png

__all__ = ["Header", "read_header"]


def read_header(data: bytes) -> Header | None:
    """The header of a whole, ordinary JPEG or PNG; None for anything else and whenever in doubt."""
    try:
        if data[:3] == b"\xff\xd8\xff":
            return read_jpeg(data)
        if data.startswith(PNG_SIGNATURE):
            return read_png(data)
    except (IndexError, ValueError, struct.error):  # what a damaged file makes of the arithmetic
        return None
    return None

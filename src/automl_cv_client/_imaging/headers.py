"""Reads size and orientation of JPEG and PNG from their headers, in microseconds and without pillow.

Decoding an image to find out that it is whole costs more than sending it. So the marker and chunk structure
is checked here, and whatever is odd in any way is left to Pillow's full decode: a reader answers None rather
than guess.
"""

from __future__ import annotations

from automl_cv_client._imaging.header import Header
from automl_cv_client._imaging.jpeg_header import read_jpeg
from automl_cv_client._imaging.png_header import read_png

__all__ = ["Header", "read_header"]


def read_header(data: bytes) -> Header | None:
    """The header of a whole, ordinary JPEG or PNG; None for anything else and whenever in doubt."""
    if data[:3] == b"\xff\xd8\xff":
        return read_jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return read_png(data)
    return None

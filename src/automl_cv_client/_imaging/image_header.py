"""What the header of an image says: its size, and the orientation in its EXIF data. Plain arithmetic, no pillow."""

from __future__ import annotations

import struct
from typing import NamedTuple

from automl_cv_client.geometry import Size

ORIENTATION_TAG = 0x0112
UPRIGHT = 1
_SHORT = 3
_ENTRY = {"<": struct.Struct("<HHIHxx"), ">": struct.Struct(">HHIHxx")}


class Header(NamedTuple):
    """An ordinary image, read from its header alone.

    Attributes:
        media_type: e.g. ``image/jpeg``.
        size: (width, height) in pixels as stored, before the orientation is applied; neither is 0.
        orientation: EXIF orientation, 1 to 8.
    """

    media_type: str
    size: Size
    orientation: int


def find_orientation(tiff: bytes) -> int | None:
    """The value of the orientation tag, 1 when there is none, None when the block is odd in any way.

    EXIF 2.3 section 4.6.4: the block is a small TIFF file whose first directory may hold tag 0x0112, a SHORT.
    """
    byte_order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if byte_order is None or len(tiff) < 8:
        return None
    start = struct.unpack_from(f"{byte_order}I", tiff, 4)[0]
    if start + 2 > len(tiff):
        return None
    count = struct.unpack_from(f"{byte_order}H", tiff, start)[0]
    block = tiff[start + 2 : start + 2 + 12 * count]
    if len(block) < 12 * count:
        return None
    entries = [entry for entry in _ENTRY[byte_order].iter_unpack(block) if entry[0] == ORIENTATION_TAG]
    if not entries:
        return UPRIGHT
    (_, kind, values, orientation), *more = entries
    if more or kind != _SHORT or values != 1:
        return None
    return int(orientation) if 1 <= orientation <= 8 else UPRIGHT

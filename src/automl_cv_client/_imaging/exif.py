"""Finds the orientation in a block of EXIF data; plain arithmetic, no pillow.

EXIF 2.3 section 4.6.4: the block is a small TIFF file whose first directory may hold tag 0x0112, a SHORT.
"""

from __future__ import annotations

import struct

ORIENTATION_TAG = 0x0112
UPRIGHT = 1
_SHORT = 3
_ENTRY = {"<": struct.Struct("<HHIHxx"), ">": struct.Struct(">HHIHxx")}


def find_orientation(tiff: bytes) -> int | None:
    """The value of the orientation tag, 1 when there is none, None when the block is odd in any way."""
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
    found = [entry for entry in _ENTRY[byte_order].iter_unpack(block) if entry[0] == ORIENTATION_TAG]
    if not found:
        return UPRIGHT
    (_, kind, values, orientation), *more = found
    if more or kind != _SHORT or values != 1:
        return None
    return int(orientation) if 1 <= orientation <= 8 else UPRIGHT

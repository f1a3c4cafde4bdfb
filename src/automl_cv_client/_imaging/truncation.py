"""Finds PNG, GIF and TIFF files that end early, which Pillow decodes without complaint.

Pillow stops reading when it has all rows, or what libtiff makes of the missing ones. A file cut short in
transfer must not be scored as if it were whole.
"""

from __future__ import annotations

import struct

from automl_cv_client._imaging import tiff_header
from automl_cv_client._imaging.png_header import PNG_SIGNATURE, BrokenOff, chunks


def ends_early(data: bytes) -> bool:
    """Whether the file plainly breaks off. False for other formats, and for damage of another kind."""
    if data.startswith(PNG_SIGNATURE):
        return _png_ends_early(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif_ends_early(data)
    if data.startswith(tiff_header.SIGNATURES):
        return _tiff_ends_early(data)
    return False


def _png_ends_early(data: bytes) -> bool:
    try:
        for _ in chunks(data):
            pass
    except BrokenOff:
        return True
    return False


def _gif_ends_early(data: bytes) -> bool:
    """Walks the blocks of GIF89a up to the trailer."""
    try:
        position = 13 + _color_table(data[10])
        while data[position] in (0x21, 0x2C):
            if data[position] == 0x21:
                position += 2
            else:
                position += 11 + _color_table(data[position + 9])
            while length := data[position]:
                position += 1 + length
            position += 1
    except IndexError:
        return True
    return False


def _color_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _tiff_ends_early(data: bytes) -> bool:
    try:
        directory = tiff_header.Directory(data)
        if any(offset >= len(data) for offset in directory.integers(tiff_header.EXIF_DIRECTORY)):
            return True
        for starts, lengths in (
            (tiff_header.STRIPS, tiff_header.STRIP_BYTES),
            (tiff_header.TILES, tiff_header.TILE_BYTES),
        ):
            blocks = zip(directory.integers(starts), directory.integers(lengths), strict=False)
            if any(start + length > len(data) for start, length in blocks):
                return True
    except (struct.error, OverflowError):  # an offset behind the end, or behind all memory
        return True
    return False

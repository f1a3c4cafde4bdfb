"""Finds PNG, GIF and TIFF files that end early, which Pillow decodes without complaint.

Pillow stops reading when it has all rows, or what libtiff makes of the missing ones. A file cut short in
transfer must not be scored as if it were whole.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes a value by field type: TIFF 6.0 section 2, and BigTIFF."""
_TIFF_INTEGERS = {3: "H", 4: "I", 16: "Q"}
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _EXIF_DIRECTORY = 273, 279, 324, 325, 34665


def ends_early(data: bytes) -> bool:
    """Whether the file plainly breaks off. False for other formats, and for damage of another kind."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_ends_early(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif_ends_early(data)
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return _tiff_ends_early(data)
    return False


def _png_ends_early(data: bytes) -> bool:
    position = 8
    while position + 12 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] == b"IEND":
            return end > len(data)
        position = end
    return True


def _gif_ends_early(data: bytes) -> bool:
    """Walks the blocks of GIF89a up to the trailer."""
    try:
        position = 13 + _colour_table(data[10])
        while data[position] in (0x21, 0x2C):
            if data[position] == 0x21:
                position += 2
            else:
                position += 11 + _colour_table(data[position + 9])
            while length := data[position]:
                position += 1 + length
            position += 1
    except IndexError:
        return True
    return False


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


class _Field(NamedTuple):
    kind: int
    values: int
    start: int


def _tiff_ends_early(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    try:
        fields = _read_directory(data, order, big=data[2:4] in (b"+\0", b"\0+"))
        exif = _integers(data, order, fields.get(_EXIF_DIRECTORY))
        return _blocks_end_early(data, order, fields) or any(offset >= len(data) for offset in exif)
    except (struct.error, OverflowError):  # an offset behind the end, or behind all memory
        return True


def _read_directory(data: bytes, order: str, *, big: bool) -> dict[int, _Field]:
    """The first directory. Raises struct.error when it, or a value it points to, lies beyond the end."""
    entry, head, word = ("HHQ", "Q", "Q") if big else ("HHI", "H", "I")
    inline = struct.calcsize(f"={word}")
    start = struct.unpack_from(f"{order}{word}", data, 8 if big else 4)[0]
    count = struct.unpack_from(f"{order}{head}", data, start)[0]
    position = start + struct.calcsize(f"={head}")
    struct.unpack_from(f"{order}{word}", data, position + count * (struct.calcsize(f"={entry}") + inline))
    fields = {}
    for _ in range(count):
        tag, kind, values = struct.unpack_from(f"{order}{entry}", data, position)
        position += struct.calcsize(f"={entry}")
        length = _TIFF_SIZES.get(kind, 0) * values
        place = position if length <= inline else struct.unpack_from(f"{order}{word}", data, position)[0]
        if place + length > len(data):
            raise struct.error
        fields[tag] = _Field(kind, values, place)
        position += inline
    return fields


def _blocks_end_early(data: bytes, order: str, fields: dict[int, _Field]) -> bool:
    """Whether a strip or tile lies beyond the end."""
    for starts, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        offsets = _integers(data, order, fields.get(starts))
        counts = _integers(data, order, fields.get(lengths))
        if any(offset + count > len(data) for offset, count in zip(offsets, counts, strict=False)):
            return True
    return False


def _integers(data: bytes, order: str, field: _Field | None) -> tuple[int, ...]:
    if field is None or field.kind not in _TIFF_INTEGERS:
        return ()
    return struct.unpack_from(f"{order}{field.values}{_TIFF_INTEGERS[field.kind]}", data, field.start)

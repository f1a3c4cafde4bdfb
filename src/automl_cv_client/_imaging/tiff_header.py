"""Reads the first directory of a TIFF or BigTIFF; does not decode."""

from __future__ import annotations

import struct
from typing import NamedTuple

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

WIDTH, HEIGHT, BITS_PER_SAMPLE, COMPRESSION = 256, 257, 258, 259
STRIPS, SAMPLES_PER_PIXEL, STRIP_BYTES, X_RESOLUTION, Y_RESOLUTION = 273, 277, 279, 282, 283
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, SAMPLE_FORMAT, EXIF_DIRECTORY = 322, 323, 324, 325, 339, 34665

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes per value by field type: TIFF 6.0 section 2, and BigTIFF."""
_INTEGERS = {3: "H", 4: "I", 16: "Q"}


_MOST_PAGES = 100_000


class Field(NamedTuple):
    """One entry of a directory.

    Attributes:
        kind: the type of its values.
        length: how many values it has.
        start: where the first of them stands in the file.
    """

    kind: int
    length: int
    start: int


class Directory:
    """The first directory. Raises struct.error when it, or a value it points to, lies beyond the end of the data."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self.fields = self._read(big=data[2:4] in (b"+\0", b"\0+"))

    def integers(self, tag: int) -> tuple[int, ...]:
        """The values of a field of whole numbers; empty when there is none."""
        field = self.fields.get(tag)
        if field is None or field.kind not in _INTEGERS:
            return ()
        return struct.unpack_from(f"{self._order}{field.length}{_INTEGERS[field.kind]}", self._data, field.start)

    def count(self, tag: int) -> int:
        """How many values a field has."""
        field = self.fields.get(tag)
        return 0 if field is None else field.length

    def _read(self, *, big: bool) -> dict[int, Field]:
        data, order = self._data, self._order
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
            length = _SIZES.get(kind, 0) * values
            first = position if length <= inline else struct.unpack_from(f"{order}{word}", data, position)[0]
            if first + length > len(data):
                raise struct.error
            fields[tag] = Field(kind, values, first)
            position += inline
        return fields


def count_pages(data: bytes) -> int:
    """How many directories follow one another, at most 100,000; a chain that leads back, or out, ends there."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    word, head, entry, first = ("Q", "Q", 20, 8) if big else ("I", "H", 12, 4)
    link, seen = first, set[int]()
    try:
        while len(seen) < _MOST_PAGES:
            start = struct.unpack_from(f"{order}{word}", data, link)[0]
            if start == 0 or start in seen:
                break
            count = struct.unpack_from(f"{order}{head}", data, start)[0]
            seen.add(start)
            link = start + struct.calcsize(f"={head}") + entry * count
    except struct.error:
        pass
    return max(1, len(seen))

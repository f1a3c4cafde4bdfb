"""Walks the markers of a JPEG (ITU-T T.81, annex B) up to its end; does not decode.

Accepts 8-bit baseline, extended and progressive images of one or three components whose tables are all
there. Everything else is left to Pillow by answering None.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import lru_cache

from automl_cv_client._imaging.image_header import UPRIGHT, Header, find_orientation
from automl_cv_client.geometry import Size

_SOF0, _SOF1, _SOF2, _DHT, _EOI, _SOS, _DQT, _DRI, _APP1, _COM = (
    0xC0,
    0xC1,
    0xC2,
    0xC4,
    0xD9,
    0xDA,
    0xDB,
    0xDD,
    0xE1,
    0xFE,
)
_FRAMES = (_SOF0, _SOF1, _SOF2)
_SKIPPED = frozenset([*range(0xE0, 0xF0), _COM])
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_LENGTH = struct.Struct(">H")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]")
"""Within a scan 0xFF is followed by 0 or a restart marker; anything else ends the scan."""
_MARKER_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The same, past the bytes 0xFF that may fill up before a marker."""


MOST_SEGMENTS = 10_000
"""A file with more is not read: Pillow takes a microsecond and a hundred bytes for each."""


class BrokenJpeg(Exception):
    """The markers do not follow one another as they should.

    Attributes:
        in_pixels: the data go on, and yet the pixels do not: a decoder would paint the rest grey.
    """

    def __init__(self, in_pixels: bool) -> None:
        super().__init__()
        self.in_pixels = in_pixels


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each segment through the end of the image: its marker, first and last-plus-one byte; scans with their data.

    Raises BrokenJpeg where the structure breaks, also in the middle of a scan.
    """
    position, components, progressive, behind_scan = 2, 0, False, False
    marker = 0
    while data[position : position + 1] == b"\xff":
        while data[position + 1 : position + 2] == b"\xff":
            position += 1
        marker = data[position + 1] if position + 1 < len(data) else 0
        if marker == _EOI:
            yield marker, position, position + 2
            return
        if position + 4 > len(data):
            raise BrokenJpeg(in_pixels=False)
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        if not 0xC0 <= marker <= 0xFE or 0xD0 <= marker <= 0xD8 or end < position + 4:
            break
        if end > len(data):
            raise BrokenJpeg(in_pixels=False)
        if 0xC0 <= marker <= 0xCF and marker not in (_DHT, 0xC8, 0xCC) and end >= position + 10:
            components, progressive = data[position + 9], marker & 3 == 2
        if marker == _SOS:
            behind = _MARKER_BEHIND_SCAN.search(data, end)
            if behind is None:
                raise BrokenJpeg(in_pixels=False)
            whole = not progressive and data[position + 4] == components
            if whole and data[behind.end() - 1] in _NEVER_BEHIND_ALL_PIXELS:
                break
            end = behind.start()
        yield marker, position, end
        position, behind_scan = end, marker == _SOS
    raise BrokenJpeg(in_pixels=behind_scan or marker == _SOS)


_NEVER_BEHIND_ALL_PIXELS = frozenset([*range(0x01, 0xD0), _SOS, _DQT, _DRI])
"""A scan that holds every pixel ends the image; only its height and notes may follow."""


def read_jpeg(data: bytes) -> Header | None:
    """The header of a whole JPEG; None when in doubt. Raises IndexError or struct.error where the data end."""
    walk = _Walk(data)
    if not walk.run() or walk.frame is None or walk.orientation is None:
        return None
    return Header("image/jpeg", walk.frame.size, walk.orientation)


class _Frame:
    """A frame header (B.2.2)."""

    def __init__(self, marker: int, body: bytes) -> None:
        precision, height, width, count = struct.unpack_from(">BHHB", body)
        self.progressive = marker == _SOF2
        self.size = Size(width, height)
        self.tables = {body[i]: body[i + 2] for i in range(6, 6 + 3 * count, 3)}
        samplings = [body[i] for i in range(7, 6 + 3 * count, 3)]
        self.ordinary = (
            precision == 8
            and width > 0
            and height > 0
            and count in (1, 3)
            and len(body) == 6 + 3 * count
            and len(self.tables) == count
            and all(1 <= s >> 4 <= 4 and 1 <= s & 15 <= 4 for s in samplings)
        )


class _Walk:
    """One pass over the segments. What has been seen so far is in the attributes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.frame: _Frame | None = None
        self.orientation: int | None = UPRIGHT
        self.exif_seen = False
        self.quantisation: set[int] = set()
        self.huffman: set[int] = set()

    def run(self) -> bool:
        """Whether the file is an ordinary JPEG with its end."""
        data, position = self.data, 2
        for _ in range(MOST_SEGMENTS):
            if data[position] != 0xFF:
                return False
            marker = data[position + 1]
            end = position + 2 + (data[position + 2] << 8 | data[position + 3])
            if end < position + 4 or end > len(data):
                return False
            if marker not in _SKIPPED or marker == _APP1:
                body = data[position + 4 : end]
                if marker == _SOS:
                    return self._scan_fits(body) and self._ends(body, end)
                if not self._take(marker, body):
                    return False
            position = end
        return False

    def _take(self, marker: int, body: bytes) -> bool:
        """Notes a segment; False when it is not one that every decoder reads the same way."""
        if marker == _APP1:
            return self._take_app1(body)
        if marker in _SKIPPED:
            return True
        if marker in (_DQT, _DHT):
            tables = _quantisation_tables(body) if marker == _DQT else _huffman_tables(body)
            if tables is None:
                return False
            (self.quantisation if marker == _DQT else self.huffman).update(tables)
            return True
        if marker == _DRI:
            return len(body) == 2
        if marker in _FRAMES and self.frame is None:
            self.frame = _frame(marker, body)
            return self.frame.ordinary
        return False

    def _take_app1(self, body: bytes) -> bool:
        if body.startswith(_EXIF):
            if self.exif_seen:
                return False
            self.exif_seen = True
            self.orientation = find_orientation(body[6:])
            return self.orientation is not None
        # Pillow falls back to the orientation in XMP: let it decide, unless that is plainly absent.
        return not (body.startswith(_XMP) and b"tiff:Orientation" in body)

    def _scan_fits(self, body: bytes) -> bool:
        """B.2.3: a scan names components of the frame and tables that were defined."""
        if self.frame is None or len(body) < 4 or len(body) != 4 + 2 * body[0]:
            return False
        needs_dc, needs_ac = self._tables_needed(body)
        for i in range(1, 1 + 2 * body[0], 2):
            if self.frame.tables.get(body[i]) not in self.quantisation:
                return False
            dc, ac = body[i + 1] >> 4, 0x10 | body[i + 1] & 15
            if (needs_dc and dc not in self.huffman) or (needs_ac and ac not in self.huffman):
                return False
        return needs_dc is not None

    def _tables_needed(self, body: bytes) -> tuple[bool | None, bool]:
        """Which tables the scan needs; (None, False) when its spectral range or its bits make no sense (G.1.1.1)."""
        assert self.frame is not None
        first, last, high, low = body[-3], body[-2], body[-1] >> 4, body[-1] & 15
        if not self.frame.progressive:
            return (True, True) if (first, last, high, low) == (0, 63, 0, 0) else (None, False)
        in_range = first == last == 0 or (1 <= first <= last <= 63 and body[0] == 1)
        if not in_range or low > 13 or high not in (0, low + 1):
            return None, False
        return first == 0 and high == 0, first > 0

    def _ends(self, body: bytes, position: int) -> bool:
        """Whether the end marker follows the scan that starts at ``position``.

        The end of an EXIF thumbnail does not count: it lies before the first scan.
        """
        assert self.frame is not None
        if not self.frame.progressive and body[0] == len(self.frame.tables):
            # One scan holds everything, and entropy-coded data never contain FF D9.
            return self.data.rfind(b"\xff\xd9", position) >= 0
        while behind := _MARKER_IN_SCAN.search(self.data, position):
            marker = self.data[behind.end() - 1]
            if marker == _EOI:
                return True
            position = behind.end() + _LENGTH.unpack_from(self.data, behind.end())[0]
            body = self.data[behind.end() + 2 : position]
            if not (self._scan_fits(body) if marker == _SOS else self._take(marker, body)):
                return False
        return False


# Remembered, as the files of one camera or encoder differ in little else: looking through them takes most of the time.
_frame = lru_cache(maxsize=64)(_Frame)


@lru_cache(maxsize=64)
def _quantisation_tables(body: bytes) -> frozenset[int] | None:
    """The numbers of the tables that a segment defines, None when it is odd.

    B.2.4.1: a byte of precision and number, then 64 values of one or two bytes.
    """
    numbers, position = set(), 0
    while position < len(body):
        precision, number = body[position] >> 4, body[position] & 15
        if precision > 1 or number > 3:
            return None
        numbers.add(number)
        position += 65 + 64 * precision
    return frozenset(numbers) if position == len(body) else None


@lru_cache(maxsize=64)
def _huffman_tables(body: bytes) -> frozenset[int] | None:
    """The classes and numbers of the tables that a segment defines, None when it is odd.

    B.2.4.2: a byte of class and number, 16 counts, then as many symbols.
    """
    tables, position = set(), 0
    while position < len(body):
        table = body[position]
        counts = body[position + 1 : position + 17]
        symbols = body[position + 17 : position + 17 + sum(counts)]
        if table & 0xEC or len(counts) < 16 or not _is_code(counts):
            return None
        if table < 0x10 and symbols and max(symbols) > 15:
            return None
        tables.add(table)
        position += 17 + sum(counts)
    return frozenset(tables) if position == len(body) else None


def _is_code(counts: bytes) -> bool:
    """Whether so many codes of 1 to 16 bits can exist (C.2): no decoder takes more."""
    code = 0
    for bits, count in enumerate(counts, 1):
        code += count
        if code > 1 << bits:
            return False
        code <<= 1
    return True

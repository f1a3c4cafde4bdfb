"""Walks the chunks of a PNG (ISO/IEC 15948) up to its end and checks their sums; does not decode."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from automl_cv_client._imaging.exif import UPRIGHT, find_orientation
from automl_cv_client._imaging.header import Header
from automl_cv_client.geometry import Size

_CHUNK = struct.Struct(">I4s")
_SUM = struct.Struct(">I")
_DEPTHS = {0: (1, 2, 4, 8), 2: (8,), 3: (1, 2, 4, 8), 4: (8,), 6: (8,)}
"""Bit depths by colour type that need no change; 16 bits do (PNG 11.2.2)."""
_KEYWORDS_THAT_MAY_TURN = (b"Raw profile type exif\0", b"exif\0", b"xmp\0")
"""Text under which Pillow looks for an orientation."""
_XMP = b"XML:com.adobe.xmp\0"


class BrokenOff(Exception):
    """The file ends before its last chunk does."""


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int, bool]]:
    """Of each chunk through IEND: type, first and last-plus-one byte of its content, whether its sum is right."""
    view, position = memoryview(data), 8
    while True:
        if position + 12 > len(data):
            raise BrokenOff
        length, kind = _CHUNK.unpack_from(data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise BrokenOff
        yield kind, position + 8, end, zlib.crc32(view[position + 4 : end]) == _SUM.unpack_from(data, end)[0]
        if kind == b"IEND":
            return
        position = end + 4


def wrong_sums(data: bytes) -> set[bytes]:
    """Types of the chunks whose sums are wrong, in a PNG that is all there."""
    return {kind for kind, _, _, right in chunks(data) if not right}


def is_critical(kind: bytes) -> bool:
    """Whether an image cannot be shown without chunks of this type (PNG 5.4): IHDR, PLTE, IDAT, IEND."""
    return not kind[0] & 32


def read_png(data: bytes) -> Header | None:
    """The header of a whole PNG of at most 8 bits a channel; None when in doubt."""
    size: Size | None = None
    kinds: list[bytes] = []
    orientation = UPRIGHT
    try:
        for kind, start, end, right in chunks(data):
            if not right:
                return None
            if kind == b"IHDR":
                size = _read_size(data[start:end]) if not kinds else None
            elif kind == b"eXIf":
                found = find_orientation(data[start:end]) if b"eXIf" not in kinds else None
                if found is None:
                    return None
                orientation = found
            elif kind in (b"tEXt", b"zTXt", b"iTXt"):
                if _may_turn(data, start, end):
                    return None
            elif kind not in (b"PLTE", b"IDAT", b"IEND") and (kind == b"acTL" or is_critical(kind)):
                return None  # animated, or critical and unknown
            kinds.append(kind)
    except BrokenOff:
        return None
    if size is None or not _in_order(kinds, palette=data[25] == 3):
        return None
    return Header("image/png", size, orientation)


def _read_size(body: bytes) -> Size | None:
    if len(body) != 13:
        return None
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    ordinary = depth in _DEPTHS.get(colour, ()) and not compression and not filtering and interlace in (0, 1)
    return Size(width, height) if ordinary and 0 < width < 1 << 31 and 0 < height < 1 << 31 else None


def _may_turn(data: bytes, start: int, end: int) -> bool:
    if data.startswith(_XMP, start, end):
        packed = data[start + len(_XMP)] != 0  # the compression flag of iTXt
        return packed or data.find(b"tiff:Orientation", start, end) >= 0
    return data.startswith(_KEYWORDS_THAT_MAY_TURN, start, end)


def _in_order(kinds: list[bytes], *, palette: bool) -> bool:
    """Whether the image data are there and in one piece, after the palette if one is needed."""
    if b"IDAT" not in kinds:
        return False
    first, count = kinds.index(b"IDAT"), kinds.count(b"IDAT")
    return kinds[first : first + count] == [b"IDAT"] * count and (not palette or b"PLTE" in kinds[:first])

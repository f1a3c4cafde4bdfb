"""Walks the chunks of a PNG (ISO/IEC 15948) up to its end and checks their sums; does not decode.

Also takes out of a PNG what stops readers though no pixel needs it, and adds an end that is missing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from automl_cv_client._imaging.image_header import UPRIGHT, Header, find_orientation
from automl_cv_client.geometry import Size

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"

_CHUNK = struct.Struct(">I4s")
_SUM = struct.Struct(">I")
_DEPTHS = {0: (1, 2, 4, 8), 2: (8,), 3: (1, 2, 4, 8), 4: (8,), 6: (8,)}
"""Bit depths by color type that need no change; 16 bits do (PNG 11.2.2)."""
_KEYWORDS_THAT_MAY_TURN = (b"Raw profile type exif\0", b"exif\0", b"xmp\0")
"""Text under which Pillow looks for an orientation."""
_XMP = b"XML:com.adobe.xmp\0"

_TEXTS = (b"zTXt", b"iTXt", b"tEXt")
_PACKED = (b"zTXt", b"iTXt", b"iCCP")
_MOST_UNPACKED = 1 << 20
"""Bytes of one text or profile, unpacked: Pillow, and so the server, refuses an image with more (MAX_TEXT_CHUNK)."""
_MOST_TEXT = 64 << 20
"""Bytes of all texts together (MAX_TEXT_MEMORY)."""
_BEST_RATIO = 1032
"""Deflate packs no better than that."""
_MOST_CHUNKS = 100_000
"""libpng writes 8 kB of pixels into each, so these would be 800 MB."""
_NEEDED = (b"tRNS", b"eXIf", b"acTL", b"fcTL")
"""Of the chunks that are not critical, those that Pillow decodes by, turns by, or tells an animation by."""


class BrokenOff(Exception):
    """The file ends before its last chunk does."""


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int, bool]]:
    """Of each chunk through IEND: type, first and last-plus-one byte of its content, whether its sum is right.

    Raises BrokenOff, and ValueError for more chunks than any image has.
    """
    view, position, count = memoryview(data), 8, 0
    while True:
        count += 1
        if count > _MOST_CHUNKS:
            raise ValueError(f"more than {_MOST_CHUNKS:,} chunks")
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
    orientation, text = UPRIGHT, 0
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
            elif kind in _TEXTS or kind == b"iCCP":
                text += _unpacked_at_most(kind, end - start)
                if text > _MOST_TEXT or _is_heavy(kind, data, start, end):
                    return None
                if kind != b"iCCP" and _may_turn(data, start, end):
                    return None
            elif kind not in (b"PLTE", b"IDAT", b"IEND") and (kind == b"acTL" or is_critical(kind)):
                return None  # animated, or critical and unknown
            kinds.append(kind)
    except BrokenOff:
        return None
    if size is None or not _in_order(kinds, palette=data[25] == 3):
        return None
    return Header("image/png", size, orientation)


class Repaired(NamedTuple):
    """A PNG as every reader takes it.

    Attributes:
        data: the file; the same object when nothing had to be done.
        changes: what was done, in words.
    """

    data: bytes
    changes: tuple[str, ...]


def repaired(data: bytes) -> Repaired:
    """The file without texts and profiles that readers refuse to unpack, and with its end where that is missing.

    Whether the pixels are all there is for the decoder to say. A file cut anywhere but in its last chunk stays so.
    """
    if not data.startswith(PNG_SIGNATURE):
        return Repaired(data, ())
    changes: list[str] = []
    whole = _with_end(data)
    if whole is not data:
        changes.append("the missing end of the PNG added")
    try:
        walked = list(chunks(whole))
    except (BrokenOff, ValueError):
        return Repaired(data, ())
    heavy = {start for kind, start, end, _ in walked if _is_heavy(kind, whole, start, end)}
    if sum(_unpacked_at_most(kind, end - start) for kind, start, end, _ in walked) > _MOST_TEXT:
        heavy |= {start for kind, start, _, _ in walked if kind in _TEXTS}
    if heavy:
        changes.append("metadata removed")
        kept = (whole[start - 8 : end + 4] for _, start, end, _ in walked if start not in heavy)
        whole = b"".join([PNG_SIGNATURE, *kept])
    return Repaired(whole, tuple(changes))


def _with_end(data: bytes) -> bytes:
    """The file with its last chunk, when it breaks off exactly before or in that one; else the same object."""
    position = 8
    for _ in range(_MOST_CHUNKS):
        if _END.startswith(data[position : position + len(_END)]) and len(data) < position + len(_END) and position > 8:
            return data[:position] + _END
        if position + 12 > len(data):
            return data
        length, kind = _CHUNK.unpack_from(data, position)
        if kind == b"IEND":
            return data
        position += 12 + length
    return data


def _unpacked_at_most(kind: bytes, length: int) -> int:
    """Bytes of a text at most, by its length in the file; 0 for other chunks."""
    if kind not in _TEXTS:
        return 0
    return length if kind == b"tEXt" else min(length * _BEST_RATIO, max(length, _MOST_UNPACKED))


def _is_heavy(kind: bytes, data: bytes, start: int, end: int) -> bool:
    """Whether a chunk is a packed text or profile that unpacks to more than readers take."""
    if kind not in _PACKED or (end - start) * _BEST_RATIO <= _MOST_UNPACKED:
        return False
    first = data.find(b"\0", start, end) + 2  # behind the keyword and the method of packing
    if kind == b"iTXt":
        if data[first - 1 : first] != b"\1":
            return False
        first = data.find(b"\0", data.find(b"\0", first + 1, end) + 1, end) + 1  # behind two more texts
    try:
        unpacker = zlib.decompressobj()
        unpacker.decompress(memoryview(data)[first:end], _MOST_UNPACKED)
        return bool(unpacker.unconsumed_tail)
    except zlib.error:
        return False


def for_decoding(data: bytes) -> bytes:
    """A whole PNG with what Pillow needs to decode it and to turn it, and nothing else; its pixels in one chunk.

    Pillow takes some microseconds and a hundred bytes a chunk, and unpacks all texts and profiles.
    """
    pieces, pixels = [PNG_SIGNATURE], []
    for kind, start, end, _ in chunks(data):
        if kind == b"IDAT":
            pixels.append(data[start:end])
            continue
        if pixels:
            pieces.append(_chunk_of(b"IDAT", b"".join(pixels)))
            pixels = []
        turns = kind in _TEXTS and _may_turn(data, start, end) and end - start < _MOST_UNPACKED
        if is_critical(kind) or turns or kind in _NEEDED:
            pieces.append(data[start - 8 : end + 4])
    return b"".join(pieces)


def _chunk_of(kind: bytes, content: bytes) -> bytes:
    return b"".join((_CHUNK.pack(len(content), kind), content, _SUM.pack(zlib.crc32(content, zlib.crc32(kind)))))


def _read_size(body: bytes) -> Size | None:
    if len(body) != 13:
        return None
    width, height, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    ordinary = depth in _DEPTHS.get(color, ()) and not compression and not filtering and interlace in (0, 1)
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

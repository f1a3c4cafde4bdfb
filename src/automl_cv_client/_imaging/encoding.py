"""Writes images that had to be changed, or never were files: JPEG stays JPEG, everything else becomes PNG."""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_RUN_LENGTHS = 3
"""zlib's Z_RLE strategy."""
_SUM_OF_LUMA_TABLE = 3688
"""Of the 64 values of table K.1, which libjpeg calls quality 50."""


def write_png(image: Image) -> bytes:
    """Lossless, without metadata.

    Photographs are written with zlib's run-length strategy. Measured on three photos of 0.2–0.27
    megapixels: 15–17 ms and 329–451 kB; compress_level=1 took 17–20 ms for 371–483 kB, Pillow's default level
    48–68 ms for 313–449 kB. Palettes and bitmaps hold repeated patterns, for which it is no good.
    """
    drawn = image.mode in ("1", "P")
    options: dict[str, Any] = {"compress_level": 6} if drawn else {"compress_level": 1, "compress_type": _RUN_LENGTHS}
    file = io.BytesIO()
    image.save(file, "PNG", icc_profile=None, exif=b"", **options)
    return file.getvalue()


def write_jpeg(image: Image, source: Any, *, sideways: bool) -> bytes:
    """A JPEG in mode L or RGB, written with the tables of the JPEG it was decoded from, without metadata.

    The same tables on the same grid of 8×8 blocks lose next to nothing, and give about as many bytes.

    Args:
        image: the pixels to write.
        source: Pillow's JpegImageFile they come from.
        sideways: whether rows became columns, so that tables and subsampling have to be turned too.
    """
    tables = _tables(source)
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    if tables is not None and source.mode == image.mode:
        options = {"qtables": [_turned(table) if sideways else table for table in tables]}
        options["subsampling"] = _subsampling(source, sideways=sideways)
    file = io.BytesIO()
    image.save(file, "JPEG", icc_profile=None, exif=b"", comment=b"", xmp=b"", **options)
    return file.getvalue()


def write_jpeg_at(image: Image, quality: int) -> bytes:
    """A JPEG in mode L or RGB of this quality, 1 to 95, without metadata.

    Color has half the resolution below 95: what cameras do, and about a third fewer bytes.
    """
    file = io.BytesIO()
    options = {"quality": quality, "subsampling": 0 if quality >= 95 else 2}
    image.save(file, "JPEG", icc_profile=None, exif=b"", comment=b"", xmp=b"", **options)
    return file.getvalue()


def quality_of(source: Any) -> int:
    """The quality a JPEG was about written with, 1 to 95, by libjpeg's scale; 95 for all other images.

    libjpeg scales the luma table of ITU-T T.81, annex K, by ``200 - 2 × quality`` or ``5000 / quality`` percent.
    """
    tables = getattr(source, "quantization", None)
    if not tables:
        return 95
    percent: float = 100 * sum(tables[min(tables)]) / _SUM_OF_LUMA_TABLE
    quality = math.ceil((200 - percent) / 2 if percent <= 100 else 5000 / percent)
    return max(1, min(95, quality))


def _tables(source: Any) -> list[list[int]] | None:
    """Quantisation tables of luma and chroma; None when the source is not a usual grey or YCbCr JPEG."""
    if source.info.get("adobe_transform") == 0 or source.layers not in (1, 3):
        return None
    used = [list(source.quantization[layer[3]]) for layer in source.layer]
    return used[:1] if len(used) == 1 else (used[:2] if used[1] == used[2] else None)


def _turned(table: list[int]) -> list[int]:
    """Rows become columns, as the frequencies do when the image is turned by a quarter."""
    return [table[8 * column + row] for row in range(8) for column in range(8)]


def _subsampling(source: Any, *, sideways: bool) -> int:
    """Pillow's code: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0. What it cannot write is written in full, 4:4:4."""
    factors = tuple(factor for layer in source.layer for factor in layer[1:3])
    if factors == (2, 2, 1, 1, 1, 1):
        return 2
    return 1 if factors == (2, 1, 1, 1, 1, 1) and not sideways else 0


def grey_png(side: int) -> bytes:
    """A grey PNG of ``side`` × ``side`` pixels, RGB, 8 bit."""
    row = b"\x00" + b"\x80" * (3 * side)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * side)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )

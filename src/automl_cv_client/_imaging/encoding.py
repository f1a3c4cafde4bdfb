"""Writes pictures that had to be changed, or never were files: JPEG stays JPEG, everything else becomes PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_RUN_LENGTHS = 3
"""zlib's Z_RLE strategy."""


def write_png(picture: Image) -> bytes:
    """Lossless, without metadata.

    Photographs are written with zlib's run-length strategy. Measured on three photographs of 0.2–0.27
    megapixels: 15–17 ms and 329–451 kB; compress_level=1 took 17–20 ms for 371–483 kB, Pillow's default level
    48–68 ms for 313–449 kB. Palettes and bitmaps hold repeated patterns, for which it is no good.
    """
    drawn = picture.mode in ("1", "P")
    options: dict[str, Any] = {"compress_level": 6} if drawn else {"compress_level": 1, "compress_type": _RUN_LENGTHS}
    file = io.BytesIO()
    picture.save(file, "PNG", icc_profile=None, exif=b"", **options)
    return file.getvalue()


def write_jpeg(picture: Image, source: Any, *, sideways: bool) -> bytes:
    """A JPEG in mode L or RGB, written with the tables of the JPEG it was decoded from, without metadata.

    The same tables on the same grid of 8×8 blocks lose next to nothing, and give about as many bytes.

    Args:
        picture: the pixels to write.
        source: Pillow's JpegImageFile they come from.
        sideways: whether rows became columns, so that tables and subsampling have to be turned too.
    """
    tables = _tables(source)
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    if tables is not None and source.mode == picture.mode:
        options = {"qtables": [_turned(table) if sideways else table for table in tables]}
        options["subsampling"] = _subsampling(source, sideways=sideways)
    file = io.BytesIO()
    picture.save(file, "JPEG", icc_profile=None, exif=b"", comment=b"", xmp=b"", **options)
    return file.getvalue()


def _tables(source: Any) -> list[list[int]] | None:
    """Quantisation tables of luma and chroma; None when the source is not a usual grey or YCbCr JPEG."""
    if source.info.get("adobe_transform") == 0 or source.layers not in (1, 3):
        return None
    used = [list(source.quantization[layer[3]]) for layer in source.layer]
    return used[:1] if len(used) == 1 else (used[:2] if used[1] == used[2] else None)


def _turned(table: list[int]) -> list[int]:
    """Rows become columns, as the frequencies do when the picture is turned by a quarter."""
    return [table[8 * column + row] for row in range(8) for column in range(8)]


def _subsampling(source: Any, *, sideways: bool) -> int:
    """Pillow's code: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0. What it cannot write is written in full, 4:4:4."""
    factors = tuple(factor for layer in source.layer for factor in layer[1:3])
    if factors == (2, 2, 1, 1, 1, 1):
        return 2
    return 1 if factors == (2, 1, 1, 1, 1, 1) and not sideways else 0

"""Small images made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageChops, ImageStat

from automl_cv_client._imaging import ImagePolicy, PreparedImage, prepare

POLICY = ImagePolicy()
Image.init()
AVIF = ["AVIF"] if "AVIF" in Image.SAVE else []
"""Pillow writes it from 11.3 on, where it was built with it."""
ORIENTATIONS = range(1, 9)
UNTURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera held that way stores the scene: the inverse of what a viewer does."""


def scene(size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A smooth RGB image without any symmetry."""
    ramp = Image.linear_gradient("L").resize(size)
    side = Image.linear_gradient("L").rotate(90).resize(size)
    spot = Image.radial_gradient("L").resize((size[0] // 2, size[1] // 2))
    image = Image.merge("RGB", (ramp, side, ImageChops.invert(ramp)))
    image.paste(Image.merge("RGB", (spot, spot, ramp.resize(spot.size))), (0, 0))
    return image


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def exif(orientation: int) -> Image.Exif:
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes[0x010F] = "A camera maker"
    return notes


def stored(orientation: int, format: str, **options: Any) -> bytes:
    """The scene as a camera held in this orientation stores it."""
    image = scene()
    if orientation in UNTURN:
        image = image.transpose(UNTURN[orientation])
    return encoded(image, format, exif=exif(orientation), **options)


def decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def sent(image: Any, policy: ImagePolicy = POLICY) -> tuple[PreparedImage, Image.Image]:
    """What is prepared, and the image a server would decode from it."""
    prepared = prepare(image, policy)
    image = decoded(prepared.data)
    assert image.size == prepared.info.sent_size == prepared.info.size
    assert len(prepared.data) == prepared.info.sent_bytes
    assert Image.MIME[str(image.format)] == prepared.info.media_type
    return prepared, image


def difference(first: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two images' channels, 0 to 255; they must have one size."""
    assert first.size == other.size
    bands = ImageStat.Stat(ImageChops.difference(first.convert("RGB"), other.convert("RGB"))).mean
    return sum(bands) / len(bands)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, *, depth: int = 8, color: int = 0, pixels: bytes = b"") -> bytes:
    """A PNG put together by hand."""
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(pixels)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body

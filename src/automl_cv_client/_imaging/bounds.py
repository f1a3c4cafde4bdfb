"""Refuses, before it is decoded, what would take a decoder seconds or gigabytes.

Pillow cannot be interrupted, and some kilobytes can keep it busy for minutes: hundreds of scans over all pixels, a
tile a thousand times as large as the image, codes that are read one by one in Python. Each format has its own
way, so each has its own bound, read off the header. They are chosen so that an image of up to 5 MB takes a decoder
no longer than about 2 seconds, and no more than about 8 times the memory of its pixels; ordinary files come nowhere
near.
"""

from __future__ import annotations

import re
import struct

from automl_cv_client._imaging import tiff_header
from automl_cv_client._imaging.inputs import check_pixels, refusal
from automl_cv_client._imaging.jpeg_header import MOST_SEGMENTS, BrokenJpeg, segments
from automl_cv_client._imaging.png_header import PNG_SIGNATURE, for_decoding
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._text import bytes_in_words

_MOST_RUN_LENGTH_BYTES = 2_000_000
_MOST_RUN_LENGTH_PIXELS = 16_000_000
"""Pillow unpacks run-length BMPs in Python: 0.3 µs a code, and 60 ns for each pixel up to the end of a row."""

_MOST_QOI_BYTES = 2_000_000
"""As many codes, 0.6 µs each, in Python too."""

_ORDINARY_SCANS = 20
_MOST_SCANNED_PIXELS = 2_000_000_000
"""A scan of a progressive JPEG goes over all pixels, at about 0.7 ns each, though it may hold nothing."""

_MOST_BLOCKS = 100_000
_MOST_VALUES = 1_000
_SMALL_TILE = 4_000_000
"""libtiff takes the memory of a whole tile; pixels of one that is never too large."""

_JPEG2000_SAMPLES = 80_000_000
_JPEG2000_SAMPLES_PER_BYTE = 10
"""14 ns each; an image that has more for its bytes is empty."""
_SMALLEST_TILE = _SMALLEST_CODE_BLOCK = 1_024

_DIB_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_RUN_LENGTH = (1, 2)
_JP2_SIZE = b"\xff\x4f\xff\x51"
_PLAIN_PPM = (b"P1", b"P2", b"P3")
_MOST_COMMENTS = 100_000
_PPM_COMMENT = re.compile(rb"#[^\r\n]*[\r\n]?")
_PPM_HEADER = re.compile(rb"P[4-6](?:\s|#[^\r\n]*[\r\n])+\d+(?:\s|#[^\r\n]*[\r\n])+\d+(?:(?:\s|#[^\r\n]*[\r\n])+\d+)?")


def check_costs(data: bytes, image: object, policy: ImagePolicy) -> None:
    """Raises ImageError when decoding would take too long or too much memory.

    Args:
        data: the encoded image.
        image: the caller's image, for messages.
        policy: holds the pixel limit.
    """
    if data.startswith(b"\xff\xd8"):
        _check_jpeg(data, image, policy)
    elif data.startswith(tiff_header.SIGNATURES):
        _check_tiff(data, image)
    elif data[:2] in _PLAIN_PPM and data.count(b"#") > _MOST_COMMENTS:
        raise _too_costly(image, f"a PPM of more than {_MOST_COMMENTS:,} comments")
    elif data.startswith(b"BM"):
        _check_dib(data[14:], image)
    elif data.startswith(b"qoif"):
        if len(data) > _MOST_QOI_BYTES:
            raise _too_costly(image, f"a QOI file of more than {bytes_in_words(_MOST_QOI_BYTES)}")
    elif data.startswith(_JP2_SIZE) or data[4:8] == b"jP  ":
        _check_jpeg2000(data, image, policy)
    elif data.startswith(b"\0\0\1\0"):
        _check_icon(data, image, policy)
    elif data[:4] in [struct.pack("<I", size) for size in _DIB_HEADERS]:
        _check_dib(data, image)


def as_decoders_need_it(data: bytes) -> bytes:
    """The same image without what takes a decoder long and holds no pixel: a PNG's notes, a PPM's comments."""
    if data.startswith(PNG_SIGNATURE):
        return for_decoding(data)
    if data[:2] in _PLAIN_PPM:
        return _PPM_COMMENT.sub(b"\n", data) if b"#" in data else data
    header = _PPM_HEADER.match(data)
    if header is not None and b"#" in header[0]:
        return _PPM_COMMENT.sub(b"\n", header[0]) + data[header.end() :]
    return data


def _too_costly(image: object, what: str) -> Exception:
    return refusal(image, f"{what} takes too long or too much memory to decode: save the image as PNG or JPEG")


def _check_dib(header: bytes, image: object) -> None:
    """By the BITMAPINFOHEADER, with or without a BMP file's first 14 bytes."""
    if len(header) < 20 or header[0] < 40:
        return
    width, height, _, _, compression = struct.unpack_from("<iiHHI", header, 4)
    if compression in _RUN_LENGTH and (
        len(header) > _MOST_RUN_LENGTH_BYTES or abs(width * height) > _MOST_RUN_LENGTH_PIXELS
    ):
        raise _too_costly(image, "a run-length BMP this large")


def _check_jpeg(data: bytes, image: object, policy: ImagePolicy) -> None:
    count = scans = pixels = 0
    in_pixels = False
    try:
        for marker, start, end in segments(data):
            count += 1
            if count > MOST_SEGMENTS:
                raise _too_costly(image, f"a JPEG of more than {MOST_SEGMENTS:,} segments")
            if 0xC0 <= marker <= 0xC3 and end >= start + 9:
                height, width = struct.unpack_from(">HH", data, start + 5)
                pixels = width * height
            scans += marker == 0xDA
    except BrokenJpeg as broken:
        in_pixels = broken.in_pixels
        scans, pixels = data.count(b"\xff\xda"), pixels or policy.max_pixels  # Pillow looks for what follows
    if in_pixels:
        raise refusal(image, "the image is damaged: its JPEG data break off in the middle")
    if scans > _ORDINARY_SCANS and scans * pixels > _MOST_SCANNED_PIXELS:
        raise _too_costly(image, "a progressive JPEG of so many scans")


def _check_tiff(data: bytes, image: object) -> None:
    directory = tiff_header.Directory(data)
    blocks = max(directory.count(tiff_header.STRIPS), directory.count(tiff_header.TILES), 1)
    if blocks > _MOST_BLOCKS:
        raise _too_costly(image, f"a TIFF of more than {_MOST_BLOCKS:,} strips or tiles")
    for tag in (tiff_header.X_RESOLUTION, tiff_header.Y_RESOLUTION, tiff_header.SAMPLE_FORMAT):
        if directory.count(tag) > _MOST_VALUES:
            raise refusal(image, "the image is damaged: a field of its TIFF header has too many values")
    sides = (tiff_header.WIDTH, tiff_header.HEIGHT, tiff_header.TILE_WIDTH, tiff_header.TILE_HEIGHT)
    width, height, tile_width, tile_height = (sum(directory.integers(tag)[:1]) for tag in sides)
    block = tile_width * tile_height or width * height
    if block > max(_SMALL_TILE, 4 * width * height):
        raise _too_costly(image, "a TIFF whose tiles are much larger than the image")
    if any(compression in (6, 7) for compression in directory.integers(tiff_header.COMPRESSION)):
        scans = data.count(b"\xff\xda") - 4 * blocks
        if scans > _ORDINARY_SCANS and scans * block > _MOST_SCANNED_PIXELS:
            raise _too_costly(image, "a TIFF of JPEG data with so many scans")


def _check_jpeg2000(data: bytes, image: object, policy: ImagePolicy) -> None:
    """By the segments SIZ and COD of the codestream (ISO/IEC 15444-1, A.5.1 and A.6.1)."""
    start = data.find(_JP2_SIZE)
    if start < 0 or len(data) < start + 44:
        return  # which Pillow refuses
    numbers = struct.unpack_from(">IIIIIIIIH", data, start + 8)
    right, bottom, left, top, tile_width, tile_height, tiles_left, tiles_top, components = numbers
    width, height = right - left, bottom - top
    if width < 1 or height < 1:
        return
    check_pixels((width, height), policy, image)
    samples = width * height * components
    if samples > _JPEG2000_SAMPLES + _JPEG2000_SAMPLES_PER_BYTE * len(data):
        raise _too_costly(image, f"a JPEG 2000 of {width:,} × {height:,} pixels in {bytes_in_words(len(data))}")
    if not tile_width or not tile_height:
        return
    tiles = -(-(right - tiles_left) // tile_width) * -(-(bottom - tiles_top) // tile_height)
    if tiles > 100 + width * height // _SMALLEST_TILE:
        raise _too_costly(image, "a JPEG 2000 of so many tiles")
    style = data.find(b"\xff\x52", start)
    if style >= 0 and len(data) > style + 11:
        code_block = 1 << (data[style + 10] & 15) + (data[style + 11] & 15) + 4
        if code_block < 256 and samples > 4_000_000:
            raise _too_costly(image, "a JPEG 2000 of so many code-blocks")


def _check_icon(data: bytes, image: object, policy: ImagePolicy) -> None:
    """The images in an icon, whose own sizes Pillow learns as it decodes the one it takes."""
    count = struct.unpack_from("<H", data, 4)[0] if len(data) > 6 else 0
    for entry in range(6, min(6 + 16 * count, len(data) - 15), 16):
        start = struct.unpack_from("<I", data, entry + 12)[0]
        inside = data[start : start + 32]
        if inside.startswith(PNG_SIGNATURE) and len(inside) > 24:
            check_pixels(struct.unpack_from(">II", inside, 16), policy, image)
        elif len(inside) > 20 and inside[0] >= 12:
            width, height = struct.unpack_from("<ii", inside, 4)
            check_pixels((max(abs(width), 1), max(abs(height) // 2, 1)), policy, image)
            _check_dib(data[start:], image)

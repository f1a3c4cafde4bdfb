"""A file cut short is refused wherever it was cut, also where Pillow is content with what is there."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from automl_cv_client._imaging import open_upright, prepare
from automl_cv_client._imaging.header_reader import read_header
from automl_cv_client.errors import ImageError
from tests.imaging.images import AVIF, POLICY, difference, encoded, exif, scene, sent

pytestmark = pytest.mark.bar(10)

WHOLE: dict[str, bytes] = {
    "JPEG": encoded(scene(), "JPEG"),
    "progressive JPEG": encoded(scene(), "JPEG", progressive=True),
    "JPEG to turn": encoded(scene(), "JPEG", exif=exif(6)),
    "CMYK JPEG": encoded(scene().convert("CMYK"), "JPEG"),
    "PNG": encoded(scene(), "PNG"),
    "16-bit PNG": encoded(scene().convert("I;16"), "PNG"),
    "GIF": encoded(scene(), "GIF"),
    "GIF of two frames": encoded(scene(), "GIF", save_all=True, append_images=[scene().rotate(90)]),
    "BMP": encoded(scene(), "BMP"),
    "TIFF": encoded(scene(), "TIFF"),
    "TIFF, LZW": encoded(scene(), "TIFF", compression="tiff_lzw", icc_profile=b"profile" * 40),
    "TIFF, deflate": encoded(scene(), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, JPEG": encoded(scene(), "TIFF", compression="jpeg"),
    "TIFF, packbits": encoded(scene(), "TIFF", compression="packbits"),
    "BigTIFF": encoded(scene(), "TIFF", big_tiff=True, exif=exif(3)),
    "WebP": encoded(scene(), "WEBP"),
    "lossless WebP": encoded(scene(), "WEBP", lossless=True),
    "animated WebP": encoded(scene(), "WEBP", save_all=True, append_images=[scene().rotate(90)]),
    **{format: encoded(scene(), format) for format in AVIF},
    "JPEG 2000": encoded(scene(), "JPEG2000"),
    "PPM": encoded(scene(), "PPM"),
}


def _cuts(length: int) -> list[int]:
    """Bytes left: the very start, steps through the file, and every one of the last 24."""
    return sorted({1, 2, 3, 8, 20, *range(0, length, max(1, length // 40)), *range(length - 24, length)})


@pytest.mark.parametrize("name", WHOLE)
def test_every_cut_is_refused(name):
    data = WHOLE[name]
    prepare(data, POLICY)
    end = len(data) - (12 if name in ("PNG", "16-bit PNG") else 0)  # a PNG without its last chunk lacks no pixel
    for left in (left for left in _cuts(len(data)) if left < end):
        with pytest.raises(ImageError):
            prepare(data[:left], POLICY)
    with pytest.raises(ImageError, match=r"truncated|damaged|not an image"):
        open_upright(data[: len(data) // 2], POLICY)


@pytest.mark.parametrize("name", ["JPEG", "progressive JPEG", "PNG", "GIF", "BMP", "TIFF", "TIFF, JPEG"])
def test_the_reason_is_plain(name):
    with pytest.raises(ImageError, match="the image is truncated: its data end too early"):
        prepare(WHOLE[name][: len(WHOLE[name]) * 4 // 5], POLICY)


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_image():
    thumbnail = encoded(scene((16, 12)), "JPEG")
    notes = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + thumbnail
    data = encoded(scene(), "JPEG", exif=notes)
    assert read_header(data) is not None
    assert sent(data)[0].data == data
    for left in (len(data) - 1, len(data) - 40, data.rindex(b"\xff\xda") + 20, data.rindex(b"\xff\xda") - 5):
        cut = data[:left]
        assert b"\xff\xd9" in cut
        assert read_header(cut) is None
        with pytest.raises(ImageError):
            prepare(cut, POLICY)


def test_an_end_marker_inside_a_table_of_a_progressive_image_is_not_the_end():
    data = encoded(scene(), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    comment = b"\xff\xfe\0\x06\xff\xd9\xff\xd9"
    assert read_header(data[:scan] + comment + data[scan:]) is not None
    assert read_header(data[:scan] + comment + data[scan:-2]) is None


def test_a_png_with_a_changed_byte_is_refused():
    """Pillow decodes many of these into wrong pixels without a word."""
    whole = encoded(scene(), "PNG")
    start = whole.index(b"IDAT") + 4
    for where in range(start, whole.index(b"IEND") - 4, 7):
        data = bytearray(whole)
        data[where] ^= 0x21
        assert read_header(bytes(data)) is None
        with pytest.raises(ImageError, match="a checksum of its PNG data is wrong"):
            prepare(bytes(data), POLICY)


def test_a_damaged_png_opened_by_the_caller_is_refused():
    """Asking Pillow for the orientation decodes a PNG; an error on the way must not be taken for "no orientation"."""
    data = bytearray(encoded(scene(), "PNG"))
    data[data.index(b"IDAT") + 30] ^= 0x55
    with Image.open(io.BytesIO(data)) as opened:
        with pytest.raises(ImageError, match="damaged"):
            prepare(opened, POLICY)
        with pytest.raises(ImageError, match="failed before"):
            prepare(opened, POLICY)
    with Image.open(io.BytesIO(encoded(scene(), "PNG")[:-60])) as opened, pytest.raises(ImageError, match="truncated"):
        prepare(opened, POLICY)


def _bytes_swapped(order: str) -> dict[str, Any]:
    return {"tiffinfo": {}, "big_tiff": order == ">"}


@pytest.mark.parametrize("order", ["<", ">"])
def test_whole_tiffs_of_either_kind_pass(order):
    data = encoded(scene(), "TIFF", **_bytes_swapped(order))
    assert difference(sent(data)[1], scene()) == 0


@pytest.mark.parametrize("missing", range(1, 13))
def test_a_png_without_its_last_chunk_is_read_and_sent_with_one(missing):
    whole = encoded(scene())
    prepared, result = sent(whole[:-missing])
    assert prepared.data == whole
    assert prepared.info.changes == ("the missing end of the PNG added",)
    assert difference(result, scene()) == 0
    assert open_upright(whole[:-missing], POLICY).size == scene().size


def test_a_png_cut_between_two_chunks_of_pixels_is_refused():
    noise = Image.effect_noise((300, 300), 90)
    whole = encoded(noise)
    chunks_of_pixels = [at for at in range(len(whole)) if whole.startswith(b"IDAT", at)]
    assert len(chunks_of_pixels) > 1
    with pytest.raises(ImageError, match="truncated"):
        prepare(whole[: chunks_of_pixels[-1] - 4], POLICY)

"""What every server model reads alike is sent byte for byte; the rest is rewritten, and says so."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from automl_cv_client._imaging import ImagePolicy, prepare, prepare_lightly
from automl_cv_client._imaging.header_reader import read_header
from automl_cv_client.errors import ImageError
from tests.conftest import PHOTOS
from tests.imaging.images import AVIF, POLICY, difference, encoded, exif, png_chunk, scene, sent

LIGHT: dict[str, Image.Image] = {
    "1": scene().convert("1"),
    "L": scene().convert("L"),
    "LA": scene().convert("LA"),
    "P": scene().quantize(32),
    "RGB": scene(),
    "RGBA": scene().convert("RGBA"),
}
KEPT: list[tuple[str, str, dict[str, Any]]] = [
    ("JPEG", "L", {}),
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "RGB", {"subsampling": "4:4:4", "optimize": True, "restart_marker_rows": 1}),
    ("JPEG", "RGB", {"keep_rgb": True}),
    ("JPEG", "RGB", {"comment": b"\xff\xd9 not the end", "icc_profile": b"profile" * 30}),
    *(("PNG", mode, {}) for mode in LIGHT),
    ("PNG", "P", {"bits": 4}),
    ("PNG", "P", {"transparency": 3}),
    *(("BMP", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")),
    *(("TIFF", mode, {}) for mode in LIGHT),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"big_tiff": True}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}),
]


@pytest.mark.parametrize(("format", "mode", "options"), KEPT, ids=str)
def test_sent_untouched(format, mode, options):
    data = encoded(LIGHT[mode], format, **options)
    prepared, image = sent(data)
    assert prepared.data == data
    assert prepared.info.changes == ()
    assert prepared.info.raw_size == prepared.info.size == image.size == (48, 32)


@pytest.mark.parametrize(("format", "mode", "options"), [k for k in KEPT if k[0] in ("JPEG", "PNG")], ids=str)
def test_ordinary_jpeg_and_png_need_no_decoding(format, mode, options):
    header = read_header(encoded(LIGHT[mode], format, **options))
    assert header is not None
    assert (header.size, header.orientation) == ((48, 32), 1)


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg"])
def test_photographs_are_sent_untouched(name):
    prepared, _ = sent(PHOTOS / name)
    assert prepared.data == (PHOTOS / name).read_bytes()


@pytest.mark.parametrize("junk", [b"\0", b"trailing junk \xff\xd9 and more", b"\xff\xd8\xff\xe0" + bytes(99)])
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_junk_after_the_end_is_no_matter(format, junk):
    data = encoded(scene(), format) + junk
    assert read_header(data) is not None
    assert sent(data)[0].data == data


def test_a_phone_image_with_a_second_one_inside():
    data = encoded(scene(), "MPO", save_all=True, append_images=[scene().rotate(180)])
    prepared = prepare(data, POLICY)
    assert prepared.data == data
    assert prepared.info.media_type == "image/jpeg"


CHANGED: list[tuple[str, Image.Image, dict[str, Any], str]] = [
    ("GIF", LIGHT["P"], {}, "GIF rewritten as PNG"),
    ("PPM", scene(), {}, "PPM rewritten as PNG"),
    ("TGA", scene(), {}, "TGA rewritten as PNG"),
    ("ICO", scene((32, 32)), {}, "ICO rewritten as PNG"),
    ("PCX", scene(), {}, "PCX rewritten as PNG"),
    ("SGI", scene(), {}, "SGI rewritten as PNG"),
    ("DIB", scene(), {}, "DIB rewritten as PNG"),
]


@pytest.mark.parametrize(
    ("format", "image", "options", "change"), CHANGED, ids=lambda v: v if isinstance(v, str) else ""
)
def test_other_formats_become_png(format, image, options, change):
    prepared, result = sent(encoded(image, format, **options))
    assert prepared.info.changes == (change,)
    assert prepared.info.media_type == "image/png"
    assert difference(result, image) == 0


@pytest.mark.parametrize(("format", "options"), [*((format, {"quality": 95}) for format in AVIF), ("JPEG2000", {})])
def test_modern_formats_become_png(format, options):
    prepared, result = sent(encoded(scene(), format, **options))
    assert prepared.info.changes == (f"{format} rewritten as PNG",)
    assert difference(result, scene()) < 4


@pytest.mark.parametrize("format", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_is_sent(format):
    first, second = scene().quantize(32), scene().rotate(180).quantize(32)
    options = {"lossless": True} if format == "WEBP" else {}
    prepared, result = sent(encoded(first, format, save_all=True, append_images=[second], **options))
    assert prepared.info.changes[0] == "first of 2 frames"
    assert prepared.info.media_type == "image/png"
    assert difference(result, first) == 0
    assert getattr(result, "n_frames", 1) == 1


def test_cmyk_jpegs_become_rgb_jpegs():
    cmyk = scene().convert("CMYK")
    prepared, result = sent(encoded(cmyk, "JPEG", quality=95))
    assert prepared.info.changes == ("CMYK converted to RGB",)
    assert (result.format, result.mode) == ("JPEG", "RGB")
    assert difference(result, cmyk) < 4


def test_sixteen_bit_color_is_reduced():
    wide = b"".join(b"\0" + bytes((x, 0xFF, y, 0x80, 200, 1)) * 1 for y in range(3) for x in (9,))
    head = b"\0\0\0\1\0\0\0\3\x10\2\0\0\0"
    import zlib

    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(wide)) + png_chunk(b"IEND", b"")
    prepared, result = sent(b"\x89PNG\r\n\x1a\n" + body)
    assert prepared.info.changes == ("16-bit color reduced to 8 bits",)
    assert result.mode == "RGB"
    assert result.getpixel((0, 2)) == (9, 2, 200)


def test_a_png_with_a_wrong_sum_in_its_notes_is_written_anew():
    data = encoded(scene())
    prepared, result = sent(data[:-12] + b"\0\0\0\x03tEXta\0bsum!" + data[-12:])
    assert prepared.info.changes == ("wrong checksums of the PNG's notes: written anew",)
    assert difference(result, scene()) == 0


def test_text_chunks_that_may_hold_an_orientation_are_left_to_pillow():
    for keyword in ("Raw profile type exif", "exif", "xmp"):
        notes = PngImagePlugin.PngInfo()
        notes.add_text(keyword, "anything")
        data = encoded(scene(), pnginfo=notes)
        assert read_header(data) is None
        assert sent(data)[0].data == data
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "tiff:Orientation")
    assert read_header(encoded(scene(), pnginfo=notes)) is not None


@pytest.mark.parametrize(("format", "mode", "options"), KEPT, ids=str)
def test_the_light_way_is_the_same(format, mode, options):
    data = encoded(LIGHT[mode], format, **options)
    assert prepare_lightly(data, POLICY) in (None, prepare(data, POLICY))
    if format == "JPEG":
        assert prepare_lightly(data, POLICY) is not None


def test_what_needs_work_does_not_go_the_light_way(tmp_path):
    data = encoded(scene(), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    assert prepare_lightly(tmp_path / "a.jpg", POLICY) is None  # a file is to be read
    assert prepare_lightly(encoded(scene(), "JPEG", exif=exif(6)), POLICY) is None  # to be turned
    assert prepare_lightly(data + b"\0" * 300_000, POLICY) is None  # large
    assert prepare_lightly(data, ImagePolicy(longest_side=16)) is None  # to be made smaller
    assert prepare_lightly(b"no image", POLICY) is None  # prepare() says what is wrong with it
    with pytest.raises(ImageError, match="pixels"):
        prepare_lightly(data, ImagePolicy(max_pixels=10))

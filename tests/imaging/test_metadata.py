"""Positions and notes never leave with an image that is written anew, and can be taken out of one that is not."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageChops, PngImagePlugin

from automl_cv_client._imaging import ImagePolicy, prepare
from automl_cv_client._imaging.header_reader import read_header
from automl_cv_client._imaging.metadata import without_metadata
from tests.imaging.images import encoded, png_chunk, scene

CANARY = b"canary-51.5007N"
STRIP = ImagePolicy(strip_metadata=True)


def notes(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825)[29] = CANARY.decode()  # GPSDateStamp
    return exif


def jpeg(**options: Any) -> bytes:
    return encoded(scene(), "JPEG", **{"exif": notes(), "comment": CANARY, "xmp": b"<x>" + CANARY, **options})


def png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", CANARY.decode())
    text.add_itxt("Title", CANARY.decode())
    text.add_text("Packed", CANARY.decode() * 9, zip=True)
    return encoded(scene().quantize(64), "PNG", exif=notes(), pnginfo=text, transparency=3, dpi=(90, 90))


def twice() -> bytes:
    """As some phones do: a second image after the end of the first."""
    return encoded(scene(), "MPO", save_all=True, append_images=[scene().rotate(180)], exif=notes())


PLAIN = {
    "JPEG": jpeg(),
    "progressive": jpeg(progressive=True, quality=70),
    "restarts": jpeg(restart_marker_rows=1),
    "profile": jpeg(icc_profile=b"profile" * 99),
    "grey": encoded(scene().convert("L"), "JPEG", exif=notes()),
    "trailer": jpeg() + CANARY,
    "two images": twice(),
    "PNG": png(),
}


@pytest.mark.parametrize("name", PLAIN)
def test_notes_are_taken_out_without_touching_a_pixel(name):
    data = PLAIN[name]
    assert CANARY in data
    prepared = prepare(data, STRIP)
    assert CANARY not in prepared.data
    assert prepared.info.changes == ("metadata removed",)
    before, after = (Image.open(io.BytesIO(data_of)) for data_of in (data, prepared.data))
    assert ImageChops.difference(before.convert("RGBA"), after.convert("RGBA")).getbbox() is None
    assert before.info.get("icc_profile") == after.info.get("icc_profile")
    assert before.info.get("transparency") == after.info.get("transparency")
    assert not after.getexif()
    assert read_header(prepared.data) is not None
    assert without_metadata(prepared.data) is prepared.data


def test_adobes_colors_stay():
    data = encoded(scene(), "JPEG", keep_rgb=True, exif=notes())
    after = prepare(data, STRIP).data
    assert (
        Image.open(io.BytesIO(after)).convert("RGB").tobytes() == Image.open(io.BytesIO(data)).convert("RGB").tobytes()
    )


def test_by_default_a_file_is_sent_as_it_is():
    assert prepare(jpeg(), ImagePolicy()).data == jpeg()


def test_nothing_to_take_out_is_no_change():
    data = encoded(scene(), "PNG")
    prepared = prepare(data, STRIP)
    assert prepared.data == data
    assert prepared.info.changes == ()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("policy", [ImagePolicy(longest_side=30), STRIP], ids=str)
def test_what_is_written_anew_carries_none(format, policy):
    data = encoded(scene(), format, exif=notes(6 if format == "JPEG" else 1))
    prepared = prepare(data, policy)
    assert CANARY not in prepared.data
    assert not Image.open(io.BytesIO(prepared.data)).getexif().get_ifd(0x8825)


def test_unknown_chunks_go_too():
    data = encoded(scene(), "PNG")
    with_more = data[:33] + png_chunk(b"gpSx", CANARY) + data[33:]
    assert prepare(with_more, STRIP).data == data

"""Damaged files of any kind either succeed or raise ImageError, never anything else."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client._imaging import ImagePolicy, prepare
from automl_cv_client._imaging.header_reader import read_header
from automl_cv_client.errors import ImageError
from tests.imaging.images import AVIF, decoded, encoded, exif, scene

SMALL = ImagePolicy(max_pixels=1_000_000)
SOURCES = [
    encoded(scene(), "JPEG"),
    encoded(scene(), "JPEG", exif=exif(6), progressive=True),
    encoded(scene().convert("CMYK"), "JPEG"),
    encoded(scene(), "MPO", save_all=True, append_images=[scene()]),
    encoded(scene(), "PNG", exif=exif(5)),
    encoded(scene().quantize(16), "PNG"),
    encoded(scene().convert("I;16"), "PNG"),
    encoded(scene(), "GIF", save_all=True, append_images=[scene().rotate(90)]),
    encoded(scene(), "BMP"),
    encoded(scene(), "TIFF", exif=exif(8)),
    encoded(scene(), "WEBP", exif=exif(3)),
    *(encoded(scene(), format) for format in AVIF),
    encoded(scene(), "JPEG2000"),
    encoded(scene(), "ICO"),
    encoded(scene(), "TGA"),
    b"data:image/png;base64,",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 6))):
        reach = min(len(data), 700) if draw(st.booleans()) else len(data)
        where = draw(st.integers(0, max(0, reach - 1)))
        match draw(st.sampled_from("obdi")):
            case "o" | "b":
                data[where : where + 1] = bytes([draw(st.sampled_from([0, 255, 0xD8, 0xD9]) | st.integers(0, 255))])
            case "d":
                del data[where : where + draw(st.integers(1, 60))]
            case _:
                data[where:where] = draw(st.binary(max_size=20))
    return bytes(data)


def _only_image_errors(data: bytes) -> None:
    refused: ImageError | None = None
    try:
        prepared = prepare(data, SMALL)
    except ImageError as error:
        refused = error
    if refused is not None:
        assert len(str(refused)) < 600
        assert refused.__context__ is None
        return
    header = read_header(data)
    if prepared.info.changes:
        assert decoded(prepared.data).size == prepared.info.sent_size
        assert header is None or header.orientation != 1
    else:
        assert prepared.data == data


@given(damaged())
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
def test_damaged_files(data):
    _only_image_errors(data)


@given(damaged() | st.binary(max_size=400))
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_many_damaged_files(data):
    _only_image_errors(data)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"RIFF"]),
)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_rubbish_behind_a_signature(rubbish, signature):
    _only_image_errors(signature + rubbish)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["L", "RGB", "P", "1", "RGBA", "LA"]),
    st.integers(1, 100),
    st.booleans(),
    st.sampled_from([0, 1, 2]),
)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_what_the_headers_accept_pillow_decodes(width, height, mode, quality, progressive, subsampling):
    image = scene((64, 64)).resize((width, height)).convert(mode)
    files = [encoded(image, "PNG")]
    if mode in ("L", "RGB"):
        files.append(encoded(image, "JPEG", quality=quality, progressive=progressive, subsampling=subsampling))
    for data in files:
        header = read_header(data)
        assert header is not None
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            assert opened.size == header.size

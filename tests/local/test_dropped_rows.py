"""Images the endpoint cannot read disappear from its reply (contract, §3), and it ignores EXIF (§4)."""

from __future__ import annotations

import base64
import io
import json
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from automl_cv_client.local.images import read_image
from tests.local.conftest import CLASSIFICATION, Caller, encode, scoring, to_bytes


def urlsafe(image: bytes) -> str:
    return base64.urlsafe_b64encode(image).decode()


LOST: dict[str, Callable[[bytes], str]] = {
    "no image": lambda cat: encode(b"no image at all"),
    "nothing": lambda cat: "",
    "truncated": lambda cat: encode(cat[: len(cat) // 2]),
    "URL-safe base64": urlsafe,
    "a data URI": lambda cat: "data:image/jpeg;base64," + encode(cat),
    "a PNG data URI": lambda cat: "data:image/png;base64," + encode(cat),
    "a URL": lambda cat: "https://example.com/cat.jpg",
    "an explainability row": lambda cat: json.dumps({"image_base64": encode(cat)}),
    "one character": lambda cat: "A",
    "non-ASCII": lambda cat: "é" + encode(cat),
}


@pytest.mark.parametrize("form", LOST)
def test_a_row_is_dropped_without_a_word(caller: Caller, cat: bytes, form: str):
    assert urlsafe(cat) != encode(cat)
    reply = caller.post(scoring(encode(cat), LOST[form](cat)))
    assert reply.status_code == 200
    assert len(reply.json()) == 1


def test_all_corrupt_is_an_empty_list(caller: Caller):
    reply = caller.post(scoring("AAAA", encode(b"x")))
    assert (reply.status_code, reply.json()) == (200, [])


def test_exif_orientation_is_ignored(caller: Caller, cat: bytes):
    with Image.open(io.BytesIO(cat)) as image:
        upside_down = image.transpose(Image.Transpose.ROTATE_180)
    exif = Image.Exif()
    exif[0x0112] = 3  # "turn me round"
    with_tag = to_bytes(upside_down, "JPEG", exif=exif)
    without = to_bytes(upside_down, "JPEG")
    first, second = caller.post(scoring(encode(with_tag), encode(without)), CLASSIFICATION).json()
    assert first == second


MODES = {
    "JPEG": ["RGB", "L", "CMYK"],
    "PNG": ["RGB", "L", "P", "1", "LA", "RGBA"],
    "BMP": ["RGB", "L", "P", "1"],
    "TIFF": ["RGB", "L", "P", "1", "LA", "RGBA", "CMYK"],
    "WEBP": ["RGB", "RGBA"],
    "GIF": ["RGB", "L", "P", "1"],
}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_formats_and_modes(kind: str, mode: str):
    encoded = to_bytes(Image.new("RGB", (20, 10), "white").convert(mode), kind)
    read = read_image(encode(encoded))
    assert read is not None
    assert (read.mode, read.size, read.getpixel((3, 3))) == ("RGB", (20, 10), (255, 255, 255))


def test_16_bit_grey_saturates():
    grey = np.array([[0, 100, 255, 256, 40_000]], dtype=np.uint16)
    read = read_image(encode(to_bytes(Image.fromarray(grey), "PNG")))
    assert read is not None
    assert np.asarray(read)[0, :, 0].tolist() == [0, 100, 255, 255, 255]


def test_a_palette_with_transparency_warns_nobody():
    image = Image.new("P", (4, 4))
    encoded = to_bytes(image, "PNG", transparency=bytes([0, 128]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(encode(encoded)) is not None


def test_formats_the_service_does_not_read_are_not_reachable():
    assert read_image(encode(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")) is None

"""Images the endpoint cannot read disappear from its reply (contract, §3), and it ignores EXIF (§4)."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from automl_cv_client.local.images import read_image
from tests.local.conftest import CLASSIFICATION, Caller, encode, scoring, to_bytes


def urlsafe(image: bytes) -> str:
    """In the other alphabet, whose two letters are skipped; padded until the length is possible without them."""
    encoded = base64.urlsafe_b64encode(image).decode()
    return encoded + "-_" * 2 + "A" * (sum(map(encoded.count, "-_")) % 4)


LOST: dict[str, Callable[[bytes], str]] = {
    "truncated": lambda cat: encode(cat[: len(cat) // 2]),
    "URL-safe base64": urlsafe,
    "a data URI": lambda cat: "data:image/jpeg;base64," + encode(cat),
}


@pytest.mark.parametrize("form", LOST)
def test_a_photograph_is_dropped_without_a_word(caller: Caller, cat: bytes, form: str):
    reply = caller.post(scoring(encode(cat), LOST[form](cat)))
    assert reply.status_code == 200
    assert len(reply.json()) == 1


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
    read = read_image(encoded)
    assert read is not None
    assert (read.mode, read.size, read.getpixel((3, 3))) == ("RGB", (20, 10), (255, 255, 255))


def test_16_bit_grey_saturates():
    grey = np.array([[0, 100, 255, 256, 40_000]], dtype=np.uint16)
    read = read_image(to_bytes(Image.fromarray(grey), "PNG"))
    assert read is not None
    assert np.asarray(read)[0, :, 0].tolist() == [0, 100, 255, 255, 255]


def test_a_palette_with_transparency_warns_nobody():
    image = Image.new("P", (4, 4))
    encoded = to_bytes(image, "PNG", transparency=bytes([0, 128]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(encoded) is not None


def test_formats_the_service_does_not_read_are_not_reachable():
    assert read_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n") is None


def test_yolo_reads_images_as_opencv_does():
    """It obeys EXIF orientation, and cannot read GIF (§4)."""
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me a quarter to the right"
    encoded = to_bytes(Image.new("RGB", (20, 10), "white"), "JPEG", exif=exif)
    turned, plain = read_image(encoded, "opencv"), read_image(encoded)
    assert turned is not None
    assert plain is not None
    assert (turned.size, plain.size) == ((10, 20), (20, 10))
    assert read_image(to_bytes(Image.new("RGB", (20, 10), "white"), "GIF"), "opencv") is None

"""Every mode of Pillow becomes one that all server models read alike; grey is scaled, never cut off."""

from __future__ import annotations

import math
import struct

import numpy
import pytest
from PIL import Image

from automl_cv_client._imaging import open_upright, prepare
from automl_cv_client._imaging.pixels import PLAIN_MODES
from automl_cv_client.errors import ImageError
from tests.imaging.images import POLICY, difference, encoded, scene, sent


def _sixteen(mode: str) -> Image.Image:
    values = [0, 255, 256, 32768, 65535, 4660]
    order = ">" if mode == "I;16B" else "<"
    return Image.frombytes(mode, (3, 2), struct.pack(f"{order}6H", *values))


@pytest.mark.parametrize("mode", sorted(PLAIN_MODES))
def test_plain_modes_stay(mode):
    image = scene().convert(mode)
    prepared, result = sent(image)
    assert result.mode == mode
    assert result.tobytes() == image.tobytes()
    assert prepared.info.changes == ()


CONVERTED = {
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "LAB": "RGB",
    "HSV": "RGB",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "La": "LA",
    "PA": "RGBA",
}


@pytest.mark.parametrize("mode", CONVERTED)
def test_other_modes_are_converted(mode):
    source = scene()
    if mode == "La":
        image = source.convert("LA").convert("La")
    elif mode == "RGBa":
        image = source.convert("RGBA").convert("RGBa")
    elif mode == "LAB":
        image = Image.new("LAB", source.size, (50, 20, 20))
    elif mode == "PA":
        image = source.quantize(64).convert("PA")
    else:
        image = source.convert(mode)
    prepared, result = sent(image)
    assert result.mode == CONVERTED[mode]
    assert prepared.info.changes == (f"{mode} converted to {CONVERTED[mode]}",)
    if mode not in ("LAB", "PA", "La"):
        assert difference(result, source) < 3


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B"])
def test_sixteen_bit_grey_is_scaled(mode):
    prepared, result = sent(_sixteen(mode))
    assert list(result.tobytes()) == [0, 0, 1, 128, 255, 18]
    assert prepared.info.changes == ("16-bit grey scaled to 8 bits",)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_files_are_scaled(format):
    prepared, result = sent(encoded(_sixteen("I;16"), format))
    assert list(result.tobytes()) == [0, 0, 1, 128, 255, 18]
    assert prepared.info.changes == ("16-bit grey scaled to 8 bits",)
    assert prepared.info.media_type == "image/png"


GREY = [
    ("I", [0, 100, 255], [0, 100, 255], "as 0–255"),
    ("I", [0, 256, 65535], [0, 1, 255], "from 0–65535"),
    ("I", [-1000, 0, 1000], [0, 127, 255], "from -1000–1000"),
    ("F", [0.0, 0.5, 1.0], [0, 128, 255], "from 0–1"),
    ("F", [0.0, 100.4, 255.0], [0, 100, 255], "as 0–255"),
    ("F", [0.0, 32768.0, 65535.0], [0, 128, 255], "from 0–65535"),
    ("F", [-1.0, 0.0, 1.0], [0, 127, 255], "from -1–1"),
    ("F", [-5.0, -5.0, -5.0], [0, 0, 0], "from -5–-5"),
]


@pytest.mark.parametrize(("mode", "values", "expected", "how"), GREY)
def test_wide_grey_is_scaled_by_its_values(mode, values, expected, how):
    image = Image.new(mode, (3, 1))
    image.putdata(values)
    prepared, result = sent(image)
    assert list(result.tobytes()) == expected
    assert prepared.info.changes[0].endswith(f"scaled to 8 bits {how}")


def test_infinite_grey_is_refused():
    image = Image.fromarray(numpy.array([[0.0, math.inf]], numpy.float32))
    with pytest.raises(ImageError, match="not finite"):
        prepare(image, POLICY)


@pytest.mark.parametrize("mode", [*sorted(PLAIN_MODES), *CONVERTED, "I;16", "I;16B", "I", "F"])
def test_every_mode_can_be_drawn_on(mode):
    assert open_upright(Image.new(mode, (5, 4)), POLICY).mode == "RGB"


@pytest.mark.parametrize("transparency", [3, bytes(range(32))], ids=["index", "table"])
def test_palettes_with_transparency(transparency):
    image = scene().quantize(32)
    image.info["transparency"] = transparency
    prepared, result = sent(image)
    assert (result.mode, result.info["transparency"]) == ("P", transparency)
    assert prepared.info.changes == ()
    assert difference(open_upright(image, POLICY), image.convert("RGBA").convert("RGB")) == 0


def test_the_callers_image_is_not_changed():
    image = scene().quantize(32)
    image.info.update(comment="mine", transparency=3, icc_profile=b"profile")
    before = image.mode, image.size, image.tobytes(), dict(image.info)
    prepare(image, POLICY)
    open_upright(image, POLICY)
    assert (image.mode, image.size, image.tobytes(), dict(image.info)) == before

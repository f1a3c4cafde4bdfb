"""Grey of 10, 12 or 14 bits in 16 does not arrive black; what was done is told."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image

from automl_cv_client._imaging import ImagePolicy, prepare
from automl_cv_client.errors import InvalidInput
from tests.imaging.images import difference, encoded, scene, sent

GREY = numpy.asarray(scene().convert("L")).astype(numpy.uint16)
GREY = (GREY.astype(float) / GREY.max() * 255).astype(numpy.uint16)  # up to white
EXPECTED = Image.fromarray(GREY.astype(numpy.uint8))


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["array", "PIL", "PNG", "TIFF", "32-bit TIFF", "big-endian"])
def test_the_model_sees_the_same_image(bits, kind):
    values = (GREY << (bits - 8)) | (GREY >> (16 - bits))
    image: object = values
    if kind == "32-bit TIFF":
        image = encoded(Image.fromarray(values.astype(numpy.int32)), "TIFF")
    elif kind == "big-endian":
        image = Image.frombytes("I;16B", EXPECTED.size, values.astype(">u2").tobytes())
    elif kind != "array":
        image = Image.fromarray(values)
        image = encoded(image, kind) if kind != "PIL" else image
    prepared, result = sent(image)
    assert difference(result, EXPECTED) < 1
    (change,) = prepared.info.changes
    assert "scaled to 8 bits" in change
    assert bits == 16 or change.endswith(f"from 0–{(1 << bits) - 1}")


def test_eight_bits_in_sixteen_are_taken_as_they_are():
    prepared, result = sent(GREY)
    assert difference(result, EXPECTED) == 0
    assert prepared.info.changes == ("16-bit array scaled to 8 bits as 0–255",)


@pytest.mark.parametrize("kind", [numpy.uint16, numpy.int32])
def test_the_range_may_be_said(kind):
    values = numpy.array([[0, 100, 300, 500, 4000]], kind)
    image = values if kind is numpy.uint16 else Image.fromarray(values)
    prepared, result = sent(image, ImagePolicy(grey_range=(100, 500)))
    assert list(result.tobytes()) == [0, 0, 128, 255, 255]
    assert prepared.info.changes[0].endswith("scaled to 8 bits from 100–500")


@pytest.mark.parametrize("wrong", [(5, 5), (9, 1), (0, float("inf")), (0, float("nan"))])
def test_a_range_needs_two_ends(wrong):
    with pytest.raises(InvalidInput, match="grey_range"):
        ImagePolicy(grey_range=wrong)


def test_a_format_that_says_its_depth_is_taken_at_its_word():
    dark = b"P5\n2 1\n65535\n" + numpy.array([0, 4095], ">u2").tobytes()
    assert list(sent(dark)[1].tobytes()) == [0, 15]


def test_color_that_may_be_twelve_bits_in_sixteen_is_told():
    import struct
    import zlib

    from tests.imaging.images import png_chunk

    row = b"\0" + b"".join(struct.pack(">HHH", value, value, value) for value in (0, 4095))
    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(row)) + png_chunk(b"IEND", b"")
    prepared = prepare(b"\x89PNG\r\n\x1a\n" + body, ImagePolicy())
    assert "all values are below 4096" in prepared.info.changes[0]
    colors = numpy.full((2, 2, 3), 4095, numpy.uint16)
    assert set(sent(colors)[1].tobytes()) == {255}

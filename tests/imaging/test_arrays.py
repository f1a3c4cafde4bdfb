"""Arrays: shapes, dtypes, the order of colors, and hints for what cannot be meant."""

from __future__ import annotations

import numpy
import pytest

from automl_cv_client._imaging import ImagePolicy, open_upright, prepare
from automl_cv_client.errors import ImageError
from tests.imaging.images import POLICY, scene, sent

RGB = numpy.asarray(scene())
RGBA = numpy.asarray(scene().convert("RGBA"))
GREY = numpy.asarray(scene().convert("L"))


@pytest.mark.parametrize("array", [GREY, GREY[:, :, None], RGB, RGBA], ids=lambda a: str(a.shape))
def test_shapes(array):
    prepared, image = sent(array)
    assert (numpy.asarray(image) == array.squeeze()).all()
    assert prepared.info.size == (48, 32)
    assert prepared.info.source is None


@pytest.mark.parametrize(
    "array", [RGB[::-1, ::2], RGB.transpose(1, 0, 2), numpy.asfortranarray(RGB)], ids=["steps", "turned", "Fortran"]
)
def test_memory_layout_is_no_matter(array):
    _, image = sent(array)
    assert (numpy.asarray(image) == array).all()


def test_subclasses_and_read_only_arrays():
    masked = numpy.ma.MaskedArray(RGB)
    frozen = RGB.copy()
    frozen.flags.writeable = False
    for array in (masked, frozen):
        assert (numpy.asarray(sent(array)[1]) == RGB).all()


def test_bgr():
    policy = ImagePolicy(color="bgr")
    assert (numpy.asarray(sent(RGB[:, :, ::-1], policy)[1]) == RGB).all()
    assert (numpy.asarray(sent(RGBA[:, :, [2, 1, 0, 3]], policy)[1]) == RGBA).all()
    assert (numpy.asarray(sent(GREY, policy)[1]) == GREY).all()
    assert (numpy.asarray(open_upright(RGB[:, :, ::-1], policy)) == RGB).all()
    assert (numpy.asarray(sent(scene(), policy)[1]) == RGB).all(), "a PIL image knows its own order"


def test_bool_is_black_and_white():
    prepared, image = sent(GREY > 99)
    assert (numpy.asarray(image) == numpy.where(GREY > 99, 255, 0)).all()
    assert prepared.info.changes == ()


@pytest.mark.parametrize("order", ["<", ">"])
def test_uint16_is_scaled(order):
    wide = numpy.array([[0, 255, 256, 32768, 65535]], f"{order}u2")
    prepared, image = sent(wide)
    assert list(image.tobytes()) == [0, 0, 1, 128, 255]
    assert prepared.info.changes == ("16-bit array scaled to 8 bits",)


REFUSED = [
    (RGB / 255, r"float array in \[0,1\]\? multiply by 255 and convert to uint8"),
    (RGB.astype(numpy.float16), "float array"),
    (RGB.astype(numpy.int64), r"array.astype\('uint8'\)"),
    (RGB.astype(numpy.int8), "int8 has no clear meaning"),
    (RGB.astype(complex), "complex128 has no clear meaning"),
    (RGB.astype(object), "object has no clear meaning"),
    (RGB.transpose(2, 0, 1), r"array.transpose\(1, 2, 0\)"),
    (GREY[None], r"array.transpose\(1, 2, 0\)"),
    (RGB[None], "this is a batch"),
    (RGB[:, :, :2], "the shape must be"),
    (RGB.ravel(), "the shape must be"),
    (numpy.uint8(3) * numpy.ones((), numpy.uint8)[...], "the shape must be|not an image"),
    (RGB[:0], "empty"),
    (numpy.zeros((0, 0), numpy.uint8), "empty"),
]


@pytest.mark.parametrize(("array", "reason"), REFUSED)
def test_refused(array, reason):
    with pytest.raises(ImageError, match=reason):
        prepare(array, POLICY)
    with pytest.raises(ImageError):
        open_upright(array, POLICY)


def test_the_pixel_limit_holds_for_arrays():
    huge = numpy.broadcast_to(numpy.uint8(0), (20_000, 20_000))
    with pytest.raises(ImageError, match="400,000,000 pixels"):
        prepare(huge, POLICY)


def test_the_array_is_not_changed():
    before = RGB.copy()
    prepare(RGB, ImagePolicy(color="bgr"))
    assert (before == RGB).all()

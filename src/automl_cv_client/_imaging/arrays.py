"""From numpy arrays to PIL images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from automl_cv_client._imaging.inputs import COLUMN_HINT, check_pixels, guarded, is_column, refusal
from automl_cv_client._imaging.pixels import bits_for, range_in_words
from automl_cv_client._imaging.policy import ImagePolicy

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image

    Array = numpy.ndarray[Any, Any]

_SHAPES = "(height, width), (height, width, 1), (height, width, 3) or (height, width, 4)"


def image_of(array: Array, policy: ImagePolicy) -> tuple[Image, str | None]:
    """The image an array holds, and what was done to its values in words, None if nothing.

    uint8 is taken as it is, bool as black and white, uint16 scaled to 8 bits, by the policy's ``grey_range`` or by
    the bits that its values take up. Raises ImageError for every other
    dtype and for shapes other than (H, W), (H, W, 1), (H, W, 3) and (H, W, 4).
    """
    if is_column(array):
        raise refusal(array, f"not an image; {COLUMN_HINT}")
    _check_shape(array)
    check_pixels((array.shape[1], array.shape[0]), policy, array)
    _check_dtype(array)
    return guarded(array, lambda: _convert(array, policy))


def _check_shape(array: Array) -> None:
    shape = array.shape
    if array.ndim == 4:
        raise refusal(array, "this is a batch; pass its images one by one, or use detect_many, classify_many …")
    if array.ndim == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 3, 4):
        raise refusal(array, "the channels come first; pass array.transpose(1, 2, 0)")
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)):
        raise refusal(array, f"the shape must be {_SHAPES}")
    if 0 in shape:
        raise refusal(array, "the array is empty")


def _check_dtype(array: Array) -> None:
    kind, width = array.dtype.kind, array.dtype.itemsize
    if kind == "b" or (kind == "u" and width <= 2):
        return
    if kind == "f":
        hint = "float array in [0,1]? multiply by 255 and convert to uint8: (array * 255).round().astype('uint8')"
    elif kind in "iu":
        hint = "values 0 to 255? convert them: array.astype('uint8')"
    else:
        hint = "pass an array of uint8"
    raise refusal(array, f"dtype {array.dtype} has no clear meaning as an image. {hint}")


def _convert(array: Array, policy: ImagePolicy) -> tuple[Image, str | None]:
    import numpy
    from PIL import Image

    pixels, change = numpy.asarray(array), None
    if pixels.dtype.kind == "b":
        pixels = pixels.astype(numpy.uint8) * numpy.uint8(255)
    elif pixels.dtype.itemsize == 2:
        pixels, how = _eight_bits(pixels, policy.grey_range)
        change = f"16-bit array scaled to 8 bits{how}"
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    elif pixels.ndim == 3 and policy.color == "bgr":
        pixels = pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]]
    return Image.fromarray(numpy.ascontiguousarray(pixels)), change


def _eight_bits(pixels: Array, grey_range: tuple[float, float] | None) -> tuple[Array, str]:
    import numpy

    if grey_range is not None:
        black, white = grey_range
        scaled = (pixels.astype(numpy.float32) - black) * (255 / (white - black)) + 0.5
        return scaled.clip(0, 255).astype(numpy.uint8), f" from {black:g}–{white:g}"
    bits = bits_for(int(pixels.max())) or 16
    shifted = (pixels >> (bits - 8)).astype(numpy.uint8)
    return shifted, range_in_words(bits)

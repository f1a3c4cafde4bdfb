"""From an image to the pixels a model takes, as the training and the service prepare them (§9, §11); no I/O.

Each family has its own rule, and one pixel off moves a probability by up to 0.007:

* classification: torchvision's ``Resize`` and ``CenterCrop``: the longer side is truncated, the crop's corner is
  rounded half to even;
* R-CNN: the whole image resized to the model's size, whatever its proportions;
* YOLO: the longer side to the model's, by area when it shrinks and bilinear when it grows, grey (114) around it;
* MMDetection with an open size: proportions kept, zeros at the right and at the bottom up to a multiple of 32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

FloatArray = NDArray[np.float32]
Pixels = NDArray[np.uint8]
"""``[rows, columns, 3]``, RGB."""

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
"""Of ImageNet, per channel, for pixels from 0 to 1."""

Scale = Literal["imagenet", "unit", "bytes"]
"""What a model is fed: mean and deviation of ImageNet taken off, pixels from 0 to 1, or pixels from 0 to 255."""

CROP = 224
RESIZE = 256
GREY = 114
"""Around a letterboxed image."""

_BILINEAR = 2  # Image.Resampling.BILINEAR and BICUBIC; their values never change
_BICUBIC = 3
_LONGEST_STRIP = 8  # width to height: beyond, only the crop is resized


class Fitted(NamedTuple):
    """An image as the model sees it, and where the image lies in that.

    Attributes:
        pixels: as large as the model's input.
        box: (left, top, right, bottom) of the image in ``pixels``.
    """

    pixels: Pixels
    box: tuple[float, float, float, float]


def model_input(pixels: Pixels, scale: Scale) -> FloatArray:
    """Pixels as ``[3, rows, columns]`` of float32, in the scale the model was trained with."""
    values = pixels.astype(np.float32)
    if scale != "bytes":
        values /= np.float32(255)
    if scale == "imagenet":
        values = (values - MEAN) / STD
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def centre_crop(image: Image, resize: int = RESIZE, crop: int = CROP) -> Image:
    """What a classifier sees: the shorter side to ``resize``, then ``crop`` x ``crop`` pixels from the middle."""
    size = resized(image.size, resize)
    if max(image.size) > _LONGEST_STRIP * min(image.size) and min(size) >= crop:
        # Enlarged whole, one pixel by 5,000 would become 300 million pixels.
        return image.resize((crop, crop), _BILINEAR, box=_inside(view_box(image.size, resize, crop), image.size))
    if size != image.size:
        image = image.resize(size, _BILINEAR)
    left, top = _corner(size, crop)
    return image.crop((left, top, left + crop, top + crop))  # beyond the edge it is black, as torchvision pads


def view_box(size: tuple[int, int], resize: int = RESIZE, crop: int = CROP) -> tuple[float, float, float, float]:
    """Where :func:`centre_crop` lies in an image of ``size``: (left, top, right, bottom) in its pixels."""
    to = resized(size, resize)
    across, down = size[0] / to[0], size[1] / to[1]
    left, top = _corner(to, crop)
    return left * across, top * down, (left + crop) * across, (top + crop) * down


def resized(size: tuple[int, int], shorter: int) -> tuple[int, int]:
    """The size with its shorter side brought to ``shorter``; the longer one is truncated, not rounded."""
    width, height = size
    if width <= height:
        return shorter, int(shorter * height / width)
    return int(shorter * width / height), shorter


def stretched(image: Image, size: tuple[int, int]) -> Fitted:
    """The whole image resized to (width, height)."""
    return Fitted(np.asarray(image.resize(size, _BICUBIC)), (0.0, 0.0, float(size[0]), float(size[1])))


def letterboxed(image: Image, size: tuple[int, int]) -> Fitted:
    """The image with its proportions in the middle of (width, height), grey around it."""
    ratio = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, int(side * ratio)) for side in image.size)
    pixels = np.asarray(image)
    if ratio < 1:
        pixels = _shrunk(pixels, (width, height))
    elif ratio > 1:
        pixels = _enlarged(pixels, (width, height))
    canvas = np.full((size[1], size[0], 3), GREY, dtype=np.uint8)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    canvas[top : top + height, left : left + width] = pixels
    return Fitted(canvas, (float(left), float(top), float(left + width), float(top + height)))


def padded(image: Image, scale: tuple[int, int] = (1333, 800), multiple: int = 32) -> Fitted:
    """The image with its proportions within ``scale`` (its longer and shorter side), grown to whole multiples.

    What is filled in is the mean of ImageNet, so that it is about 0 once the mean is taken off.
    """
    ratio = min(scale[0] / max(image.size), scale[1] / min(image.size))
    width, height = (max(1, int(side * ratio + 0.5)) for side in image.size)
    canvas = np.empty((-(-height // multiple) * multiple, -(-width // multiple) * multiple, 3), dtype=np.uint8)
    canvas[:] = np.round(MEAN * 255).astype(np.uint8)
    canvas[:height, :width] = np.asarray(image.resize((width, height), _BILINEAR))
    return Fitted(canvas, (0.0, 0.0, float(width), float(height)))


def _corner(size: tuple[int, int], crop: int) -> tuple[int, int]:
    """Left and top of the crop; below 0 where the crop is larger than the image."""
    left, top = (round((side - crop) / 2) if side >= crop else -((crop - side) // 2) for side in size)
    return left, top


def _inside(box: tuple[float, ...], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Rounding may put a box a hair beyond the image, which Pillow refuses."""
    return max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(size[0])), min(box[3], float(size[1]))


def _shrunk(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resized to a smaller (width, height): each pixel is the mean over the area it covers, as OpenCV's INTER_AREA."""
    rows = _means(np.ascontiguousarray(pixels.transpose(1, 0, 2)), size[0])  # columns first: the sums stay small
    return np.clip(np.rint(_means(rows.transpose(1, 0, 2), size[1])), 0, 255).astype(np.uint8)


def _means(values: NDArray[np.generic], count: int) -> FloatArray:
    """Along the first axis, ``count`` means over stretches of equal length, whose ends may lie within a value."""
    length = len(values)
    edges = np.arange(count + 1) * (length / count)
    whole = np.minimum(edges.astype(np.intp), length)
    part = (edges - whole)[:, np.newaxis, np.newaxis].astype(np.float32)
    means = np.empty((count, *values.shape[1:]), dtype=np.float32)
    for number in range(count):
        first, last = whole[number], whole[number + 1]
        total = values[first:last].sum(axis=0, dtype=np.float32) - values[min(first, length - 1)] * part[number]
        if part[number + 1]:
            total = total + values[min(last, length - 1)] * part[number + 1]
        means[number] = total * np.float32(count / length)
    return means


def _enlarged(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resized to a larger (width, height) by bilinear interpolation between pixel centres, as OpenCV's INTER_LINEAR."""
    rows, columns = _between(pixels.shape[0], size[1]), _between(pixels.shape[1], size[0])
    values = pixels.astype(np.float32)
    down = values[rows.before] * (1 - rows.share[:, None, None]) + values[rows.after] * rows.share[:, None, None]
    share = columns.share[None, :, None]
    across = down[:, columns.before] * (1 - share) + down[:, columns.after] * share
    return np.rint(across).astype(np.uint8)


class _Neighbours(NamedTuple):
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    share: FloatArray


def _between(length: int, count: int) -> _Neighbours:
    """For each of ``count`` pixels along a side of ``length``: the two it lies between, and the second one's share."""
    places = np.clip((np.arange(count) + 0.5) * (length / count) - 0.5, 0, length - 1)
    before = places.astype(np.intp)
    return _Neighbours(before, np.minimum(before + 1, length - 1), (places - before).astype(np.float32))

"""Instance segmentation: the detector's boxes, each with the outline of what stands out in it.

The mask comes from a model of salient objects (U²-Netp), which knows no classes: where two objects overlap, both
get the shared part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl_cv_client.geometry import Box
from automl_cv_client.local.contours import Mask, polygon
from automl_cv_client.local.detection import find
from automl_cv_client.local.images import Reader
from automl_cv_client.local.preprocessing import MEAN, STD, FloatArray
from automl_cv_client.local.sessions import run

if TYPE_CHECKING:
    from PIL.Image import Image

_MODEL = "u2netp.onnx"
_INPUT, _OUTPUT = "input.1", "1959"
_SIDE = 320  # pixels of the model's square input, and cells of its mask
_GROWTH = 0.1  # share of the box's size added, half of it on either side
_THRESHOLD = 0.5
_SPECK = 0.01  # rings below this share of the mask's area are dropped


class Segmenter:
    """Outlines objects of the 80 COCO classes."""

    name = "U2-Netp behind SSD MobileNet V2"
    reader: Reader = "pillow"

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"boxes": [...]}`` per image, as detection gives them, each object with its ``polygon``."""
        return [{"boxes": self._objects(image)} for image in images]

    def explainer(self) -> None:
        """Segmentation is not explained: the service answers with plain scores."""
        return

    def _objects(self, image: Image) -> list[dict[str, Any]]:
        return [detection.to_json() | {"polygon": outline(image, detection.box)} for detection in find(image)]


def outline(image: Image, box: Box) -> list[list[float]]:
    """The segments of what stands out in ``box``: closed, within the box, in fractions of the image.

    Holes are segments too (even-odd). Empty when nothing stands out or the box has no area.
    """
    if box.area == 0:
        return []
    frame = _grow(box)
    mask = _salient(image, frame) & _cells_within(box, frame)
    return polygon(mask, frame, box, smooth=True, smallest=_SPECK * float(mask.sum()))


def _grow(box: Box) -> Box:
    """The box with some of its surroundings, as far as the image goes: saliency needs a background."""
    dx, dy = box.width * _GROWTH / 2, box.height * _GROWTH / 2
    return Box(max(0.0, box.left - dx), max(0.0, box.top - dy), min(1.0, box.right + dx), min(1.0, box.bottom + dy))


def _salient(image: Image, frame: Box) -> Mask:
    """``[320, 320]``: which cells of the frame belong to the object that stands out."""
    resized = image.resize((_SIDE, _SIDE), resample=2, box=frame.to_pixels(image.size))
    (output,) = run(_MODEL, [_OUTPUT], {_INPUT: _model_input(np.asarray(resized, dtype=np.float32))})
    saliency = output[0, 0]
    low, high = float(saliency.min()), float(saliency.max())
    if high <= low:
        return np.zeros(saliency.shape, dtype=np.bool_)
    stands_out: Mask = (saliency - low) / (high - low) > _THRESHOLD
    return stands_out


def _model_input(pixels: FloatArray) -> FloatArray:
    """``[1, 3, 320, 320]``: divided by the crop's own maximum, as U²-Net was trained, then mean and std."""
    scaled = pixels / max(float(pixels.max()), 1.0)
    normalised = (scaled - MEAN) / STD
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[np.newaxis], dtype=np.float32)


def _cells_within(box: Box, frame: Box) -> Mask:
    """``[320, 320]``: cells of the frame whose centre lies in the box."""
    centres = (np.arange(_SIDE) + 0.5) / _SIDE
    x, y = frame.left + centres * frame.width, frame.top + centres * frame.height
    columns = (x >= box.left) & (x <= box.right)
    rows = (y >= box.top) & (y <= box.bottom)
    within: Mask = rows[:, np.newaxis] & columns[np.newaxis, :]
    return within

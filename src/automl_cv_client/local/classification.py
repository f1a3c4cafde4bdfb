"""Multi-class classification: the 1,000 ImageNet classes, by MobileNet V2."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_cv_client.local.sessions import FloatArray, labels, run

if TYPE_CHECKING:
    from PIL.Image import Image

MODEL = "mobilenet_v2_imagenet_gradient.onnx"
CROP = 224
"""Pixels of the demo model's square input, and the usual size of exported ones."""

_SHORTER_SIDE = 256 / 224  # of the crop: AutoML's defaults
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class Classifier:
    """Names the one thing an image shows."""

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per image: 1,000 probabilities that sum to 1."""
        return [self._score(image) for image in images]

    def _score(self, image: Image) -> dict[str, Any]:
        # The graph also computes a gradient; ``seed`` says of what, and zeros mean of nothing.
        feeds: dict[str, FloatArray] = {
            "image": model_input(image),
            "seed": np.zeros((1, 1000), dtype=np.float32),
            "guided": np.array(0, dtype=np.float32),
        }
        (probs,) = run(MODEL, ["probs"], feeds)
        return {"probs": probs[0].tolist(), "labels": class_names()}


def model_input(image: Image, crop: int = CROP) -> FloatArray:
    """The image as ``[1, 3, crop, crop]``: what the model sees, with ImageNet's mean and std (§9)."""
    return normalised(model_pixels(model_view(image, crop)))


def model_view(image: Image, crop: int = CROP) -> Image:
    """What a model sees of an image: shorter side to 256 (for a crop of 224), the crop in the middle."""
    plain = _without_far_ends(image)
    return _centre_crop(plain.resize(_resized(plain.size, crop), resample=2), crop, crop)  # Resampling.BILINEAR


def view_box(image: Image, crop: int = CROP) -> tuple[float, float, float, float]:
    """Where :func:`model_view` lies in the image: (left, top, right, bottom) in its pixels."""
    plain = _without_far_ends(image)
    resized = _resized(plain.size, crop)
    across, down = (full / size for full, size in zip(plain.size, resized, strict=True))
    left, top = _centre(resized, (crop, crop))
    cut_left, cut_top = _centre(image.size, plain.size)
    edges = (left * across, top * down, (left + crop) * across, (top + crop) * down)
    return edges[0] + cut_left, edges[1] + cut_top, edges[2] + cut_left, edges[3] + cut_top


def model_pixels(view: Image) -> FloatArray:
    """``[rows, columns, 3]``, 0 to 1."""
    return np.asarray(view, dtype=np.float32) / np.float32(255)


def normalised(pixels: FloatArray) -> FloatArray:
    """``[rows, columns, 3]``, 0 to 1, as the model's input ``[1, 3, rows, columns]``."""
    return np.ascontiguousarray(((pixels - _MEAN) / _STD).transpose(2, 0, 1)[np.newaxis])


@cache
def class_names() -> list[str]:
    """The 1,000 ImageNet names, in the order of the probabilities."""
    return list(labels("imagenet_labels.json"))


def _without_far_ends(image: Image) -> Image:
    """A long strip cut to 8 : 1. Enlarged whole, one pixel by 5,000 would become 300 million pixels."""
    width, height = image.size
    longest = 8 * min(width, height)
    return image if max(width, height) <= longest else _centre_crop(image, min(width, longest), min(height, longest))


def _resized(size: tuple[int, int], crop: int) -> tuple[int, int]:
    scale = round(crop * _SHORTER_SIDE) / min(size)
    return round(size[0] * scale), round(size[1] * scale)


def _centre_crop(image: Image, width: int, height: int) -> Image:
    left, top = _centre(image.size, (width, height))
    return image.crop((left, top, left + width, top + height))


def _centre(size: tuple[int, int], crop: tuple[int, int]) -> tuple[int, int]:
    return (size[0] - crop[0]) // 2, (size[1] - crop[1]) // 2

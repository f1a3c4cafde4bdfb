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
"""Pixels of the model's square input."""

_SHORTER_SIDE = 256
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class Classifier:
    """Names the one thing a picture shows."""

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        """``{"probs", "labels"}`` per picture: 1,000 probabilities that sum to 1."""
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


def model_input(image: Image) -> FloatArray:
    """The picture as ``[1, 3, 224, 224]``: shorter side to 256, centre cropped, ImageNet mean and std (§9)."""
    cropped = _centre_crop(_resize_shorter_side(_without_far_ends(image)), CROP, CROP)
    pixels = np.asarray(cropped, dtype=np.float32) / np.float32(255)
    normalised = (pixels - _MEAN) / _STD
    return np.ascontiguousarray(normalised.transpose(2, 0, 1)[np.newaxis])


@cache
def class_names() -> list[str]:
    """The 1,000 ImageNet names, in the order of the probabilities."""
    return list(labels("imagenet_labels.json"))


def _without_far_ends(image: Image) -> Image:
    """A long strip cut to 8 : 1. Enlarged whole, one pixel by 5,000 would become 300 million pixels."""
    width, height = image.size
    longest = 8 * min(width, height)
    return image if max(width, height) <= longest else _centre_crop(image, min(width, longest), min(height, longest))


def _resize_shorter_side(image: Image) -> Image:
    width, height = image.size
    scale = _SHORTER_SIDE / min(width, height)
    return image.resize((round(width * scale), round(height * scale)), resample=2)  # 2 is Resampling.BILINEAR


def _centre_crop(image: Image, width: int, height: int) -> Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))

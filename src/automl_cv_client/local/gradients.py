"""The demo classifier's graph: probabilities, their gradients at every value of the input, and two uses of those."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from automl_cv_client.local.preprocessing import FloatArray, Pixels, model_input
from automl_cv_client.local.sessions import labels, run

MODEL = "mobilenet_v2_imagenet_gradient.onnx"
CLASSES = 1000
_AT_ONCE = 10  # inputs a run: more only take more memory


class Features(NamedTuple):
    """The last feature map ``[1280, 7, 7]`` of one input, and the probability's gradient there."""

    activations: FloatArray
    gradient: FloatArray


def normalised(pixels: Pixels) -> FloatArray:
    """``[rows, columns, 3]`` as the model's input ``[1, 3, rows, columns]``."""
    return model_input(pixels, "imagenet")[np.newaxis]


@cache
def class_names() -> list[str]:
    """The 1,000 ImageNet names, in the order of the probabilities."""
    return list(labels("imagenet_labels.json"))


def probabilities(inputs: FloatArray) -> FloatArray:
    """``[n, 1000]`` for inputs ``[n, 3, 224, 224]``."""
    nothing = np.zeros((len(inputs), CLASSES), dtype=np.float32)
    (probs,) = run(MODEL, ["probs"], {"image": inputs, "seed": nothing, "guided": np.array(0, dtype=np.float32)})
    return probs


def gradients(inputs: FloatArray, target: int, *, guided: bool = False) -> FloatArray:
    """The gradient of the probability of class ``target`` at each of the inputs: ``[n, 3, 224, 224]``.

    Args:
        inputs: normalised, ``[n, 3, 224, 224]``.
        target: 0 to 999.
        guided: guided back-propagation: only what raises the class passes each ReLU (Springenberg et al. 2015).
    """
    pieces = [inputs[start : start + _AT_ONCE] for start in range(0, len(inputs), _AT_ONCE)]
    return np.concatenate([run(MODEL, ["grad"], _feeds(piece, target, guided))[0] for piece in pieces])


def last_features(image: FloatArray, target: int) -> Features:
    """The feature map before pooling for one image ``[1, 3, 224, 224]``, with its gradient."""
    activations, gradient = run(MODEL, ["act51", "dfeat"], _feeds(image, target, guided=False))
    return Features(activations[0], gradient[0])


def guided_backprop(image: FloatArray, target: int) -> FloatArray:
    """Attributions ``[3, 224, 224]``: edges and textures that raise the class (Springenberg et al. 2015)."""
    attributions: FloatArray = gradients(image, target, guided=True)[0]
    return attributions


def guided_gradcam(image: FloatArray, target: int) -> FloatArray:
    """Attributions ``[3, 224, 224]``: guided back-propagation times where the class is (Selvaraju et al. 2017)."""
    features = last_features(image, target)
    weights = features.gradient.mean(axis=(1, 2))
    where = np.maximum(np.tensordot(weights, features.activations, axes=1), 0).astype(np.float32)
    size = (image.shape[3], image.shape[2])
    enlarged: FloatArray = np.asarray(Image.fromarray(where).resize(size, Image.Resampling.BILINEAR))
    return np.asarray(guided_backprop(image, target) * enlarged)


def _feeds(inputs: FloatArray, target: int, guided: bool) -> dict[str, FloatArray]:
    seed = np.zeros((len(inputs), CLASSES), dtype=np.float32)
    seed[:, target] = 1
    return {"image": inputs, "seed": seed, "guided": np.array(guided, dtype=np.float32)}

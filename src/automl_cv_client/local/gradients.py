"""Gradients of the demo classifier: of a class' probability, at every value of its input."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from automl_cv_client.local.classification import MODEL
from automl_cv_client.local.sessions import FloatArray, run

CLASSES = 1000
_AT_ONCE = 10  # inputs a run: more only take more memory


class Features(NamedTuple):
    """The last feature map ``[1280, 7, 7]`` of one input, and the probability's gradient there."""

    activations: FloatArray
    gradient: FloatArray


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


def last_features(one: FloatArray, target: int) -> Features:
    """The feature map before pooling for one input ``[1, 3, 224, 224]``, with its gradient."""
    activations, gradient = run(MODEL, ["act51", "dfeat"], _feeds(one, target, guided=False))
    return Features(activations[0], gradient[0])


def _feeds(inputs: FloatArray, target: int, guided: bool) -> dict[str, FloatArray]:
    seed = np.zeros((len(inputs), CLASSES), dtype=np.float32)
    seed[:, target] = 1
    return {"image": inputs, "seed": seed, "guided": np.array(guided, dtype=np.float32)}

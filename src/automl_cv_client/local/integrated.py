"""Integrated gradients: the gradient added up on the way from an empty image to the real one.

Sundararajan, Taly and Yan 2017. The attributions sum to what the image adds to the probability, p(x) - p(baseline),
up to the error of the integral.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.local.gradients import gradients
from automl_cv_client.local.preprocessing import FloatArray


def integrated_gradients(
    image: FloatArray, target: int, steps: int, method: str = "riemann_middle", baseline: FloatArray | None = None
) -> FloatArray:
    """Attributions ``[3, 224, 224]`` of the probability of class ``target``.

    Args:
        image: normalised input ``[1, 3, 224, 224]``.
        target: 0 to 999.
        steps: how many gradients are taken, 2 or more.
        method: rule of the integral, one of the service's five.
        baseline: the empty image, of the shape of ``image``; by default zeros, the mean color of ImageNet.
    """
    start = np.zeros_like(image) if baseline is None else baseline
    positions, weights = rule(steps, method)
    total = np.zeros(image.shape[1:], dtype=np.float64)
    for first in range(0, steps, 10):  # of 200 steps at once, inputs and gradients would take 240 MB
        share = positions[first : first + 10, np.newaxis, np.newaxis, np.newaxis].astype(np.float32)
        each = gradients(start + share * (image - start), target)
        total += np.tensordot(weights[first : first + 10], each, axes=1)
    return np.asarray((image - start)[0] * total, dtype=np.float32)


def rule(steps: int, method: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where on the way, 0 to 1, the gradient is taken, and the weight of each; weights sum to 1."""
    even = np.full(steps, 1 / steps)
    if method == "gausslegendre":
        positions, weights = np.polynomial.legendre.leggauss(steps)
        return (positions + 1) / 2, weights / 2
    if method == "riemann_trapezoid":
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    shift = {"riemann_left": 0.0, "riemann_middle": 0.5, "riemann_right": 1.0}[method]
    return (np.arange(steps) + shift) / steps, even

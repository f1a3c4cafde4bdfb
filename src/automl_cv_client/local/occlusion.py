"""Explains any model that gives probabilities, without its gradients: hide a part, see what it costs.

A grey square is moved over the image (Zeiler and Fergus 2014); a pixel's attribution is the mean fall of the
probability over the squares that hid it, those that hid it with their middle counting most. Coarser than a gradient,
and true of the model that answered.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from automl_cv_client.local.preprocessing import FloatArray

Probabilities = Callable[[Image.Image], FloatArray]
"""The probability of every class in an image."""

_STEPS = 7
_SQUARE = 3
"""A view is 7 steps wide and a square 3 (96 of 224 pixels): 81 squares with those cut at the edge, so that as many
scorings explain all classes at once."""


def occlusion(
    image: Image.Image, view: tuple[float, float, float, float], side: int, score: Probabilities
) -> FloatArray:
    """How much each place adds to the probability of each class: ``[classes, side, side]``.

    Args:
        image: RGB, the whole of it, as the model is given it.
        view: (left, top, right, bottom) in pixels of the part that is explained.
        side: rows and columns of the answer.
        score: the model.
    """
    before = score(image)
    falls = np.zeros((len(before), side, side), dtype=np.float32)
    hidden = np.zeros((side, side), dtype=np.float32)
    grey = tuple(round(value) for value in np.asarray(image, dtype=np.float32).mean(axis=(0, 1)))
    step = side / _STEPS
    starts = [number * step for number in range(1 - _SQUARE, _STEPS)]
    for top in starts:
        for left in starts:
            square = (left, top, left + _SQUARE * step, top + _SQUARE * step)
            fall = before - score(_hiding(image, _within(square, view, side), grey))
            weight = np.outer(_bump(top, side), _bump(left, side))
            falls += fall[:, np.newaxis, np.newaxis] * weight
            hidden += weight
    return falls / hidden


def _bump(start: float, side: int) -> FloatArray:
    """1 in the middle of a square, falling to 0 at its edges and beyond: for each row or column."""
    half = _SQUARE * side / _STEPS / 2
    distance = np.abs(np.arange(side) + 0.5 - (start + half)) / half
    return np.where(distance < 1, np.cos(distance * np.pi / 2) ** 2, 0).astype(np.float32)


def _within(square: tuple[float, ...], view: tuple[float, ...], side: int) -> tuple[int, int, int, int]:
    """A square of the view in whole pixels of the image, cut at the view's edge."""
    across, down = (view[2] - view[0]) / side, (view[3] - view[1]) / side
    left, top, right, bottom = (min(max(edge, 0), side) for edge in square)
    return (
        round(view[0] + left * across),
        round(view[1] + top * down),
        round(view[0] + right * across),
        round(view[1] + bottom * down),
    )


def _hiding(image: Image.Image, box: tuple[int, int, int, int], grey: tuple[int, ...]) -> Image.Image:
    covered = image.copy()
    covered.paste(grey, box)
    return covered

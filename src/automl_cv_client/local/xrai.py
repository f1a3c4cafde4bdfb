"""XRAI: attributions of whole regions, the most important ones first (Kapishnikov et al. 2019).

Integrated gradients from a black and from a white image are averaged; then regions of segmentations from fine to
coarse are taken by the mean attribution of the pixels they add, until the image is covered. Unlike in the authors'
code, the regions are superpixels and not widened, and the steps are shared between the two baselines.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from automl_cv_client.local.gradients import normalised
from automl_cv_client.local.integrated import integrated_gradients
from automl_cv_client.local.preprocessing import FloatArray
from automl_cv_client.local.segments import Labels, segmentations

_FEWEST = 50  # pixels that a region must add


def xrai(image: Image.Image, target: int, steps: int, *, fast: bool) -> FloatArray:
    """Attributions ``[3, 224, 224]``, equal in the three channels and within each region.

    Args:
        image: RGB, as the model sees it: 224 x 224.
        target: 0 to 999.
        steps: gradients taken, over both baselines.
        fast: rank all regions once, instead of anew after each.
    """
    pixels = np.asarray(image)
    each = max(1, steps // 2)
    ends = [normalised(np.full_like(pixels, end)) for end in (0, 255)]
    view = normalised(pixels)
    attributions = np.mean([integrated_gradients(view, target, each, baseline=end) for end in ends], axis=0)
    regions = by_region(attributions.max(axis=0), segmentations(image), fast=fast)  # of the channels, as the authors do
    return np.repeat(regions[np.newaxis], 3, axis=0)


def by_region(values: FloatArray, levels: list[Labels], *, fast: bool) -> FloatArray:
    """Each pixel's value replaced by the mean over its region; the regions are chosen greedily."""
    free = np.ones(values.shape, dtype=bool)
    chosen = np.zeros_like(values)
    for level, region in _ranked(values, levels) if fast else _best_each_time(values, levels, free):
        added = free & (levels[level] == region)
        if added.sum() >= _FEWEST:
            chosen[added] = values[added].mean()
            free &= ~added
    if free.any():
        chosen[free] = values[free].mean()
    return chosen


def _ranked(values: FloatArray, levels: list[Labels]) -> Iterator[tuple[int, int]]:
    means = [(mean, level, region) for level, labels in enumerate(levels)
             for region, mean in enumerate(_means(values, labels, np.ones(values.shape, dtype=bool)))]  # fmt: skip
    for _, level, region in sorted(means, reverse=True):
        yield level, region


def _best_each_time(values: FloatArray, levels: list[Labels], free: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """The region with the highest mean over the pixels still free, until none adds enough of them."""
    while True:
        means = [_means(values, labels, free) for labels in levels]
        level = max(range(len(levels)), key=lambda i: means[i].max())
        region = int(means[level].argmax())
        if means[level][region] == -np.inf:
            return
        yield level, region


def _means(values: FloatArray, labels: Labels, free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the free pixels of each region; minus infinity for one that would add too few."""
    where = labels[free]
    counts = np.bincount(where, minlength=labels.max() + 1)
    sums = np.bincount(where, weights=values[free], minlength=labels.max() + 1)
    return np.where(counts >= _FEWEST, sums / np.maximum(counts, 1), -np.inf)

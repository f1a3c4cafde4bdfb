"""Cuts an image into regions of like color, from fine to coarse: superpixels (SLIC, Achanta et al. 2012).

Seeds lie on a grid; each pixel joins the seed nearest in color and place among the nine around it, and the seeds
move to the middle of their pixels. Chosen over the graph method of XRAI's authors, which on fur and smoke joins
nearly everything into one region and takes seconds without compiled code.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Labels = NDArray[np.intp]
"""Number of its region, from 0, for each pixel: ``[rows, columns]``."""

SEEDS_A_SIDE = (20, 14, 10, 7, 5, 3)
"""From 400 regions of 11 x 11 pixels to 9 large ones, for an image of 224 x 224."""

_COLOR_WEIGHT = 10.0  # how many seed distances a difference from black to white counts
_ROUNDS = 6


def segmentations(image: Image.Image) -> list[Labels]:
    """One segmentation a scale. ``image`` is RGB; at 224 x 224 all six take under half a second."""
    colors = np.asarray(image, dtype=np.float32) / np.float32(255)
    return [_superpixels(colors, side) for side in SEEDS_A_SIDE]


def _superpixels(colors: NDArray[np.float32], side: int) -> Labels:
    rows, columns, _ = colors.shape
    y, x = np.mgrid[0:rows, 0:columns]
    home_row, home_column = y * side // rows, x * side // columns
    # Each pixel as a point: color, and place in seed distances. Nearness there is what joins it to a seed.
    points = np.dstack([colors * _COLOR_WEIGHT / 3**0.5, y * (side / rows), x * (side / columns)]).astype(np.float32)
    labels: Labels = home_row * side + home_column
    for _ in range(_ROUNDS):
        seeds = _middles(points, labels, side * side)
        nearest = np.full((rows, columns), np.inf, dtype=np.float32)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                seed = np.clip(home_row + down, 0, side - 1) * side + np.clip(home_column + right, 0, side - 1)
                distance = ((points - seeds[seed]) ** 2).sum(axis=2)
                closer = distance < nearest
                nearest[closer] = distance[closer]
                labels = np.where(closer, seed, labels)
    return labels


def _middles(points: NDArray[np.float32], labels: Labels, count: int) -> NDArray[np.float32]:
    """The mean point of each region; far away for an empty one."""
    pixels = np.bincount(labels.ravel(), minlength=count)
    flat = points.reshape(-1, points.shape[2])
    sums = [np.bincount(labels.ravel(), weights=column, minlength=count) for column in flat.T]
    middles = np.stack(sums, axis=1) / np.maximum(pixels, 1)[:, np.newaxis]
    middles[pixels == 0] = 1e6
    return middles.astype(np.float32)

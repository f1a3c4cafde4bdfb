"""Overlap and suppression against pycocotools and a plain reference; clipping."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from pycocotools import mask as coco

from automl_cv_client.geometry import Box, PixelBox, keep_by_nms


def random_boxes(number: random.Random, count: int) -> list[Box]:
    corners = [(number.random(), number.random(), number.random(), number.random()) for _ in range(count)]
    return [Box(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]


def overlaps(boxes: list[Box]) -> np.ndarray:
    corners = np.array(boxes)
    flat = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    return np.asarray(coco.iou(flat, flat, [0] * len(boxes)))


def reference_nms(matrix: np.ndarray, scores: list[float], labels: list[str], threshold: float) -> list[int]:
    """The textbook's: take the best, cross out what it overlaps, repeat."""
    left, kept = sorted(range(len(scores)), key=lambda i: -scores[i]), []
    while left:
        best, *left = left
        kept.append(best)
        left = [i for i in left if labels[i] != labels[best] or matrix[best, i] <= threshold]
    return sorted(kept)


@pytest.mark.parametrize("agnostic", [False, True])
def test_suppression_is_the_textbooks(agnostic):
    number = random.Random(10)
    for _ in range(60):
        boxes = random_boxes(number, 40)
        scores = [number.random() for _ in boxes]
        labels = [number.choice("abc") for _ in boxes]
        threshold = number.uniform(0.1, 0.8)
        compared = ["one"] * len(boxes) if agnostic else labels
        expected = reference_nms(overlaps(boxes), scores, compared, threshold)
        assert keep_by_nms(boxes, scores, labels, threshold, agnostic=agnostic) == expected


def test_overlap_is_that_of_pycocotools():
    boxes = random_boxes(random.Random(11), 60)
    ours = [[a.iou(b) for b in boxes] for a in boxes]
    assert np.allclose(ours, overlaps(boxes), atol=1e-12)


def test_a_score_that_is_no_number_loses():
    box = Box(0, 0, 1, 1)
    assert keep_by_nms([box] * 3, [math.nan, 0.2, math.nan], ["a"] * 3, 0.5) == [1]


def test_clipping():
    assert Box(-0.2, 0.5, 0.5, 1.5).clipped() == (0, 0.5, 0.5, 1)
    assert Box(1.2, 1.2, 1.5, 1.5).clipped().area == 0
    assert PixelBox(-3, 5, 900, 70).clipped((640, 60)) == (0, 5, 640, 60)

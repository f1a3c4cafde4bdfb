"""Boxes and polygons, by plain arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_cv_client.geometry import Box, even_odd_area, iou, points, scale_segment

unit = st.floats(0, 1)
boxes = st.tuples(unit, unit, unit, unit).map(
    lambda b: Box(min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@given(boxes, boxes)
def test_iou_is_symmetric_and_between_0_and_1(a: Box, b: Box) -> None:
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert 0 <= iou(a, b) <= 1 + 1e-9


@given(boxes)
def test_iou_with_itself_is_1_unless_empty(box: Box) -> None:
    assert iou(box, box) == pytest.approx(1 if box.area > 0 else 0)


def test_iou_of_boxes_that_touch_is_0() -> None:
    assert iou(Box(0, 0, 0.5, 1), Box(0.5, 0, 1, 1)) == 0
    assert iou(Box(0, 0, 1, 1), Box(float("nan"), 0, 1, 1)) == 0


@given(boxes, st.integers(1, 5000), st.integers(1, 5000))
def test_to_pixels_and_back(box: Box, width: int, height: int) -> None:
    pixels = box.to_pixels((width, height))
    assert (pixels.left / width, pixels.bottom / height) == pytest.approx((box.left, box.bottom))
    assert pixels.area == pytest.approx(box.area * width * height)


def square(x: float, y: float, side: float) -> tuple[float, ...]:
    return (x, y, x + side, y, x + side, y + side, x, y + side, x, y)


@pytest.mark.parametrize(
    ("segments", "area"),
    [
        ([], 0),
        ([square(0, 0, 4)], 16),
        ([square(0, 0, 4)[:-2]], 16),  # not closed
        ([square(0, 0, 4), square(10, 10, 2)], 20),  # two blobs
        ([square(0, 0, 4), square(1, 1, 2)], 12),  # a hole
        ([square(1, 1, 2), square(0, 0, 4)], 12),  # the hole first
        ([square(0, 0, 8), square(1, 1, 6), square(2, 2, 4)], 64 - 36 + 16),  # an island in a hole
        ([(0, 0, 1, 1, 0, 0)], 0),  # degenerate
        ([square(0, 0, 4), (5, 5, 5, 5)], 16),
    ],
)
def test_even_odd_area(segments: list[tuple[float, ...]], area: float) -> None:
    assert even_odd_area(segments) == pytest.approx(area)


def test_segments_scale_by_axis() -> None:
    assert scale_segment((0, 0, 0.5, 1), (100, 10)) == (0, 0, 50, 10)
    assert points((1, 2, 3, 4)) == [(1, 2), (3, 4)]

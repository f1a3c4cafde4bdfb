"""Exact areas against shapely, clipping, simplification, containment, and segments that enclose nothing."""

from __future__ import annotations

import math
import random

import pytest
import shapely

from automl_cv_client.geometry import (
    bounds,
    clip_segment,
    contains_point,
    even_odd_area,
    is_degenerate,
    one_ring,
    points,
    simplify,
    sound,
)
from tests.geometry.polygons import Polygon, random_polygons

SQUARE = (0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 4.0)
HOLE = (1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0, 1.0, 1.0)
LINE = (0.0, 0.0, 5.0, 5.0, 2.0, 2.0)


def inside(segments: Polygon) -> list[shapely.Polygon]:
    """The faces that shapely finds between the segments' lines, those inside an odd number of segments."""
    lines = shapely.unary_union([shapely.LinearRing(points(segment)) for segment in sound(segments)])
    faces = shapely.polygonize([lines]).geoms
    return [face for face in faces if contains_point(segments, *face.representative_point().coords[0])]


def test_areas_are_exact_where_segments_cross_nest_and_touch():
    for segments, _ in random_polygons(250, seed=8):
        expected = sum(face.area for face in inside(segments))
        assert even_odd_area(segments) == pytest.approx(expected, rel=1e-9, abs=1e-7)
        assert even_odd_area([one_ring(segments)]) == pytest.approx(expected, rel=1e-9, abs=1e-7)


def test_clipping_keeps_exactly_what_is_in_the_box():
    number = random.Random(9)
    for segments, (width, height) in random_polygons(120, seed=9):
        left, right = sorted(number.uniform(0, width) for _ in range(2))
        top, bottom = sorted(number.uniform(0, height) for _ in range(2))
        clipped = [clip_segment(segment, (left, top, right, bottom)) for segment in segments]
        window = shapely.box(left, top, right, bottom)
        expected = sum(face.intersection(window).area for face in inside(segments))
        assert even_odd_area(clipped) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_a_hole_is_a_hole():
    polygon = [SQUARE, HOLE]
    assert even_odd_area(polygon) == 12
    assert contains_point(polygon, 0.5, 2)
    assert not contains_point(polygon, 2, 2)
    assert not contains_point(polygon, 5, 2)
    assert bounds([HOLE, SQUARE]) == (0, 0, 4, 4)


def test_the_same_segment_twice_is_nothing():
    assert even_odd_area([SQUARE, SQUARE]) == 0


@pytest.mark.parametrize(
    "segment", [(), (1.0,), (1.0, 2.0), LINE, (1.0, 1.0) * 4, (0.1, 0.1, 0.2, 0.2, 0.3, 0.3), (math.nan, 0, 1, 0, 1, 1)]
)
def test_degenerate_segments_are_left_out(segment):
    assert is_degenerate(segment)
    assert even_odd_area([SQUARE, segment]) == 16
    assert sound([segment, SQUARE]) == [SQUARE]
    assert one_ring([segment]) == ()
    assert bounds([segment]) is None


def test_simplified_outlines_stay_within_the_tolerance():
    circle = tuple(f(i / 100 * math.tau) * 50 for i in range(100) for f in (math.cos, math.sin))
    circle += circle[:2]
    for tolerance in (0.5, 1, 5):
        simple = simplify(circle, tolerance)
        assert simple[:2] == simple[-2:] == circle[:2]
        assert len(simple) < len(circle) / 2
        outline = shapely.LinearRing(points(simple))
        assert all(outline.distance(shapely.Point(corner)) <= tolerance + 1e-9 for corner in points(circle))
    assert simplify(SQUARE, 0.5) == SQUARE

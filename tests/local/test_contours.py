"""Traced rings enclose exactly the mask; simplified ones nearly; polygons stay in their box."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from automl_cv_client.geometry import Box, contains, even_odd_area
from automl_cv_client.local.contours import Mask, area, polygon, trace
from automl_cv_client.local.segmentation import outline

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def mask(*rows: str) -> Mask:
    return np.array([[cell == "#" for cell in row] for row in rows])


def disc(side: int, radius: float) -> Mask:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside: Mask = x**2 + y**2 <= radius**2
    return inside


MASKS = {
    "empty": (mask("...", "..."), 0),
    "one cell": (mask("#"), 1),
    "full": (mask("##", "##"), 1),
    "hole": (mask("###", "#.#", "###"), 2),
    "island in a hole": (mask("#####", "#...#", "#.#.#", "#...#", "#####"), 3),
    "two blobs": (mask("#.#"), 2),
    "touching at a corner": (mask("#.", ".#"), 2),
    "hole touching at a corner": (mask("####", "#.##", "##.#", "####"), 2),
    "hole open at a corner": (mask("##.", "#.#", "###"), 1),
}


@pytest.mark.parametrize("name", MASKS)
def test_rings(name: str):
    cells, rings = MASKS[name]
    traced = trace(cells)
    assert len(traced) == rings
    assert_encloses(cells)


@pytest.mark.parametrize("seed", range(20))
def test_any_mask_comes_back_exactly(seed: int):
    random = np.random.default_rng(seed)
    assert_encloses(random.random((9, 13)) < random.uniform(0.2, 0.8))


def assert_encloses(cells: Mask) -> None:
    """Reading the rings even-odd at each cell's centre gives the mask."""
    rings = [[(x, y) for x, y in ring.tolist()] for ring in trace(cells)]
    read = [
        [sum(contains(ring, x + 0.5, y + 0.5) for ring in rings) % 2 == 1 for x in range(cells.shape[1])]
        for y in range(cells.shape[0])
    ]
    assert np.array_equal(np.array(read).reshape(cells.shape), cells)


def test_rings_keep_corners_only():
    (ring,) = trace(np.ones((50, 70), dtype=bool))
    assert len(ring) == 4
    assert area(ring) == 3500


@pytest.mark.parametrize("side", [20, 100, 320])
def test_a_simplified_disc_keeps_its_area(side: int):
    cells = disc(side, side * 0.45)
    (segment,) = polygon(cells, WHOLE, WHOLE, smooth=True)
    assert len(segment) <= 200
    assert even_odd_area([segment]) == pytest.approx(cells.mean(), rel=0.05)


def test_a_ragged_ring_is_cut_to_the_points_allowed():
    cells = np.ones((320, 320), dtype=bool)
    cells[:100, ::2] = False
    (ring,) = trace(cells)
    assert len(ring) > 400
    (segment,) = polygon(cells, WHOLE, WHOLE)
    assert 8 <= len(segment) <= 200


def test_a_small_outline_loses_no_corner():
    """Down to a hole of one cell: only a ring of 100 points or more is simplified."""
    cells = np.ones((8, 8), dtype=bool)
    cells[3, 4] = cells[0, 0] = False
    outer, hole = polygon(cells, WHOLE, WHOLE)
    assert len(outer) == 2 * (6 + 1)
    assert sorted(set(zip(hole[::2], hole[1::2], strict=True))) == [(x / 8, y / 8) for x in (4, 5) for y in (3, 4)]
    assert even_odd_area([outer, hole]) == pytest.approx(cells.mean())


def test_a_ring_with_a_hole_as_a_polygon():
    cells = disc(320, 150) & ~disc(320, 60)
    segments = polygon(cells, WHOLE, WHOLE, smooth=True)
    assert len(segments) == 2
    assert even_odd_area(segments) == pytest.approx(cells.mean(), rel=0.02)
    assert all(segment[:2] == segment[-2:] and len(segment) <= 200 for segment in segments)


def test_specks_are_dropped():
    cells = disc(320, 100)
    cells[:3, :3] = True
    cells[160, 160] = False
    assert len(polygon(cells, WHOLE, WHOLE, smallest=10)) == 1


def test_an_empty_mask_is_an_empty_polygon():
    assert polygon(np.zeros((320, 320), dtype=bool), WHOLE, WHOLE) == []


def test_a_polygon_stays_in_its_box():
    frame, box = Box(0.2, 0.2, 0.8, 0.8), Box(0.25, 0.3, 0.7, 0.75)
    (segment,) = polygon(np.ones((320, 320), dtype=bool), frame, box)
    assert (min(segment[0::2]), min(segment[1::2])) == (0.25, 0.3)
    assert (max(segment[0::2]), max(segment[1::2])) == (0.7, 0.75)


@pytest.mark.parametrize("box", [Box(0.5, 0.1, 0.5, 0.9), Box(1.0, 1.0, 1.0, 1.0)])
def test_a_box_without_area_has_no_outline(box: Box):
    assert outline(Image.new("RGB", (10, 10)), box) == []


def test_a_image_of_one_color_is_no_trouble():
    found = [outline(Image.new("RGB", (3, 200), color), Box(0.0, 0.1, 1.0, 0.9)) for color in ("black", "white")]
    assert any(found)  # the model sees something in one of them
    for segment in [*found[0], *found[1]]:
        assert segment[:2] == segment[-2:]

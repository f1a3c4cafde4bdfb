"""Tiles cover the image, overlap as asked, and their cores divide it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import PixelBox
from automl_cv_client.geometry.tiles import agreement, cores_of, is_cut, same_objects, tiles_of

sides = st.integers(1, 3000)
SIZE = (1000, 640)
LEFT, RIGHT = TILES = tiles_of(SIZE, (640, 640), 0.2)


@given(sides, sides, st.integers(32, 900), st.floats(0, 0.6))
def test_tiles_cover_the_image(width, height, side, overlap):
    tiles = tiles_of((width, height), (side, side), overlap)
    assert all(0 <= t[0] < t[2] <= width and 0 <= t[1] < t[3] <= height for t in tiles)
    assert {(t[2] - t[0], t[3] - t[1]) for t in tiles} == {(min(side, width), min(side, height))}
    columns = sorted({(t[0], t[2]) for t in tiles})
    assert columns[0][0] == 0
    assert columns[-1][1] == width
    for before, after in itertools.pairwise(columns):
        assert before[1] - after[0] >= overlap * side - 1
    cores = cores_of(tiles)
    assert sum((c[2] - c[0]) * (c[3] - c[1]) for c in cores) == pytest.approx(width * height)
    for tile, core in zip(tiles, cores, strict=True):
        assert tile[0] <= core[0] <= core[2] <= tile[2]
        assert tile[1] <= core[1] <= core[3] <= tile[3]


def test_impossible_tiles():
    with pytest.raises(InvalidInput, match=r"an overlap of 0\.95 cannot be"):
        tiles_of((100, 100), (50, 50), 0.95)


def test_what_a_seam_cuts():
    assert TILES == [(0, 0, 640, 640), (360, 0, 1000, 640)]
    assert is_cut(PixelBox(500, 10, 640, 90), LEFT, SIZE)
    assert not is_cut(PixelBox(0, 0, 500, 640), LEFT, SIZE), "the image's edge is no seam"
    assert is_cut(PixelBox(360, 10, 900, 90), RIGHT, SIZE)


def test_the_parts_of_one_object_agree_where_both_tiles_look():
    left_box, other = PixelBox(100, 50, 640, 150), PixelBox(360, 52, 900, 151)
    assert agreement(left_box, LEFT, other, RIGHT) > 0.95
    assert agreement(left_box, LEFT, PixelBox(360, 300, 900, 400), RIGHT) == 0
    assert agreement(PixelBox(0, 0, 100, 100), LEFT, PixelBox(0, 0, 100, 100), RIGHT) == 0, (
        "the right one saw nothing there"
    )


def test_of_one_tile_no_two_are_one():
    same = PixelBox(400, 50, 500, 150)
    groups = same_objects([same, same, same, same], ["a", "a", "a", "b"], [0, 0, 1, 1], TILES, 0.5)
    assert sorted(map(len, groups)) == [1, 1, 2]

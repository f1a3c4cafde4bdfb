"""Masks, areas and run lengths agree with pycocotools to the last pixel, on 1,000 random polygons."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco

from automl_cv_client.geometry import Rle
from automl_cv_client.geometry.rle import row_counts
from tests.geometry.polygons import Polygon, random_polygons

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own


def reference(segments: Polygon, size: tuple[int, int]) -> np.ndarray:
    """Each segment rasterised by pycocotools; exclusive or of them is the even-odd rule."""
    mask = np.zeros(size[::-1], np.uint8)
    for segment in segments:
        mask ^= coco.decode(coco.frPyObjects([list(segment)], size[1], size[0]))[:, :, 0]
    return mask


def test_a_thousand_polygons():
    for segments, size in random_polygons(1000):
        ours = Rle.of_polygon(segments, size)
        mask = reference(segments, size)
        theirs = coco.encode(np.asfortranarray(mask))
        assert ours.text() == theirs["counts"].decode()
        assert ours.area == coco.area(theirs) == mask.sum()
        assert np.array_equal(np.frombuffer(ours.column_bytes(), np.uint8).reshape(size).T, mask)
        packed = {"size": [size[1], size[0]], "counts": ours.text()}
        assert Rle.from_coco(packed) == Rle.from_coco({**packed, "counts": list(ours.counts)}) == ours


def test_single_segments_need_no_detour():
    for segments, size in random_polygons(200, seed=6):
        theirs = coco.frPyObjects([list(segments[0])], size[1], size[0])[0]
        assert Rle.of_polygon(segments[:1], size).text() == theirs["counts"].decode()


def test_rows_are_the_same_mask():
    for segments, size in random_polygons(50, seed=7):
        counts = row_counts(Rle.of_polygon(segments, size))
        flat = np.repeat(np.arange(len(counts)) % 2, counts).reshape(size[::-1])
        assert np.array_equal(flat, reference(segments, size))


@pytest.mark.parametrize(
    "segment",
    [(1.0, 1.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 2.0, 2.0, 4.0, 4.0), (), (1.0,) * 5,
     (float("nan"), 0.0, 4.0, 0.0, 4.0, 4.0), (float("inf"), 0.0, 4.0, 0.0, 4.0, 4.0)],
)  # fmt: skip
def test_what_encloses_nothing_has_an_empty_mask(segment):
    assert Rle.of_polygon([segment], (8, 6)).counts == (48,)


def test_absurdly_large_coordinates_cost_nothing():
    assert Rle.of_polygon([(-1e15, -1e15, 1e15, -1e15, 1e15, 1e15, -1e15, 1e15)], (8, 6)).area == 48

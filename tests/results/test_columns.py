"""Columns say what the objects say; masks and frames of results are those of geometry."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from automl_cv_client import Detections, Instances
from automl_cv_client.geometry import PixelBox, Size
from tests.formats.results import detections, instances


def test_boxes_and_scores():
    found = detections("a", "b", "c")
    assert found.boxes_array.tolist() == [list(detection.box) for detection in found]
    assert found.scores_array.tolist() == [detection.score for detection in found]
    assert found.labels_array.tolist() == ["a", "b", "c"]
    assert found.pixel_boxes_array().tolist() == [pytest.approx(list(detection.pixel_box)) for detection in found]
    assert found.pixel_boxes_array((10, 10))[0].tolist() == pytest.approx([1, 0, 3.5, 2])
    assert detections().boxes_array.shape == (0, 4)


def test_ragged_polygons():
    found = instances()
    ragged = found.polygons_array
    assert ragged.object_offsets.tolist() == [0, 2, 4, 5]
    for i, detection in enumerate(found):
        assert [tuple(segment.ravel()) for segment in ragged.segments_of(i)] == list(detection.polygons)
        pixels = ragged.to_pixels(found.size).segments_of(i)
        assert [tuple(segment.ravel()) for segment in pixels] == list(detection.pixel_polygons)
    assert ragged.points.shape[1] == 2
    assert len(detections("a").polygons_array.flat) == 0


def test_columns_belong_to_their_result():
    found = instances()
    assert found.boxes_array is found.boxes_array
    assert len(found.boxes_array) == 3
    assert len(found.above(0.85).boxes_array) == len(found[:1].boxes_array) == 1
    with pytest.raises(ValueError, match="read-only"):
        found.boxes_array[0, 0] = 1


def test_columns_change_nothing_else():
    found = instances()
    before = found.model_dump_json()
    assert found.polygons_array is not None
    assert found.boxes_array is not None
    assert found.model_dump_json() == before
    assert found == instances() == Instances.model_validate_json(before) == pickle.loads(pickle.dumps(found))
    assert hash(found) == hash(instances())
    assert "_boxes_array" not in pickle.loads(pickle.dumps(found)).__dict__


def test_masks():
    ring, triangle, line = instances()
    mask = ring.mask()
    assert mask.shape == (100, 200)
    assert mask.dtype == bool
    assert mask[25, 25]
    assert not mask[50, 60], "the hole"
    assert mask.sum() == pytest.approx(ring.area, rel=0.02)
    assert np.array_equal(np.asarray(ring.mask_image()) == 255, mask)
    assert triangle.mask((20, 10)).shape == (10, 20)
    assert not line.mask().any()
    assert ring.rle()["size"] == [100, 200]


def test_outlines():
    ring, triangle, line = instances()
    assert ring.area == pytest.approx(100 * 70 - 40 * 30)
    assert ring.outline_box == pytest.approx((20, 20, 120, 90))
    assert ring.contains(25, 25)
    assert not ring.contains(60, 55)
    assert line.area == 0
    assert line.outline_box is None
    assert len(triangle.polygons) == 2, "what encloses nothing stays in the data"
    assert len(triangle.simplified().polygons) == 1
    assert triangle.simplified().area == pytest.approx(triangle.area)


def test_frames_of_a_result():
    found = instances()
    turned = found.image.model_copy(update={"orientation": 6, "raw_size": Size(100, 200), "sent_size": Size(20, 10)})
    detection = Instances(image=turned, objects=found.objects)[0]
    assert detection.box_in("normalised") == pytest.approx(detection.box)
    assert detection.box_in("upright") == pytest.approx(detection.pixel_box)
    assert detection.box_in("sent") == pytest.approx((2, 2, 12, 9))
    assert detection.box_in("raw") == pytest.approx((20, 80, 90, 180))
    assert isinstance(detection.box_in("raw"), PixelBox)
    assert detection.polygons_in("raw")[1][:2] == pytest.approx((40, 160))


def test_clipping_and_suppression():
    found = detections("a", "b")
    wide = Detections(
        image=found.image,
        objects=tuple(detection.model_copy(update={"box": detection.box._replace(left=-0.5)}) for detection in found),
    )
    assert [detection.box.left for detection in wide.clipped()] == [0, 0]
    assert len(found.nms(0.5)) == 2
    assert len(found.nms(0.5, agnostic=True)) == 1

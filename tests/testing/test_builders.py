"""Results built for tests are the results a client returns."""

from __future__ import annotations

import pickle

import pytest

from automl_cv_client import Detections, Instances, errors
from automl_cv_client.testing import (
    FakeEndpoint,
    classification,
    detections,
    instances,
    multilabel,
    outcome,
)

BUILT = [
    classification({"cat": 0.9, "dog": 0.1}),
    multilabel({"cat": 0.9, "dog": 0.8}, threshold=0.85),
    detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)), size=(400, 200)),
    instances(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)), size=(400, 200)),
]


@pytest.mark.parametrize("result", BUILT, ids=lambda value: type(value).__name__)
def test_they_go_through_json_and_pickle(result):
    assert type(result).model_validate_json(result.model_dump_json()) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_built_result_equals_a_scored_one(image):
    built = detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)), size=(400, 200))
    assert FakeEndpoint(built).client().detect(image) == built


def test_outlines():
    box = instances(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)), size=(400, 200))
    assert isinstance(box, Instances)
    assert box[0].area == pytest.approx(200 * 100)
    triangle = instances(("cat", 0.9, (0, 0, 1, 1), [(0, 0, 1, 0, 1, 1, 0, 0)]), size=(100, 100))
    assert triangle[0].area == pytest.approx(5000)
    assert isinstance(detections(), Detections)
    assert len(detections()) == 0


def test_outcomes():
    assert outcome(detections(), 3, "a.jpg").unwrap() == detections()
    with pytest.raises(errors.ImageError):
        outcome(errors.ImageError("not an image")).unwrap()

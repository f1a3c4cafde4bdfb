"""Two deployments on the same images: what differs is told, what does not is not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from automl_cv_client.dataset import Row, row_of
from automl_cv_client.errors import InvalidInput
from automl_cv_client.evaluation import (
    compare,
    disagreement,
    least_sure_first,
    margin,
    most_disputed_first,
    prelabel,
)
from automl_cv_client.results import Failed, Outcome
from automl_cv_client.task import Task
from tests.evaluation.made import boxes_row, classification, detections, instances, multilabel

SQUARE = (0.1, 0.1, 0.5, 0.1, 0.5, 0.5, 0.1, 0.5)


def answers(right: float, seed: int, images: int = 200):
    random = np.random.default_rng(seed)
    probs = np.where(random.random(images) < right, 0.9, 0.1).tolist()
    return {f"{n}.jpg": classification(elapsed=0.1, cat=p, dog=1 - p) for n, p in enumerate(probs)}


ROWS: list[Row] = [row_of({"image_url": f"{n}.jpg", "label": "cat"}) for n in range(200)]


def test_a_clear_gain_is_called_better_and_a_loss_worse():
    comparison = compare(labels=ROWS, predictions=(answers(0.6, 1), answers(0.9, 2)), draws=200)
    verdicts = {side.metric: side.verdict for side in comparison.sides}
    assert verdicts == {"accuracy": "better", "log loss": "better"}
    (accuracy,) = [side for side in comparison.sides if side.metric == "accuracy"]
    assert accuracy.difference == pytest.approx(comparison.b["accuracy"] - comparison.a["accuracy"])  # type: ignore[operator]
    low, high = accuracy.interval
    assert low is not None
    assert high is not None
    assert 0.15 < low < accuracy.difference < high < 0.45  # type: ignore[operator]
    back = compare(labels=ROWS, predictions=(answers(0.9, 2), answers(0.6, 1)), draws=200)
    assert {side.verdict for side in back.sides} == {"worse"}


def test_chance_is_not_called_a_difference():
    comparison = compare(labels=ROWS, predictions=(answers(0.8, 1), answers(0.8, 2)), draws=200)
    assert {side.verdict for side in comparison.sides} == {"no clear difference"}
    same = compare(labels=ROWS, predictions=(answers(0.8, 1), answers(0.8, 1)), draws=50)
    assert (same.disagreeing, same.sides[0].difference) == (0, 0)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 60 comparisons of equals about 3 intervals may miss 0."""
    missed = 0
    for seed in range(60):
        equals = (answers(0.7, seed, 60), answers(0.7, 1000 + seed, 60))
        sides = compare(labels=ROWS[:60], predictions=equals, draws=100).sides
        missed += sides[0].verdict != "no clear difference"
    assert missed <= 9


def test_only_images_both_answered_count():
    a, b = answers(1.0, 1, 200), answers(1.0, 1, 200)
    del a["3.jpg"]
    failed = dict(b) | {"5.jpg": Failed(5, "5.jpg", error=InvalidInput("no"))}
    comparison = compare(labels=ROWS, predictions=(a, failed), draws=20)
    assert comparison.image_count == 198
    assert dict(comparison.left_out) == {"3.jpg": "no prediction for it", "5.jpg": "InvalidInput: no"}


def test_the_reports_of_a_comparison():
    both = (answers(0.6, 1), answers(0.9, 2))
    comparison = compare(labels=ROWS, predictions=both, draws=50, deployments=("blue", "green"))
    for text in (comparison.text(), comparison.markdown(), comparison.html()):
        assert "green against blue, 200 images" in text
        assert "better" in text
    assert json.loads(comparison.to_json())["sides"][0]["verdict"] == "better"
    assert "seconds a call (p50)" in comparison.text()


def test_objects_have_intervals_too():
    random = np.random.default_rng(0)
    rows, a, b = [], {}, {}
    for n in range(40):
        box = (0.1, 0.1, 0.5, 0.5)
        rows.append(boxes_row(f"{n}.jpg", ("cat", box)))
        a[f"{n}.jpg"] = detections(("cat", 0.9, box)) if random.random() < 0.5 else detections()
        b[f"{n}.jpg"] = detections(("cat", 0.9, box))
    comparison = compare(labels=rows, predictions=(a, b), draws=60)
    assert {side.metric: side.verdict for side in comparison.sides} == dict.fromkeys(("mAP", "AP50", "AP75"), "better")
    assert comparison.disagreements[0].amount == 1.0


@pytest.mark.parametrize("arguments", [{}, {"deployments": ("blue",)}, {"images": "."}])
def test_what_is_missing_is_said(arguments):
    with pytest.raises(InvalidInput, match=r"compare (needs|takes)"):
        compare(labels=ROWS, **arguments)


def test_the_least_sure_come_first():
    results = {
        "sure": classification(cat=0.99, dog=0.01),
        "torn": classification(cat=0.51, dog=0.49),
        "half": classification(cat=0.7, dog=0.3),
    }
    assert [example.image for example in least_sure_first(results)] == ["torn", "half", "sure"]
    assert margin(multilabel(cat=0.9, dog=0.45)) == pytest.approx(0.1)
    assert margin(detections(("cat", 0.9, (0, 0, 1, 1)), ("dog", 0.6, (0, 0, 1, 1)))) == pytest.approx(0.2)
    assert margin(detections()) == 0.5
    assert margin(classification(cat=float("nan"))) == 1.0


def test_the_most_disputed_come_first():
    a = {
        "same": classification(cat=0.9, dog=0.1),
        "far": classification(cat=0.9, dog=0.1),
        "only a": classification(cat=1.0),
    }
    b = {"same": classification(cat=0.9, dog=0.1), "far": classification(cat=0.1, dog=0.9)}
    ranked = most_disputed_first(a, b)
    assert [example.image for example in ranked] == ["far", "same"]
    assert [example.worth for example in ranked] == pytest.approx([0.8, 0.0])
    assert disagreement(multilabel(cat=0.9, dog=0.2), multilabel(cat=0.6, dog=0.2)) == pytest.approx(0.3)
    box, other = (0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0)
    assert disagreement(detections(("cat", 0.9, box)), detections(("cat", 0.8, box))) == 0
    assert disagreement(detections(("cat", 0.9, box)), detections(("dog", 0.8, box))) == 1
    assert disagreement(
        detections(("cat", 0.9, box)), detections(("cat", 0.9, box), ("cat", 0.9, other))
    ) == pytest.approx(1 / 3)


def test_predictions_become_rows_above_the_threshold():
    failed: Outcome[Any] = Failed(1, "e.jpg", error=InvalidInput("no"))
    predictions: dict[str, Any] = {
        "a.jpg": classification(cat=0.9, dog=0.1),
        "b.jpg": classification(cat=0.4, dog=0.3),
        "c.jpg": multilabel(cat=0.9, dog=0.7, cow=0.1),
        "d.jpg": detections(
            ("cat", 0.9, (-0.1, 0.0, 0.5, 0.5)), ("dog", 0.2, (0, 0, 1, 1)), ("dot", 0.9, (0, 0, 0, 1))
        ),
        "e.jpg": failed,
        "f.jpg": instances(("cat", 0.9, [SQUARE, (0.1, 0.1, 0.2, 0.2)]), ("none", 0.9, [])),
    }
    rows = list(prelabel(predictions, threshold=0.5))
    assert [(row.image_url, row.task) for row in rows] == [
        ("a.jpg", Task.CLASSIFICATION),
        ("c.jpg", Task.MULTILABEL),
        ("d.jpg", Task.DETECTION),
        ("f.jpg", Task.SEGMENTATION),
    ]
    assert [row.classes() for row in rows] == [["cat"], ["cat", "dog"], ["cat"], ["cat"]]
    assert rows[2].label[0].box == (0.0, 0.0, 0.5, 0.5)  # type: ignore[attr-defined]
    assert rows[3].label[0].polygon == (SQUARE,)  # type: ignore[attr-defined]
    from automl_cv_client.dataset import faults_of

    assert not [fault for row in rows for fault in faults_of(row) if fault.severity == "error"]
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        list(prelabel({}, threshold=2))


class Untouched:
    """A client that must not be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@pytest.mark.parametrize("threshold", [7, -0.1, "0.5", True])
def test_a_threshold_that_is_none_is_refused_before_anything_is_scored(threshold):
    with pytest.raises(InvalidInput, match="threshold must be between 0 and 1"):
        compare(Untouched(), labels=ROWS, images="nowhere", threshold=threshold)
    with pytest.raises(InvalidInput, match="threshold must be between 0 and 1"):
        next(prelabel({}, threshold=threshold))


def test_the_predictions_of_three_are_refused():
    with pytest.raises(InvalidInput, match="takes the predictions of two, not of 3"):
        compare(labels=ROWS, predictions=(answers(0.8, 1),) * 3)

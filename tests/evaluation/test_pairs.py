"""Predictions find their labels, from wherever they come; those without a partner are told, not hidden."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import errors
from automl_cv_client.dataset import row_of, write_jsonl
from automl_cv_client.evaluation import evaluate, read_results, write_results
from automl_cv_client.results import Failed, Outcome, Result, Scored
from tests.evaluation.made import boxes_row, classification, detections, instances, multilabel

BASE = "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/deep/images/"
ROWS = [row_of({"image_url": f"{BASE}{n}.jpg", "label": "cat"}) for n in range(3)]
CAT = classification(cat=0.9, dog=0.1)


@pytest.mark.parametrize(
    "name", [BASE + "{}.jpg", "deep/images/{}.jpg", "/home/me/images/{}.jpg", "C:\\images\\{}.jpg", "{}.jpg"]
)
def test_a_image_is_found_by_url_path_or_file_name(name):
    report = evaluate({name.format(n): CAT for n in range(3)}, ROWS)
    assert (report.image_count, report["accuracy"], report.left_out, report.unlabelled) == (3, 1.0, (), 0)


def test_a_file_name_that_two_images_have_tells_nothing():
    with pytest.raises(
        errors.InvalidInput, match=r"no labelled image has a usable prediction.*'a/0.jpg' and 'b/0.jpg'"
    ):
        evaluate({"a/0.jpg": CAT, "b/0.jpg": CAT}, ROWS)


def test_the_longest_common_end_of_the_path_counts():
    """Frames of two films have equal names; each is measured, with its own prediction."""
    labels = {"x/1.jpg": "cat", "y/1.jpg": "dog", "y/2.jpg": "cat"}
    rows = [
        row_of({"image_url": f"azureml://datastores/d/paths/{url}", "label": label}) for url, label in labels.items()
    ]
    predictions = {
        "/home/me/in/x/1.jpg": CAT,
        "C:\\in\\y\\1.jpg": classification(dog=0.9, cat=0.1),
        "/home/me/in/y/2.jpg": CAT,
    }
    report = evaluate(predictions, rows)
    assert (report.image_count, report["accuracy"], report.unlabelled) == (3, 1.0, 0)


def test_a_prediction_is_of_one_image_only():
    rows = [row_of({"image_url": f"{name}/1.jpg", "label": "cat"}) for name in ("x", "y")]
    report = evaluate({"/in/x/1.jpg": CAT}, rows)
    assert (report.image_count, report.left_out) == (1, (("y/1.jpg", "no prediction for it"),))
    with pytest.raises(errors.InvalidInput, match=r"'/in/1\.jpg' could be of 'x/1.jpg' and 'y/1.jpg'"):
        evaluate({"/in/1.jpg": CAT}, rows)


def test_an_image_that_could_be_either_of_two_is_left_out_with_both_names():
    rows = [row_of({"image_url": url, "label": "cat"}) for url in ("1.jpg", "2.jpg")]
    report = evaluate({"x/1.jpg": CAT, "y/1.jpg": CAT, "y/2.jpg": CAT}, rows)
    assert report.image_count == 1
    assert report.left_out == (("1.jpg", "two predictions could be of it: 'x/1.jpg' and 'y/1.jpg'"),)


def test_names_are_compared_in_any_unicode_form_and_percent_encoded():
    rows = [row_of({"image_url": "d/caf\u00e9%201.jpg", "label": "cat"})]
    assert evaluate({"/in/d/cafe\u0301 1.jpg": CAT}, rows).image_count == 1


@pytest.mark.parametrize("form", ["mapping", "pairs", "outcomes", "file"])
def test_predictions_come_in_any_form(tmp_path, form):
    pairs = [(f"{n}.jpg", CAT) for n in range(3)]
    outcomes = [Scored(n, Path(name), result) for n, (name, result) in enumerate(pairs)]
    write_results(pairs, tmp_path / "results.jsonl")
    forms = {"mapping": dict(pairs), "pairs": iter(pairs), "outcomes": outcomes, "file": tmp_path / "results.jsonl"}
    write_jsonl(ROWS, tmp_path / "labels.jsonl")
    assert evaluate(forms[form], tmp_path / "labels.jsonl")["accuracy"] == 1.0


def test_failed_and_missing_images_are_left_out_and_named():
    failed: Outcome[Any] = Failed(1, "1.jpg", error=errors.ImageError("the image is truncated"))
    report = evaluate([("0.jpg", CAT), ("1.jpg", failed), ("9.jpg", CAT)], ROWS)
    assert (report.image_count, report.unlabelled) == (1, 1)
    assert [reason for _, reason in report.left_out] == [
        "ImageError: the image is truncated",
        "no prediction for it",
    ]
    assert "2 labelled images have no result and are left out" in report.text()


@pytest.mark.parametrize(
    ("predictions", "labels", "says"),
    [
        ({}, ROWS, "there are no predictions"),
        ({"0.jpg": CAT}, [], "there are no labels"),
        ([("0.jpg", CAT), ("0.jpg", CAT)], ROWS, "two predictions for the image '0.jpg'"),
        ({"0.jpg": detections()}, ROWS, "labels are for image-classification, a result is a Detections"),
        ([Scored(0, b"bytes", CAT)], ROWS, "does not name its image"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(predictions, labels, says):
    with pytest.raises(errors.InvalidInput, match=says):
        evaluate(predictions, labels)


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(errors.InvalidInput, match="between 0 and 1"):
        evaluate({"0.jpg": CAT}, ROWS, threshold=50)


@pytest.mark.parametrize(
    "result",
    [
        CAT,
        classification(cat=float("nan")),
        multilabel(cat=0.5, dog=0.25),
        detections(("cat", 0.5, (0.1, 0.2, 0.3, 0.4))),
        detections(),
        instances(("cat", 0.5, [(0.1, 0.1, 0.5, 0.1, 0.5, 0.5)])),
    ],
)
def test_results_are_stored_and_read_back_the_same(tmp_path, result):
    assert write_results([("ü.jpg", result)], tmp_path / "r.jsonl") == 1
    ((name, again),) = read_results(tmp_path / "r.jsonl")
    assert isinstance(again, Result)
    assert (name, type(again), again.model_dump_json()) == ("ü.jpg", type(result), result.model_dump_json())


@pytest.mark.parametrize("line", ["{", "[]", '{"image_url": "a"', '{"image_url": "a", "task": "x", "result": {}}'])
def test_a_line_that_is_no_result_is_named(tmp_path, line):
    file = tmp_path / "r.jsonl"
    file.write_text(f"\n{line}\n")
    with pytest.raises(errors.InvalidInput, match=r"r\.jsonl, line 2: not a stored result"):
        list(read_results(file))


def test_results_of_a_task_that_is_none_are_refused(tmp_path):
    with pytest.raises(errors.InvalidInput, match="unknown task 'detection'"):  # not: line 1 is wrong
        next(read_results(tmp_path / "r.jsonl", "detection"))


def test_crowds_are_neither_found_nor_missed():
    crowd = boxes_row("a.jpg", ("cat", (0.0, 0.0, 1.0, 1.0), "crowd"), ("dog", (0.1, 0.1, 0.3, 0.3)))
    found = detections(("cat", 0.9, (0.2, 0.2, 0.4, 0.4)), ("dog", 0.8, (0.1, 0.1, 0.3, 0.3)))
    report = evaluate({"a.jpg": found}, [crowd])
    assert report["mAP"] == pytest.approx(1.0)
    assert (report["precision"], report["recall"]) == (1.0, 1.0)
    assert {label.label: label.support for label in report.classes} == {"cat": 0, "dog": 1}


def test_each_kind_of_wrong_object_is_told():
    row = boxes_row(
        "a.jpg", ("cat", (0.0, 0.0, 0.4, 0.4)), ("dog", (0.5, 0.5, 0.9, 0.9)), ("cow", (0.0, 0.6, 0.2, 0.8))
    )
    found = detections(
        ("cat", 0.9, (0.0, 0.0, 0.4, 0.4)),
        ("fox", 0.8, (0.5, 0.5, 0.9, 0.9)),
        ("emu", 0.7, (0.6, 0.0, 0.9, 0.2)),
        ("cow", 0.2, (0.0, 0.6, 0.2, 0.8)),
    )
    report = evaluate({"a.jpg": found}, [row])
    assert report.mistakes[0].says == "missed 'cow'; invented 'emu'; took 'dog' for 'fox'"
    assert report.confusion is not None
    labels, counts = report.confusion.labels, report.confusion.counts
    assert labels == ("cat", "cow", "dog", "emu", "fox", "(nothing)")
    assert counts[labels.index("dog")][labels.index("fox")] == 1
    assert counts[labels.index("cow")][-1] == 1
    assert counts[-1][labels.index("emu")] == 1
    assert json.loads(report.to_json())["mistakes"][0]["image_url"] == "a.jpg"


def test_the_results_of_a_batch_job_are_read(tmp_path):
    lines = [
        {"input": "images/0.jpg", "status": "ok", "result": CAT.model_dump(mode="json")},
        {"input": "images/1.jpg", "status": "error", "error": {"kind": "ImageDropped", "message": "left out"}},
    ]
    (tmp_path / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = evaluate(tmp_path / "results.jsonl", ROWS[:2])
    assert (report.image_count, report["accuracy"]) == (1, 1.0)
    assert report.left_out[0][1] == "AutoMLVisionError: ImageDropped: left out"

"""Training JSONL is read as it is meant, and refused with file and line where it cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl_cv_client import Task
from automl_cv_client.dataset import (
    ClassificationRow,
    DetectionRow,
    MultilabelRow,
    SegmentationRow,
    faults_of,
    read_jsonl,
    recognise_task,
    write_jsonl,
)
from automl_cv_client.errors import InvalidInput

SAMPLES = Path(__file__).parent / "samples"
URL = "azureml://datastores/d/paths/a.jpg"


@pytest.mark.parametrize(
    ("name", "kind", "rows", "classes"),
    [
        ("multiclass", ClassificationRow, 3, ["can", "milk_bottle", "water_bottle"]),
        ("multilabel", MultilabelRow, 3, ["can", "can", "milk_bottle", "carton", "milk_bottle", "water_bottle"]),
        ("detection", DetectionRow, 3, ["can", "carton", "milk_bottle", "carton", "milk_bottle", "water_bottle"]),
        ("segmentation", SegmentationRow, 3, ["can", "carton", "milk_bottle", "water_bottle", "milk_bottle"]),
        ("segmentation_over_several_lines", SegmentationRow, 1, ["can"]),
        ("detection_from_the_table", DetectionRow, 1, ["cat"]),
    ],
)
def test_every_example_of_the_documentation_reads(name, kind, rows, classes):
    read = list(read_jsonl(SAMPLES / f"{name}.jsonl"))
    assert [type(row) for row in read] == [kind] * rows
    assert [label for row in read for label in row.classes()] == classes
    assert recognise_task(SAMPLES / f"{name}.jsonl") is kind.task
    assert not [fault for row in read for fault in faults_of(row) if fault.severity == "error"]


def test_values_of_the_examples_are_exact():
    first, second, _ = read_jsonl(SAMPLES / "segmentation.jsonl")
    assert isinstance(first, SegmentationRow)
    assert isinstance(second, SegmentationRow)
    assert first.label[0].polygon[0][:4] == (0.577, 0.689, 0.567, 0.689)
    assert second.label[1].polygon[0][-4:] == (0.32, 0.588, 0.326, 0.579)
    assert first.image_details is not None
    assert (first.image_details.width, first.image_details.height) == (499, 666)
    (over_lines,) = read_jsonl(SAMPLES / "segmentation_over_several_lines.jsonl")
    assert isinstance(over_lines, SegmentationRow)
    assert over_lines.label[0].polygon == ((0.577, 0.689, 0.562, 0.681, 0.559, 0.686),)


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "detection", "segmentation"])
def test_the_documentations_templates_are_refused_with_the_placeholder(task):
    with pytest.raises(InvalidInput, match=rf"template_{task}.json, line 1: image_details.width.*'image_width'"):
        list(read_jsonl(SAMPLES / f"template_{task}.json"))


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff{"image_url": "a.jpg", "label": "cat"}',
        '{"image_url": "a.jpg", "label": "cat",}',
        '\n...\n{ "image_url" :"a.jpg",   "label":\t"cat" }\n\n',
        '{\n  "image_url": "a.jpg",\n  "label": "cat",\n}',
    ],
)
def test_what_people_write_by_hand_is_read_and_strict_refuses_it(tmp_path, text):
    file = tmp_path / "labels.jsonl"
    file.write_text(text, encoding="utf-8")
    assert list(read_jsonl(file)) == [ClassificationRow(image_url="a.jpg", label="cat")]
    if not text.startswith("\ufeff"):
        with pytest.raises(InvalidInput, match=r"labels\.jsonl, line 1"):
            list(read_jsonl(file, strict=True))


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ({"label": "can", "polygon": ["0.1", "0.32", 0.5, "0.6", 0.7, 0.8]}, SegmentationRow),
        ({"label": "can", "isCrowd": "true", "topX": "0.32", "topY": 0, "bottomX": 1, "bottomY": 1}, DetectionRow),
        ({"label": 7, "isCrowd": 1, "topX": 0, "topY": 0, "bottomX": 1, "bottomY": 1}, DetectionRow),
    ],
)
def test_numbers_in_quotes_flat_polygons_and_numbers_as_labels_are_read(label, kind):
    (row,) = read_jsonl([json.dumps({"image_url": URL, "label": [label]})])
    assert type(row) is kind
    if label["label"] == "can":
        with pytest.raises(InvalidInput, match="the lines given, line 1: label"):
            list(read_jsonl([json.dumps({"image_url": URL, "label": [label]})], strict=True))


@pytest.mark.parametrize("value", [0, 1, False, True])
def test_is_crowd_takes_all_four_ways_even_when_strict(value):
    box = {"label": "can", "isCrowd": value, "topX": 0.25, "topY": 0, "bottomX": 1, "bottomY": 1}
    (row,) = read_jsonl([json.dumps({"image_url": URL, "label": [box]})], strict=True)
    assert isinstance(row, DetectionRow)
    assert row.label[0].crowd is bool(value)


def test_an_unclosed_row_costs_itself_only():
    lines = ['{"image_url": "a.jpg", "label": "cat"', '{"image_url": "b.jpg", "label": "dog"}']
    reading = read_jsonl(lines, task="image-classification")
    with pytest.raises(InvalidInput, match="line 1: not JSON"):
        next(reading)
    from automl_cv_client.dataset.reading import read_rows

    assert [(row.number, bool(row.problem)) for row in read_rows(lines)] == [(1, True), (2, False)]


def test_a_comma_inside_a_string_stays():
    (row,) = read_jsonl(['{"image_url": "a,}.jpg", "label": "cat,]", }'])
    assert row == ClassificationRow(image_url="a,}.jpg", label="cat,]")


def test_empty_lists_take_the_task_of_the_other_rows(tmp_path):
    empty, full = {"image_url": "a.jpg", "label": []}, {"image_url": "b.jpg", "label": ["cat"]}
    rows = list(read_jsonl([json.dumps(empty), json.dumps(full)]))
    assert [row.task for row in rows] == [Task.MULTILABEL] * 2
    file = tmp_path / "empty.jsonl"
    file.write_text(json.dumps(empty))
    with pytest.raises(InvalidInput, match="no row tells the task"):
        recognise_task(file)


def test_strict_refuses_a_box_outside_its_image():
    box = {"label": "can", "topX": 0.5, "topY": 0, "bottomX": 1.5, "bottomY": 1}
    line = json.dumps({"image_url": URL, "label": [box]})
    assert len(list(read_jsonl([line]))) == 1
    with pytest.raises(InvalidInput, match=r"line 1: label\[0\]: bottomX is 1.5"):
        list(read_jsonl([line], strict=True))


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "detection", "segmentation"])
def test_written_rows_read_back_the_same_even_strictly(tmp_path, task):
    rows = list(read_jsonl(SAMPLES / f"{task}.jsonl"))
    assert write_jsonl(rows, tmp_path / "again.jsonl") == 3
    assert list(read_jsonl(tmp_path / "again.jsonl", strict=True)) == rows
    assert len((tmp_path / "again.jsonl").read_text().splitlines()) == 3


def test_unknown_keys_and_odd_letters_survive(tmp_path):
    values = {"image_url": "ü/猫.jpg", "label": "\u2028 \u0000 \U0001f600", "reviewer": {"name": "x"}}
    write_jsonl([values], tmp_path / "a.jsonl")
    (row,) = read_jsonl(tmp_path / "a.jsonl")
    assert row.to_json() == values


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text("old")

    def rows() -> Iterator[dict[str, str]]:
        yield {"image_url": "a.jpg", "label": "cat"}
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_jsonl(rows(), file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    assert file.read_text() == "old"


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot read gone\.jsonl: No such file"):
        list(read_jsonl(tmp_path / "gone.jsonl"))
    (tmp_path / "latin.jsonl").write_bytes(b'{"image_url": "\xff"}')
    with pytest.raises(InvalidInput, match=r"latin\.jsonl: it is not UTF-8"):
        list(read_jsonl(tmp_path / "latin.jsonl"))
    with pytest.raises(InvalidInput, match=r"cannot write a\.jsonl: No such file"):
        write_jsonl([], tmp_path / "gone" / "a.jsonl")

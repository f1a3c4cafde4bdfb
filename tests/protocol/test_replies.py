"""Every reply in tests/wire/samples is read as its about.json says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_cv_client._protocol.replies import WrongShape, read_rows, result_of
from automl_cv_client.geometry import Size
from automl_cv_client.results import CallInfo, ImageInfo
from automl_cv_client.task import Task

SAMPLES = Path(__file__).parents[1] / "wire" / "samples"
CASES = sorted(path.parent for path in SAMPLES.glob("*/*/reply.body"))
SIZE = Size(400, 200)
IMAGE = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)


def case_id(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def read(folder: Path, **options: Any) -> tuple[dict[str, Any], list[Any]]:
    about = json.loads((folder / "about.json").read_text())
    task = Task(folder.parent.name)
    rows = read_rows((folder / "reply.body").read_bytes(), task, **options)
    return about, [result_of(task, row, IMAGE, CallInfo()) for row in rows]


@pytest.mark.parametrize("folder", CASES, ids=case_id)
def test_a_captured_reply_is_read(folder: Path) -> None:
    about, results = read(folder)
    assert len(results) == about.get("rows", about["images"])
    if "labels" in about:
        assert [[detection.label for detection in result] for result in results] == about["labels"]
    if "top" in about:
        assert [result.top(1)[0].label for result in results] == about["top"]
    if "above" in about:
        assert [detection.label for detection in results[0].above()] == about["above"]
    if "areas" in about:
        assert [round(result.area, 6) for result in results[0]] == [share * 400 * 200 for share in about["areas"]]
    assert [sorted(result.extra) for result in results] == [about.get("extra_keys", [])] * len(results)


@pytest.mark.parametrize("folder", CASES, ids=case_id)
def test_strict_refuses_what_is_not_todays_form(folder: Path) -> None:
    about = json.loads((folder / "about.json").read_text())
    if about.get("other_form") or about.get("unknown") or about.get("extra_keys"):
        with pytest.raises(WrongShape):
            read(folder, strict=True)
    else:
        assert repr(read(folder, strict=True)[1]) == repr(read(folder)[1])


@pytest.mark.parametrize("folder", CASES, ids=case_id)
def test_a_result_survives_json(folder: Path) -> None:
    for result in read(folder)[1]:
        again = type(result).model_validate_json(result.model_dump_json())
        assert again.model_dump_json() == result.model_dump_json()
        if "nan" not in folder.name:
            assert again == result
            assert hash(again) == hash(result)


def test_there_are_samples_of_all_tasks() -> None:
    assert {path.parent.name for path in CASES} == {task.value for task in Task}


BOXES = b'[{"boxes": [{"box": {"topX": 0, "topY": 0, "bottomX": 1, "bottomY": 1}, "label": "a", "score": 1}]}]'
POLYGONS = BOXES.replace(b'"score"', b'"polygon": [[0, 0, 1, 0, 1, 1]], "score"')
PROBS = b'[{"probs": [0.5, 0.5], "labels": ["a", "b"]}]'


@pytest.mark.bar(24)
@pytest.mark.parametrize(
    ("task", "body", "words"),
    [
        (Task.CLASSIFICATION, BOXES, "this endpoint answers with boxes: use detect"),
        (Task.MULTILABEL, POLYGONS, "this endpoint answers with boxes: use segment"),
        (Task.CLASSIFICATION, b'[{"boxes": []}]', "use detect or segment"),
        (Task.DETECTION, PROBS, "class probabilities: use classify or classify_multilabel"),
        (Task.SEGMENTATION, PROBS, "class probabilities: use classify or classify_multilabel"),
        (Task.SEGMENTATION, BOXES, "boxes but no polygons: use detect"),
        (Task.DETECTION, b'{"message": "no"}', r"an object with the keys \['message'\]"),
        (Task.DETECTION, b'[{"message": "no"}]', "a message, not a score"),
        (Task.DETECTION, b"<html>", "not JSON"),
        (Task.DETECTION, b"17", "neither a list nor an object: int"),
        (Task.DETECTION, b"[17]", r"at \[0\]"),
        (Task.DETECTION, BOXES.replace(b'"score": 1', b'"score": "1"'), r"at \[0\].boxes\[0\].score"),
        (Task.DETECTION, BOXES.replace(b'"score": 1', b'"score": true'), "score"),
        (Task.DETECTION, BOXES.replace(b'"a"', b"null"), "label"),
        (Task.DETECTION, BOXES.replace(b'"topX": 0', b'"topX": null'), "topX"),
        (Task.CLASSIFICATION, b'[{"probs": [0.5], "labels": ["a", "b"]}]', "1 probs for 2 labels"),
        (Task.CLASSIFICATION, b'[{"probs": [], "labels": []}]', "0 probs for 0 labels"),
        (Task.DETECTION, b"[" * 5000, "not JSON"),
        (Task.DETECTION, b'["\\ud800"]', "not JSON"),
        (Task.DETECTION, b"\xff\xfe", "not JSON"),
    ],
)
def test_another_shape_is_named(task: Task, body: bytes, words: str) -> None:
    with pytest.raises(WrongShape, match=words) as caught:
        read_rows(body, task)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None  # pydantic's error would keep the whole reply alive


def test_detect_takes_a_segmentation_reply_and_keeps_its_polygons() -> None:
    (row,) = read_rows(POLYGONS, Task.DETECTION)
    result: Any = result_of(Task.DETECTION, row, IMAGE, CallInfo())
    assert result[0].extra == {"polygon": [[0, 0, 1, 0, 1, 1]]}


@pytest.mark.bar(24)
def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    (row,) = read_rows(b'[{"boxes": [], "boxes": [], "a": 1, "a": 2}]', Task.DETECTION)
    assert row["a"] == 2


@pytest.mark.bar(24)
def test_a_byte_order_mark_is_no_matter() -> None:
    assert read_rows(b"\xef\xbb\xbf" + BOXES, Task.DETECTION) == read_rows(BOXES, Task.DETECTION)


@pytest.mark.bar(24)
def test_not_a_number_stays_not_a_number() -> None:
    _, (result,) = read(SAMPLES / "image-object-detection" / "nan")
    assert math.isnan(result[0].score)
    assert math.isinf(result[0].pixel_box.right)


UNKNOWN = [
    ('"score": 1', '"score": 1, "id": 7', {"id": 7}),
    ('"score": 1', '"score" : 1, "id" : {"a": [1]}', {"id": {"a": [1]}}),
    ('"score": 1', '"score": 1, "extra": null, "polygons": 3', {"extra": None, "polygons": 3}),
    ('"bottomY": 1', '"bottomY": 1, "angle": 45', {"box": {"angle": 45}}),
    ('"topX": 0', '"angle":45, "topX" :0', {"box": {"angle": 45}}),
    ('"score": 1', '"score": 1, "score": 1', None),
    ('"score": 1', '"score": 1, "score": 1, "id": 7', {"id": 7}),
    ('"a"', '"a:b::c"', None),
    ('"a"', r'"\"id\": 7"', None),
]


@pytest.mark.parametrize(("known", "changed", "extra"), UNKNOWN)
@pytest.mark.parametrize("task", [Task.DETECTION, Task.SEGMENTATION])
def test_unknown_keys_of_objects_and_boxes_are_kept(task: Task, known: str, changed: str, extra: Any) -> None:
    body = (BOXES if task is Task.DETECTION else POLYGONS).replace(known.encode(), changed.encode())
    (row,) = read_rows(body, task)
    result: Any = result_of(task, row, IMAGE, CallInfo())
    (detection,) = result
    assert detection.extra == extra
    assert detection.box == (0, 0, 1, 1)
    assert detection.score == 1
    if extra is not None:
        with pytest.raises(WrongShape, match="unknown keys"):
            read_rows(body, task, strict=True)


@given(
    st.lists(st.text(max_size=6), max_size=4),
    st.dictionaries(st.sampled_from(["id", "a:b", "", "box2", "extra", '"']), st.text(max_size=4), max_size=2),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]),
    st.booleans(),
)
@settings(max_examples=150)
def test_no_key_is_lost(labels: list[str], more: dict[str, str], separators: tuple[str, str], ascii_only: bool) -> None:
    """Whatever colons the texts hold, and however the server spaces its JSON."""
    box = {"topX": 0.0, "topY": 0.0, "bottomX": 1.0, "bottomY": 1.0}
    rows = [{"boxes": [{"label": label, "score": 0.5, "box": box, **more} for label in labels], "note": ":"}]
    body = json.dumps(rows, separators=separators, ensure_ascii=ascii_only).encode()
    (row,) = read_rows(body, Task.DETECTION)
    result: Any = result_of(Task.DETECTION, row, IMAGE, CallInfo())
    assert result.extra == {"note": ":"}
    assert [detection.label for detection in result] == labels
    assert [detection.extra or {} for detection in result] == [more] * len(labels)

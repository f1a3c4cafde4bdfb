"""Every form with hostile names, labels and numbers, whole and cut at any byte: right, or an error with its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client import Task
from automl_cv_client.batch import read_batch_output

NAMES = (
    "1.png",
    "a/1.png",
    "a/b/1.png",
    "a/b/2.png",
    "x\n1.png {'boxes':[]}\ny.png",  # a row of another image, where it is read by itself
    'x\n1.png "{""boxes"": []}"\n.png',
    "x\n['1.png', {'boxes': []}]\n.png",
    'x\r\n{"filename": "1.png", "boxes": []}\r\n.png',
    'say "cheese".png',
    "a/K\u00e4se \\n.png",
    "{y}.png",
    "['a'].png",
    "(x, y).png",
    '{"filename": "1.png"}.png',
    "a, b'c.png",
    "\u6f22\u5b57 =1+1.png",
    "1",
)
"""All of them are in the folder, whichever have a row."""

Writer = Callable[[str, Any], str]


def frame(*cells: str) -> str:
    """A line as ``DataFrame.to_csv(sep=" ", header=False, index=False)`` writes it."""
    line = io.StringIO()
    csv.writer(line, delimiter=" ", lineterminator="\n").writerow(cells)
    return line.getvalue()


FORMS: dict[str, Writer] = {
    "data frame, JSON": lambda name, value: frame(name, json.dumps(value)),
    "data frame, Python": lambda name, value: frame(name, str(value)),
    "data frame, one column": lambda name, value: frame(json.dumps({"filename": name, **value})),
    "list of name and text": lambda name, value: f"{[name, str(value)]}\n",
    "list of name and value": lambda name, value: f"{[name, value]}\n",
    "tuple of name and JSON": lambda name, value: f"{(name, json.dumps(value))}\n",
    "JSON objects": lambda name, value: json.dumps({"filename": name, **value}) + "\n",
    "JSON objects, not ASCII": lambda name, value: json.dumps({**value, "filename": name}, ensure_ascii=False) + "\n",
}
ROOTS = ("", "/mnt/azureml/cr/j/1/wd/INPUT_images/", "/a/", "./")
HOSTILE = (
    "1.png",
    "{'boxes': []}",
    '"',
    "'",
    "\n",
    "\r",
    "\\",
    " ",
    "[",
    "{",
    "}",
    "]",
    "nan",
    "=1+1",
    "\x00",
    "\ud83d\ude00",
)
LABELS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.lists(st.sampled_from(HOSTILE), max_size=6)
    .map("".join)
    .map(lambda text: text.encode("utf-16", "surrogatepass"))
    .map(lambda text: text.decode("utf-16", "replace")),
)
NUMBERS = st.one_of(
    st.floats(0, 1), st.sampled_from([0, 1, math.nan, math.inf, -0.0, 1e-320, 0.1 + 0.2, 1 - 1e-16, 5e-324])
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "photos"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name, "PNG")
    return folder


def result_of(task: Task, label: str, number: float) -> dict[str, Any]:
    if task is Task.DETECTION:
        box = {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}
        return {"boxes": [{"box": box, "label": label, "score": number}]}
    return {"probs": [number, 0.25], "labels": [label, f"{label}2"]}


def said(task: Task, result: Any) -> tuple[str, float]:
    if task is Task.DETECTION:
        (detection,) = result
        assert detection.box == (0.25, 0.5, 0.75, 1.0)
        return detection.label, detection.score
    assert result.probs[1] == 0.25
    assert result.labels[1] == f"{result.labels[0]}2"
    return result.labels[0], result.probs[0]


@pytest.mark.parametrize("form", FORMS)
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_right_or_an_error_with_its_line(form: str, photos: Path, data: st.DataObject) -> None:
    draw = data.draw
    task = draw(st.sampled_from([Task.DETECTION, Task.MULTILABEL]))
    order = draw(st.permutations(NAMES))[: draw(st.integers(1, len(NAMES)))]
    rows = {name: (draw(LABELS), draw(NUMBERS)) for name in order}
    root = draw(st.sampled_from(ROOTS))
    text = "".join(FORMS[form](root + name, result_of(task, *row)) for name, row in rows.items()).encode()
    cut = draw(st.one_of(st.none(), st.integers(0, len(text))))
    whole = cut is None or cut == len(text)
    file = photos.parent / "predictions.csv"
    file.write_bytes(gzip.compress(text[:cut]) if draw(st.booleans()) else text[:cut])
    output = read_batch_output(file, task=task, images=photos)
    outcomes = {str(Path(outcome.input).relative_to(photos)): outcome for outcome in output[: len(NAMES) - 1]}
    for outcome in output[len(NAMES) - 1 :]:
        if outcome.ok:  # the file named 1, which is no image by its name
            outcomes["1"] = outcome
    for name, outcome in outcomes.items():
        if not outcome.ok:
            assert "has no row for it" in str(outcome.error)
            continue
        label, number = said(task, outcome.unwrap())
        assert label == rows[name][0]
        assert repr(float(number)) == repr(float(rows[name][1]))
    strays = [outcome for outcome in output[len(NAMES) - 1 :] if not outcome.ok]
    assert all(re.search(r"predictions\.csv, line \d+: ", str(outcome.error)) for outcome in strays)
    if whole:
        unread = {name for name in rows if name not in outcomes or not outcomes[name].ok}
        ambiguous = [outcome for outcome in strays if "two files could be meant" in str(outcome.error)]
        assert len(unread) == len(ambiguous)
        assert not unread or root in ("", "./") or len(rows) < len(NAMES)

"""Exports and sources: every format holds every image; every kind of source is read."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from automl_cv_client import Client, Task, errors
from automl_cv_client.batch import export, export_outcomes, progress_bar, score_folder
from automl_cv_client.batch.ledger import Finished, Ledger, State
from automl_cv_client.batch.sources import names_of
from automl_cv_client.batch.summary import Progress
from automl_cv_client.integrations.arrow import row_of, row_of_record, schema
from automl_cv_client.results import Failed, Outcome, Scored
from automl_cv_client.testing import detections
from tests.batch.jobs import images, reply
from tests.capped import capped

ROWS = {Task.CLASSIFICATION: 1, Task.MULTILABEL: 2, Task.DETECTION: 2, Task.SEGMENTATION: 1}


def job(tmp_path: Path, task: Task) -> Path:
    """A finished job of two good images and a bad one."""
    images(tmp_path / "in", 2)
    (tmp_path / "in" / "=bad.png").write_bytes(b"no image")
    with capped(reply(task), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "out", task, formats=("jsonl", "csv", "parquet"))
    return tmp_path / "out"


@pytest.mark.parametrize("task", Task, ids=lambda task: task.method)
def test_csv_and_parquet_agree(task: Task, tmp_path: Path) -> None:
    out = job(tmp_path, task)
    table = pyarrow.parquet.read_table(out / "results.parquet").to_pylist()
    cells = [*csv.DictReader(io.StringIO((out / "results.csv").read_text()))]
    assert len(table) == len(cells) == 2 * ROWS[task] + 1
    for row, cell in zip(table, cells, strict=True):
        assert cell["input"] == row["input"]
        assert cell["status"] == row["status"]
        assert (float(cell["score"]) if cell["score"] else None) == row["score"]
    failed = [row for row in table if row["status"] == "error"]
    assert [Path(row["input"]).name for row in failed] == ["=bad.png"]
    assert failed[0]["error"].startswith("ImageError: ")


@pytest.mark.parametrize("task", Task, ids=lambda task: task.method)
def test_nested_parquet_is_what_the_engines_give(task: Task, tmp_path: Path) -> None:
    """The same columns, and in them what one process's outcomes say."""
    out = job(tmp_path, task)
    file = export(out, "parquet", nested=True)
    table = pyarrow.parquet.read_table(file)
    assert table.schema.equals(schema(task, keep=pyarrow.schema([("input", pyarrow.string())])))
    rows = {row.pop("input"): row for row in table.to_pylist()}
    with capped(reply(task), service=0) as server, Client(server.url, "k") as client:
        expected = {str(outcome.input): outcome for outcome in client.score_many(sorted(rows), task)}
    wanted = pyarrow.Table.from_pylist([row_of(outcome, task) for outcome in expected.values()], schema(task))
    for name, whole in zip(expected, wanted.to_pylist(), strict=True):
        assert same_but_the_call(rows[name]) == same_but_the_call(whole)
    failed = [row["error"] for row in rows.values() if row["error"]]
    assert [(error["kind"], error["final"]) for error in failed] == [("ImageError", True)]


def same_but_the_call(row: dict[str, Any]) -> dict[str, Any]:
    """How long it took and which request it was is of each call its own."""
    result = row["result"] and {**json.loads(row["result"]), "call": None}
    call = row["call"] and {**row["call"], "seconds": None}
    return {**row, "result": result, "call": call}


def test_outcomes_of_no_job_are_exported_nested_too(tmp_path: Path) -> None:
    found = detections(("cup", 0.9, (0, 0, 1, 1)), ("cup", math.nan, (0, 0, 1, 1)))
    outcomes: list[Outcome[Any]] = [Scored(0, "a.jpg", found), Failed(1, "b.jpg", error=errors.BatchError("lost"))]
    file = export_outcomes(outcomes, Task.DETECTION, tmp_path / "rows.parquet", "parquet", nested=True)
    first, last = pyarrow.parquet.read_table(file).to_pylist()
    assert (first["input"], first["objects"][0]["right"], first["call"]["scores_missing"]) == ("a.jpg", 1, 1)
    assert (last["input"], last["error"]["message"], last["objects"]) == ("b.jpg", "lost", None)


def test_a_record_of_an_older_version_does_not_say_whether_an_error_is_final(tmp_path: Path) -> None:
    row = row_of_record(False, '{"kind": "ImageError", "message": "no image", "attempts": 2}', Task.DETECTION)
    assert (row["error"]["final"], row["error"]["attempts"], row["error"]["reason"]) == (None, 2, None)


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_only_parquet_has_nested_columns(format: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match=f"only parquet has nested columns, not {format}"):
        export(tmp_path, format, nested=True)
    assert not [*tmp_path.iterdir()]


def test_csv_cells_are_no_formulas(tmp_path: Path) -> None:
    out = job(tmp_path, Task.CLASSIFICATION)
    labels = {row["label"] for row in csv.DictReader(io.StringIO((out / "results.csv").read_text()))}
    assert labels == {"'=dog", ""}


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_label_begins_as_a_formula_does(label: str, tmp_path: Path) -> None:
    with capped(json.dumps([{"probs": [1.0], "labels": [label]}]).encode(), service=0) as server:
        images(tmp_path / "in", 1)
        with Client(server.url, "k") as client:
            score_folder(client, tmp_path / "in", tmp_path / "out", Task.CLASSIFICATION, formats=("csv",))
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["label"] == "'" + label


def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut then finds the old file or the new one, whole."""
    out = job(tmp_path, Task.DETECTION)
    events: list[str] = []
    fsync, replace = os.fsync, os.replace

    def syncs(handle: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"{os.fstat(handle).st_size} bytes")
        fsync(handle)

    def replaces(old: Path, new: Path) -> None:
        events.append("name")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", syncs)
    monkeypatch.setattr(os, "replace", replaces)
    size = export(out, "jsonl").stat().st_size
    assert events == [f"{size} bytes", "name", "folder"]


def test_an_export_elsewhere(tmp_path: Path) -> None:
    out = job(tmp_path, Task.DETECTION)
    target = export(out, "jsonl", tmp_path / "mine.jsonl")
    assert target.read_bytes() == (out / "results.jsonl").read_bytes()
    with pytest.raises(errors.BatchError, match="cannot write"):
        export(out, "csv", tmp_path / "no" / "such" / "folder.csv")


class TestSources:
    def test_a_folder(self, tmp_path: Path) -> None:
        paths = images(tmp_path / "a", 2) + images(tmp_path / "a" / "deep", 1)
        (tmp_path / "a" / "notes.txt").write_text("no image")
        assert [*names_of(tmp_path / "a")] == [str(path) for path in paths]

    def test_a_pattern(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = images(tmp_path / "a", 3)
        monkeypatch.chdir(tmp_path)
        assert [*names_of("a/000[12].png")] == [str(path) for path in paths[1:]]

    def test_a_list(self, tmp_path: Path) -> None:
        paths = images(tmp_path / "a", 2)
        (tmp_path / "list.txt").write_text(f"a/0000.png\r\n\n{paths[1]}\n")
        assert [*names_of(tmp_path / "list.txt")] == [str(path) for path in paths]

    def test_training_data(self, tmp_path: Path) -> None:
        paths = images(tmp_path / "a", 2)
        urls = ["azureml://subscriptions/s/datastores/d/paths/data/a/0000.png", "a/0001.png", "../../etc/passwd"]
        (tmp_path / "train.jsonl").write_text("".join(json.dumps({"image_url": url}) + "\n" for url in urls))
        assert [*names_of(tmp_path / "train.jsonl")] == [*map(str, paths), str(tmp_path / "etc" / "passwd")]
        (tmp_path / "train.jsonl").write_text('{"image_url": "a.png"}\n{"label": 1}\n')
        with pytest.raises(errors.BatchError, match="line 2"):
            list(names_of(tmp_path / "train.jsonl"))

    def test_standard_input(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "stdin", io.StringIO("a.png\n/b.png\n"))
        assert [*names_of("-")] == [str(tmp_path / "a.png"), "/b.png"]

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(errors.BatchError, match="no folder, file or pattern"):
            names_of(tmp_path / "nothing")


class TestLedger:
    def test_names_are_kept_once_and_in_order(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path)
        ledger.add(["b", "a", "b", "file\udcff"])
        ledger.add(["c", "a", "b"])
        assert [image.name for image in ledger.to_do()] == ["b", "a", "file\udcff", "c"]
        ledger.close()

    def test_a_job_that_grew_in_the_middle(self, tmp_path: Path) -> None:
        ledger = Ledger(tmp_path)
        ledger.add(str(n) for n in range(0, 30_000, 2))
        ledger.record(Finished(image.id, True, "{}") for image in ledger.to_do())
        ledger.add(str(n) for n in range(30_000))
        assert ledger.counts() == {State.TO_DO: 15_000, State.OK: 15_000, State.ERROR: 0}
        ledger.close()


def test_no_bar_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar() as show:
        show(Progress(10, 5, 0, 1.0, 5.0, 2, 2))
    assert capsys.readouterr() == ("", "")

"""Sources and file names as they are found in the wild: one record per image, or one clear error that says why not."""

from __future__ import annotations

import csv
import io
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from automl_cv_client import Client, Detections, Task, errors
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.batch import export, score_folder, status
from automl_cv_client.batch.ledger import Ledger
from automl_cv_client.batch.sources import names_of
from tests.batch.jobs import images, lines, reply
from tests.capped import capped

NAMES = [b"a\n.png", b"b\xff\xfe.png", b"c'\"c.png", b"=d.png", b"\x1b[31m.png", b"f\r.png"]
NOWHERE = "http://127.0.0.1:9/score"


def test_file_names_of_any_bytes(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "in")
    os.mkdir(folder)
    for name in NAMES:
        Path(os.fsdecode(os.path.join(folder, name))).write_bytes(grey_png(4))
    Path(os.fsdecode(os.path.join(folder, b"no\xff.png"))).write_bytes(b"no image")
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        done = score_folder(
            client, tmp_path / "in", tmp_path / "out", Task.DETECTION, formats=("jsonl", "csv", "parquet")
        )
        again = score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
    assert (done.ok, done.failed, again.scored) == (len(NAMES), 1, 1)
    assert {os.path.basename(os.fsencode(line["input"])) for line in lines(tmp_path / "out")} == {*NAMES, b"no\xff.png"}
    table = pyarrow.parquet.read_table(tmp_path / "out" / "results.parquet").to_pylist()
    with (tmp_path / "out" / "results.csv").open(newline="", encoding="utf-8") as file:
        cells = [*csv.DictReader(file)]
    assert [cell["input"] for cell in cells] == [row["input"] for row in table]
    assert len(table) == 2 * len(NAMES) + 1


def test_a_result_of_a_file_whose_name_is_no_text_is_json_and_back(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), b"b\xff.png")))
    path.write_bytes(grey_png(4))
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        found = client.detect(path)
    assert found.image.source == str(path)  # can be opened again
    assert Detections.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"\xef\xbb\xbfa.png\r\nb.png", ["a.png", "b.png"]),  # as Windows writes it
        (b"a\rb.png\n\n c.png\n", ["a\rb.png", " c.png"]),
        (b"a\xff.png\n", ["a\udcff.png"]),
        (b"", []),
    ],
)
def test_list_files(content: bytes, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    assert [*names_of(tmp_path / "list.txt")] == [str(tmp_path / name) for name in names]


def test_standard_input_need_not_be_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\xff.png\nb\r.png\n"), encoding="utf-8"))
    assert [*names_of("-")] == [str(tmp_path / "a\udcff.png"), str(tmp_path / "b\r.png")]


def test_names_are_taken_as_they_are_but_lines_of_an_open_file_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png\n").touch()
    assert [*names_of("*")] == [*names_of(["a.png\n"])] == [str(tmp_path / "a.png\n")]
    assert [*names_of(io.StringIO("a.png\nb.png\n"))] == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


@pytest.mark.parametrize("source", [b"a/folder", 7, None, [7], [b"\x89PNG"], [None]], ids=repr)
def test_what_holds_no_paths(source: Any, tmp_path: Path) -> None:
    with Client(NOWHERE, "k") as client, pytest.raises(errors.InvalidInput, match=r"one image, or none|not a path"):
        score_folder(client, source, tmp_path / "out", Task.DETECTION)


def test_one_image_is_not_read_as_a_list(tmp_path: Path) -> None:
    (path,) = images(tmp_path, 1)
    assert [*names_of(path)] == [str(path)]


def test_a_source_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    with Client(NOWHERE, "k") as client, pytest.raises(errors.BatchError, match="no folder, file or pattern"):
        score_folder(client, tmp_path / "none", tmp_path / "out", Task.DETECTION)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_read_stops_the_job_as_its_images_would_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(tmp_path / "in" / "locked", 2)
    scandir = os.scandir

    def refuses(folder: Any) -> Any:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuses)
    with Client(NOWHERE, "k") as client, pytest.raises(errors.BatchError, match=r"cannot read .*locked.*Permission"):
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)


def test_half_a_character_harms_only_its_own_image(tmp_path: Path) -> None:
    (good,) = images(tmp_path / "in", 1)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        done = score_folder(client, ["\ud83d.png", str(good)], tmp_path / "out", Task.DETECTION)
    assert (done.ok, done.errors) == (1, {"ImageError": 1})


def test_the_same_image_under_one_path_is_one_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images(tmp_path, 1)
    monkeypatch.chdir(tmp_path)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        done = score_folder(client, ["0000.png", "./0000.png", tmp_path / "0000.png"], "out", Task.DETECTION)
        assert (done.total, len(server.received)) == (1, 1)


def test_images_that_vanish_or_change_between_runs(tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 4)
    for path in paths[2:]:
        path.write_bytes(b"no image")
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
        paths[0].unlink()  # has a result, which is kept
        paths[2].unlink()  # failed, and cannot be retried
        paths[3].write_bytes(grey_png(4))  # failed, and is fixed
        done = score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
    assert (done.total, done.ok, done.failed, done.scored) == (4, 3, 1, 2)
    (failed,) = (line for line in lines(tmp_path / "out") if line["status"] == "error")
    assert failed["input"] == str(paths[2])
    assert "no such file" in failed["error"]["message"]


def test_a_job_killed_before_it_knew_what_it_was_has_not_begun(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    for look in (status, export):
        with pytest.raises(errors.BatchError, match="has not begun"):
            look(tmp_path)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="Linux only")
def test_a_job_that_is_refused_leaves_no_file_open(tmp_path: Path) -> None:
    images(tmp_path / "in", 1)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
        with pytest.raises(errors.BatchError, match="another job") as caught:
            score_folder(client, tmp_path / "in", tmp_path / "out", Task.SEGMENTATION)
        handles = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
        opened = [os.readlink(handle) for handle in handles if os.path.lexists(handle)]
        assert not [name for name in opened if name.startswith(str(tmp_path))]
    assert caught.value


def test_a_job_on_a_medium_that_is_read_only_can_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite could not make its files there, so it must not try to."""
    images(tmp_path / "in", 2)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
    before = sorted(os.listdir(tmp_path / "out"))
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "out" and access(path, mode))
    ledger = Ledger(tmp_path / "out", reading=True)
    try:
        assert len([*ledger.finished()]) == 2
        assert sorted(os.listdir(tmp_path / "out")) == before
    finally:
        ledger.close()
    assert status(tmp_path / "out").ok == 2


def test_what_a_killed_export_left_is_gone_after_the_next_run(tmp_path: Path) -> None:
    images(tmp_path / "in", 1)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
        (tmp_path / "out" / ".results.jsonl.partial").write_bytes(b"half of a li")
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
    assert sorted(os.listdir(tmp_path / "out")) == [".lock", "ledger.sqlite", "results.jsonl"]

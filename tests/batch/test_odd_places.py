"""Folders, lists and job folders as an operator may meet them: no image is lost silently, nothing waits for ever."""

from __future__ import annotations

import errno
import inspect
import io
import json
import os
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import Client, Task, errors
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.batch import export, score_folder, status
from automl_cv_client.batch.sources import names_of
from tests.batch.jobs import images, lines, reply
from tests.batch.test_folder import DETECTION, Score, score
from tests.capped import capped

__all__ = ["score"]  # the fixture

NOWHERE = "http://127.0.0.1:9/score"


def names(source: Any, folder: Path) -> list[str]:
    return [os.path.relpath(name, folder) for name in names_of(source)]


def test_what_a_folder_may_hold_besides_images(tmp_path: Path) -> None:
    images(tmp_path, 1)
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "loop").symlink_to(tmp_path)
    (tmp_path / "0000.PNG").write_bytes(b"another file, but for Windows")
    os.link(tmp_path / "0000.png", tmp_path / "hard.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "self.png").symlink_to("self.png")
    (tmp_path / "gone.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "to_pipe.png").symlink_to("pipe.png")
    images(tmp_path / "folder.png" / "inside", 1)
    images(tmp_path / "folder.png" / ".hidden", 1)
    files = ["0000.PNG", "0000.png", "empty.png", "gone.png", "hard.png", "self.png"]
    assert names(tmp_path, tmp_path) == [*files, "folder.png/inside/0000.png"]


def test_a_socket_is_no_image() -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as name:  # the path of a socket is short
        name.bind(os.path.join(short, "s.png"))
        assert [*names_of(short)] == []


def test_a_link_that_leads_nowhere_is_a_record_and_harms_no_other(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 2)
    (tmp_path / "in" / "self.png").symlink_to("self.png")
    (tmp_path / "in" / "gone.png").symlink_to("nowhere")
    with capped(reply(), service=0) as server:
        done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
    assert (done.ok, done.failed) == (2, 2)


def test_folders_may_be_deeper_than_python_may_recur(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 150)
    deep.mkdir(parents=True)
    (deep / "a.png").touch()
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        found = [*names_of(tmp_path)]
    finally:
        sys.setrecursionlimit(before)
    assert found == [str(deep / "a.png")]


def test_a_pipe_in_a_list_is_not_waited_for(score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 3)
    os.mkfifo(tmp_path / "pipe.png")
    with capped(reply(), service=0) as server:
        done = score(server.url, [paths[0], tmp_path / "pipe.png", *paths[1:]], tmp_path / "out", DETECTION)
    assert (done.ok, done.failed, done.errors) == (3, 1, {"ImageError": 1})
    assert [line["status"] for line in lines(tmp_path / "out")] == ["ok", "error", "ok", "ok"]
    assert "it is a pipe" in lines(tmp_path / "out")[1]["error"]["message"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("photos.zip", b"PK\x03\x04\x00\x00", "binary"),
        ("list0.txt", b"a.png\0b.png\0", "without -print0"),
        ("coco.json", b'{\n  "images": []\n}\n', r"JSON.*\*\.jsonl"),
        ("coco.json", b'{"images": []}', "JSON"),
        ("names.json", b'["a.png"]', "JSON"),
    ],
)
def test_files_that_are_no_lists_do_not_become_images(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with Client(NOWHERE, "k") as client, pytest.raises(errors.BatchError, match=words):
        score_folder(client, tmp_path / name, tmp_path / "out", DETECTION)
    assert status(tmp_path / "out").total == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("door", ["file", "standard input"])
def test_lists_as_windows_writes_them(
    door: str, encoding: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PowerShell's ``>`` writes UTF-16, and "Copy as path" puts paths in quotes."""
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    paths = ['"0000.png"', "'ümlaut 東.png'", str(tmp_path / "0001.png"), f'"{tmp_path / "0002.png"}"', ""]
    written = (mark + end.join(paths)).encode(encoding)
    expected = ["0000.png", "ümlaut 東.png", "0001.png", "0002.png"]
    monkeypatch.chdir(tmp_path)
    if door == "file":
        (tmp_path / "list.txt").write_bytes(written)
        assert names(tmp_path / "list.txt", tmp_path) == expected
    else:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(written))))
        assert names("-", tmp_path) == expected


def test_a_file_whose_name_has_quotes_is_that_file(tmp_path: Path) -> None:
    (tmp_path / '"a.png"').write_bytes(b"")
    (tmp_path / "list.txt").write_text('"a.png"\n"b.png"\n"\n')
    assert names(tmp_path / "list.txt", tmp_path) == ['"a.png"', "b.png", '"']


def test_half_a_list_of_utf_16_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes("a.png\n".encode("utf-16")[:-1])
    with pytest.raises(errors.BatchError, match="save it as UTF-8"):
        names(tmp_path / "list.txt", tmp_path)


def test_names_in_braces_are_names(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("{1}.png\n[2].png\n")
    assert names(tmp_path / "list.txt", tmp_path) == ["{1}.png", "[2].png"]


def test_standard_input_with_nul_between_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.png\0b.png\0"), encoding="utf-8"))
    with pytest.raises(errors.BatchError, match="without -print0"):
        [*names_of("-")]


def test_training_files_as_other_tools_write_them(tmp_path: Path) -> None:
    """With a byte-order mark, lines of Windows, blank lines, the name in capitals, and an image twice."""
    rows = [json.dumps({"image_url": url}) for url in ("azureml://d/paths/x/0000.png", "0000.png", "0001.png")]
    (tmp_path / "TRAIN.JSONL").write_text("\ufeff" + rows[0] + "\r\n\r\n" + rows[1] + "\n" + rows[2])
    images(tmp_path, 2)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        done = score_folder(client, tmp_path / "TRAIN.JSONL", tmp_path / "out", DETECTION)
    assert (done.total, done.ok) == (2, 2)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The folder of a job that is done."""
    images(tmp_path / "in", 3)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "job", DETECTION)
    return tmp_path / "job"


@pytest.mark.parametrize("name", ["ledger.sqlite", "ledger.sqlite-wal"])
def test_an_export_does_not_replace_the_record(name: str, job: Path) -> None:
    with pytest.raises(errors.BatchError, match="it is the record of the job"):
        export(job, "jsonl", job / "." / name)
    assert status(job).ok == 3


def test_an_export_replaces_no_device_and_no_pipe(job: Path, tmp_path: Path) -> None:
    """As ``--to /dev/null`` would, for root."""
    os.mkfifo(tmp_path / "null")
    with pytest.raises(errors.BatchError, match="and no file"):
        export(job, "csv", tmp_path / "null")
    assert (tmp_path / "null").is_fifo()


def test_an_export_to_a_link_writes_where_it_leads(job: Path, tmp_path: Path) -> None:
    (tmp_path / "other_disk").mkdir()
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "other_disk" / "results.jsonl")
    export(job, "jsonl", tmp_path / "link.jsonl")
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len((tmp_path / "other_disk" / "results.jsonl").read_text().splitlines()) == 3


def test_results_that_were_deleted_or_made_read_only_are_written_anew(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 2)
    results = tmp_path / "out" / "results.jsonl"
    with capped(reply(), service=0) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        results.unlink()
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        assert len(lines(tmp_path / "out")) == 2
        results.write_text("edited")
        results.chmod(0o400)
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        assert len(server.received) == 2
    assert len(lines(tmp_path / "out")) == 2


def again(job: Path) -> object:
    with Client(NOWHERE, "k") as client:
        return score_folder(client, job.parent / "in", job, DETECTION)


@pytest.mark.parametrize("look", [status, export, again], ids=["status", "export", "run"])
def test_a_ledger_of_a_newer_version_is_left_alone(look: Callable[[Path], object], job: Path) -> None:
    database = sqlite3.connect(job / "ledger.sqlite")
    database.execute("PRAGMA user_version = 3")
    database.close()
    with pytest.raises(errors.BatchError, match="newer version"):
        look(job)


@pytest.mark.parametrize("look", [status, export, again], ids=["status", "export", "run"])
def test_a_damaged_ledger_says_so_and_does_not_advise_to_try_again(look: Callable[[Path], object], job: Path) -> None:
    path = job / "ledger.sqlite"
    path.write_bytes(path.read_bytes()[:4096] + b"\xa5" * 20_000)
    with pytest.raises(errors.BatchError, match="it is damaged") as caught:
        look(job)
    assert "again" not in str(caught.value)


def test_a_file_system_without_locks_is_not_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As some network drives are, on which SQLite would not be safe either."""
    fcntl = pytest.importorskip("fcntl")

    def refuses(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuses)
    images(tmp_path / "in", 1)
    with Client(NOWHERE, "k") as client, pytest.raises(errors.BatchError, match=r"cannot lock .*No locks.*local disk"):
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so the system is played here."""
    (tmp_path / "a.png").write_bytes(grey_png(4))
    opened = open

    def read_only(path: Any, *rest: Any, **options: Any) -> Any:
        if str(path).endswith(".lock"):
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, *rest, **options)

    monkeypatch.setattr("builtins.open", read_only)
    with Client(NOWHERE, "k") as client, pytest.raises(errors.BatchError, match=r"cannot write in .*Read-only"):
        score_folder(client, tmp_path, tmp_path / "out", Task.DETECTION)

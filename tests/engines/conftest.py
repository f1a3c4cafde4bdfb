"""What the tests with real engines share: a capped endpoint, images, and what one process makes of them."""

from __future__ import annotations

import base64
import io
import json
import os
import random
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from PIL import Image

from automl_cv_client import Client, Task
from automl_cv_client.batch import export, score_folder
from tests.capped import CappedServer
from tests.pages import pages

KEY = "canary-0123456789-canary"
COUNT = 200
ADDRESS = re.compile(r"https://[\w.]+/score")


def reply_for(body: bytes) -> bytes:
    """Says of each image what only it has: the color of its first pixel, as its label."""
    rows = json.loads(body)["input_data"]["data"]
    found = []
    for row in rows:
        with Image.open(io.BytesIO(base64.b64decode(row))) as image:
            label = image.convert("RGB").crop((0, 0, 1, 1)).tobytes().hex()
        box = {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}
        polygon = [[0.25, 0.5, 0.75, 0.5, 0.75, 1.0, 0.25, 0.5]]
        objects = [{"box": box, "label": label, "score": 0.9, "polygon": polygon}]
        found.append({"boxes": objects, "probs": [0.9, 0.1], "labels": [label, "other"]})
    return json.dumps(found).encode()


def reply_of(task: Task) -> Any:
    """The same in the form of one task."""

    def reply(body: bytes) -> bytes:
        rows = json.loads(reply_for(body))
        for row in rows:
            for name in ("boxes",) if task.explainable else ("probs", "labels"):
                del row[name]
            if task is Task.DETECTION:
                for item in row["boxes"]:
                    del item["polygon"]
        return json.dumps(rows).encode()

    return reply


@pytest.fixture
def server() -> Iterator[CappedServer]:
    capped = CappedServer(b"", cap=8, service=0.02)
    capped.keep = True
    capped.reply_for = reply_of(Task.DETECTION)
    capped.start()
    yield capped
    capped.stop()


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Images that differ, every 50th of them text."""
    folder = tmp_path_factory.mktemp("images")
    files = []
    for number in range(COUNT):
        file = folder / f"{number:04}.png"
        Image.new("RGB", (40, 20), (number % 256, number // 256, 7)).save(file)
        if number % 50 == 49:
            file.write_bytes(b"no image")
        files.append(str(file))
    return files


def expected(url: str, paths: list[str], task: Task = Task.DETECTION) -> dict[int, Any]:
    """Status and result of each image, as one process has them."""
    with Client(url, KEY) as client:
        return {outcome.index: comparable(outcome) for outcome in client.score_many(paths, task)}


def comparable(outcome: Any) -> tuple[str, str]:
    if outcome.ok:
        return "ok", outcome.result.model_dump_json(exclude={"call"})
    return "error", type(outcome.error).__name__


def found_in(rows: list[dict[str, Any]]) -> dict[int, Any]:
    """The same of an engine's rows. Fails where an id comes twice."""
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids))
    found = {}
    for row in rows:
        if row["status"] == "ok":
            result = {key: value for key, value in json.loads(row["result"]).items() if key != "call"}
            found[row["id"]] = ("ok", json.dumps(result))
        else:
            found[row["id"]] = ("error", row["error"]["kind"])
    return found


def same(found: dict[int, Any], wanted: dict[int, Any]) -> bool:
    """Whether both say the same of every image, whatever the blanks of their JSON."""
    return _plain(found) == _plain(wanted)


def _plain(rows: dict[int, Any]) -> dict[int, Any]:
    return {key: (status, json.loads(text) if status == "ok" else text) for key, (status, text) in rows.items()}


def job_of(url: str, paths: list[str], task: Task, folder: Path) -> pyarrow.Table:
    """What one process's job says of the images: batch export --nested."""
    with Client(url, KEY) as client:
        score_folder(client, iter(paths), folder / "job", task)
    return pyarrow.parquet.read_table(export(folder / "job", "parquet", nested=True))


def check_against(job: pyarrow.Table, scored: pyarrow.Table) -> None:
    """An engine's Parquet has the job's columns, types and rows; what differs is what each call has for itself."""
    names = job.schema.names[1:]  # but "input", which an engine has among its own columns
    assert scored.schema.names == ["id", "path", *names]
    assert [scored.schema.field(name).type for name in names] == [job.schema.field(name).type for name in names]
    wanted = {row.pop("input"): row for row in job.to_pylist()}
    rows = {row.pop("path"): row for row in scored.to_pylist()}
    assert sorted(row.pop("id") for row in rows.values()) == list(range(len(wanted)))
    assert rows.keys() == wanted.keys()
    for path, row in rows.items():
        assert _without_the_call(row) == _without_the_call(wanted[path]), path


def _without_the_call(row: dict[str, Any]) -> dict[str, Any]:
    result = row["result"] and {**json.loads(row["result"]), "call": None}
    call = row["call"] and {**row["call"], "seconds": None, "attempts": None}
    error = row["error"] and {**row["error"], "seconds": None, "client_request_id": None}
    return {**row, "result": result, "call": call, "error": error}


def processes_that_talk_to(server: CappedServer) -> list[int]:
    """Ids of the other processes that have a connection to the server: workers that are scoring just now."""
    port = f":{int(server.url.rsplit(':', 1)[1].split('/')[0]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {f"socket:[{line[9]}]" for line in lines if line[2].endswith(port) and line[3] == "01"}
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid() and sockets & _open_files(process):
            found.append(int(process.name))
    return sorted(found)


def _open_files(process: Path) -> set[str]:
    files: set[str] = set()
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                files.add(os.readlink(file))
    return files


class Killer:
    """Kills -9 one of the processes that score, once the server has given so many answers."""

    def __init__(self, server: CappedServer, seed: int) -> None:
        chance = random.Random(seed)
        self.after = chance.randrange(10, 150)
        self.killed: int | None = None
        self._server = server
        self._which = chance.random()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        while self._server.statuses()[200] < self.after and not self._over.wait(0.01):
            pass
        while not self._over.is_set():
            with suppress(IndexError, ProcessLookupError):
                scoring = processes_that_talk_to(self._server)
                process = scoring[int(self._which * len(scoring))]
                os.kill(process, signal.SIGKILL)
                self.killed = process
                return


def run_blocks_of_the_page(engine: str, server: CappedServer, folder: Path) -> dict[str, Any]:
    """Run the blocks of docs/scale.md that import an engine, at the server's address. Returns their names.

    Args:
        engine: the library.
        server: in the place of the page's endpoint.
        folder: where relative paths begin, as the engine's processes are in other ones.
    """
    (page,) = [page for page in pages() if page.name == "scale.md"]
    blocks = [block for block in page.blocks("python") if re.search(rf"^(import|from) {engine}\b", block.code, re.M)]
    assert blocks
    names: dict[str, Any] = {"__name__": "scale"}
    for block in blocks:
        code, replaced = ADDRESS.subn(server.url, block.code)
        assert replaced
        code = re.sub(r'"(\w+/)"', rf'"{folder}/\1"', code)
        exec(compile("\n" * (block.line - 1) + code, page.name, "exec"), names)
    return names


def holds(folder: Path, secret: str) -> list[Path]:
    """The files below a folder that hold the secret."""
    return [
        file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and secret.encode() in read(file)
    ]


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""

"""What the tests with real engines share: a capped endpoint, images, and what one process makes of them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import Client, Task
from tests.capped import CappedServer

KEY = "canary-0123456789-canary"
COUNT = 200


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

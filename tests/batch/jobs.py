"""Images, replies and processes for the batch tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from automl_cv_client import Task
from tests.conftest import encoded

REPLIES: dict[Task, Any] = {
    Task.CLASSIFICATION: {"probs": [0.25, 0.75], "labels": ["cat", "=dog"]},
    Task.MULTILABEL: {"probs": [0.75, 0.9], "labels": ["cat", "dog"]},
    Task.DETECTION: {
        "boxes": [
            {"box": {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}, "label": "cat", "score": 0.9},
            {"box": {"topX": 0.0, "topY": 0.5, "bottomX": 0.5, "bottomY": 1.0}, "label": "dog", "score": 0.5},
        ]
    },
    Task.SEGMENTATION: {
        "boxes": [
            {
                "box": {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0},
                "label": "cat",
                "score": 0.9,
                "polygon": [[0.25, 0.5, 0.75, 0.5, 0.75, 1.0]],
            }
        ]
    },
}


def reply(task: Task = Task.DETECTION) -> bytes:
    """What the server says of every image."""
    return json.dumps([REPLIES[task]]).encode()


def images(folder: Path, count: int) -> list[Path]:
    """Small images, each with other bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = folder / f"{number:04}.png"
        path.write_bytes(encoded(Image.new("RGB", (8, 8), (number % 256, number // 256, 7)), "PNG"))
        paths.append(path)
    return paths


def lines(out: Path) -> list[dict[str, Any]]:
    """The exported records; fails when one does not parse."""
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


RUN = """
import sys
from automl_cv_client import Client, RetryPolicy
from automl_cv_client.batch import score_folder
url, source, out, task, concurrency = sys.argv[1:]
with Client(url, "the-key", retry=RetryPolicy(backoff=0.01)) as client:
    print(flush=True)
    summary = score_folder(client, source, out, task, concurrency=int(concurrency))
print(summary.scored, flush=True)
"""


def process(url: str, source: Path, out: Path, task: Task, concurrency: int = 8) -> subprocess.Popen[bytes]:
    """A run in a process of its own; it prints an empty line when its imports are done."""
    words = [sys.executable, "-c", RUN, url, str(source), str(out), task.value, str(concurrency)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

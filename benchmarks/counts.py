"""Counts of what some actions do, held against the numbers in counts.json: the same on a busy machine and a quiet one.

Calls are those that the package's own code makes, of Python and of C; lines are its own, executed. What libraries do
inside differs by their versions and is not counted. ``python -m benchmarks.counts --renew`` writes the numbers anew,
after a change that is meant: read the difference.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from PIL import Image

import automl_cv_client
from automl_cv_client import AsyncClient, Client, ImageInfo, Size, Task
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._protocol.replies import read_rows, result_of
from automl_cv_client.dataset import check
from automl_cv_client.results import CallInfo
from benchmarks.measuring import table
from benchmarks.parsing import boxes, classes
from benchmarks.training_data import lines

STORED = Path(__file__).with_suffix(".json")
MOST = 1.10  # times the stored number
_OURS = str(Path(automl_cv_client.__file__).parent)
_INLINED = ("<listcomp>", "<dictcomp>", "<setcomp>")  # calls before Python 3.12, and none since
_SIZE = Size(640, 480)
_IMAGE = ImageInfo(size=_SIZE, raw_size=_SIZE, sent_size=_SIZE)
_REPLY = Reply(200, {"x-ms-request-id": "a", "x-ms-run-fn-exec-ms": "80"}, boxes(10), time.time())


class _Transport:
    def send(self, request: Request, limit: float) -> Reply:
        return _REPLY

    def close(self) -> None: ...


class _AsyncTransport:
    async def send(self, request: Request, limit: float) -> Reply:
        return _REPLY

    async def close(self) -> None: ...


def _photo(side: int) -> bytes:
    buffer = io.BytesIO()
    noise = random.Random(0).randbytes(3 * side * side)
    Image.frombytes("RGB", (side, side), noise).save(buffer, "JPEG")
    return buffer.getvalue()


def actions() -> dict[str, Callable[[], object]]:
    """What is counted, by its name."""
    photo, detected, classified = _photo(64), boxes(100), classes(1000)
    rows = lines(1000)
    client, awaited = Client("http://127.0.0.1:1/score", "key"), AsyncClient("http://127.0.0.1:1/score", "key")
    client._backend = type(client._backend)(client._backend.credential, _Transport())
    awaited._backend = type(awaited._backend)(awaited._backend.credential, _AsyncTransport())

    def read(body: bytes, task: Task) -> Any:
        (row,) = read_rows(body, task)
        return result_of(task, row, _IMAGE, CallInfo())

    def evaluated() -> object:
        from automl_cv_client.evaluation import evaluate
        from benchmarks.evaluation import labelled, predicted

        rows = labelled(20)
        return evaluate(predicted(rows, 2), rows)

    async def one_awaited() -> None:
        await awaited.detect(photo)

    return {
        "a reply of 100 boxes, each looked at": lambda: [box.box for box in read(detected, Task.DETECTION)],
        "a reply of 1,000 classes": lambda: read(classified, Task.CLASSIFICATION).label,
        "a blocking call": lambda: client.detect(photo),
        "an awaited call": lambda: asyncio.run(one_awaited()),
        "an image turned into a request": lambda: client.detect(Image.new("RGB", (64, 64))),
        "1,000 training rows checked": lambda: check(rows),
        "20 images evaluated": evaluated,
    }


def counted(work: Callable[[], object]) -> dict[str, int]:
    """Calls and lines of a work that was done before: imports and caches do not count."""
    work()
    work()
    return {"calls": _calls(work), "lines": _lines(work)}


def _calls(work: Callable[[], object]) -> int:
    count = 0

    def profile(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        caller = frame.f_back if event == "call" else frame
        is_call = event == "c_call" or (event == "call" and frame.f_code.co_name not in _INLINED)
        count += is_call and caller is not None and caller.f_code.co_filename.startswith(_OURS)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def _lines(work: Callable[[], object]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal count
        if event == "line":
            count += 1
        return trace if frame.f_code.co_filename.startswith(_OURS) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def imported() -> dict[str, int]:
    """Modules of the package that ``import automl_cv_client`` loads."""
    code = (
        "import sys, automl_cv_client; print(sum(name.partition('.')[0] == 'automl_cv_client' for name in sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"modules": int(said)}


def all_counts() -> dict[str, dict[str, int]]:
    """What every action costs now."""
    return {"import automl_cv_client": imported(), **{name: counted(work) for name, work in actions().items()}}


def too_many(now: dict[str, dict[str, int]], stored: dict[str, dict[str, int]]) -> list[str]:
    """What became more than a tenth more expensive, in words; an action that nobody stored, too."""
    return [
        f"{action}: {number} {unit}, {stored.get(action, {}).get(unit, 0)} were stored"
        for action, numbers in now.items()
        for unit, number in numbers.items()
        if number > MOST * stored.get(action, {}).get(unit, 0)
    ]


def main() -> None:
    now = all_counts()
    if "--renew" in sys.argv[1:]:
        STORED.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    rows = [
        (f"{action}: {unit}", f"{number:,}", f"{number / stored[action][unit]:.2f} of what was stored", f"≤ {MOST:.2f}")
        for action, numbers in now.items()
        for unit, number in numbers.items()
    ]
    table("Counts", rows, "python -m benchmarks.counts")


if __name__ == "__main__":
    main()

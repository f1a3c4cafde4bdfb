"""CPU of reading a reply into typed results, against msgspec's typed parsing of the same bytes.

Needs msgspec, which the package does not use. What msgspec gives are plain structs: no image, no pixels, no unknown
keys, no NaN.
"""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Callable

import msgspec

from automl_cv_client import ImageInfo, Size, Task
from automl_cv_client._protocol.replies import read_rows, result_of
from automl_cv_client.results import CallInfo, Result
from benchmarks.measuring import interleaved, ratio, table

SIZE = Size(1920, 1080)
IMAGE = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)
CALL = CallInfo()


class Corners(msgspec.Struct):
    topX: float
    topY: float
    bottomX: float
    bottomY: float


class Found(msgspec.Struct):
    label: str
    score: float
    box: Corners


class Outlined(Found):
    polygon: list[list[float]]


class Boxes(msgspec.Struct):
    boxes: list[Found]


class Outlines(msgspec.Struct):
    boxes: list[Outlined]


class Probabilities(msgspec.Struct):
    probs: list[float]
    labels: list[str]


def classes(count: int) -> bytes:
    """A classification reply."""
    number = random.Random(7).random
    return json.dumps(
        [{"probs": [number() for _ in range(count)], "labels": [f"class {i}" for i in range(count)]}]
    ).encode()


def boxes(count: int, corners: int = 0) -> bytes:
    """A detection reply; with ``corners``, one of segmentation with a polygon of so many an object."""
    number = random.Random(7).random
    objects = [
        {
            "box": {"topX": number(), "topY": number(), "bottomX": number(), "bottomY": number()},
            "label": ("cat", "dog", "cup")[i % 3],
            "score": number(),
            **({"polygon": [[number() for _ in range(2 * corners)]]} if corners else {}),
        }
        for i in range(count)
    ]
    return json.dumps([{"boxes": objects}]).encode()


def read(body: bytes, task: Task) -> Result:
    """What a client does with the bytes of a reply."""
    (row,) = read_rows(body, task)
    return result_of(task, row, IMAGE, CALL)


def visited(body: bytes) -> tuple[object, ...]:
    """The same, with the record of every object made, which a result does when the first one is asked for."""
    return tuple(read(body, Task.DETECTION).objects)  # type: ignore[attr-defined]


def rows(name: str, body: bytes, task: Task, kind: type, bar: str, times: int) -> list[tuple[str, str, str, str]]:
    typed = msgspec.json.Decoder(list.__class_getitem__(kind))
    works: dict[str, Callable[[], object]] = {
        "msgspec, typed": lambda: typed.decode(body),
        "read to a result": lambda: read(body, task),
        "json.loads alone": lambda: json.loads(body),
    }
    if task is Task.DETECTION:
        works["read, and every object made"] = lambda: visited(body)
    measured = dict(zip(works, interleaved(list(works.values()), rounds=31, times=times), strict=True))
    limit = measured["msgspec, typed"]
    bars = {"msgspec, typed": "", "read to a result": bar, "read, and every object made": "≤ 3"}
    return [
        (f"{name}: {work}", f"{statistics.median(many) * 1e6:.0f} µs", f"{ratio(many, limit):.2f}", bars.get(work, ""))
        for work, many in measured.items()
    ]


def main() -> None:
    table(
        "Replies to results",
        [
            *rows("1,000 classes", classes(1000), Task.CLASSIFICATION, Probabilities, "≤ 1.5", 50),
            *rows("100 boxes", boxes(100), Task.DETECTION, Boxes, "≤ 3.6", 50),
            *rows("100 polygons of 200 corners", boxes(100, 200), Task.SEGMENTATION, Outlines, "≤ 1.5", 3),
        ],
        "python -m benchmarks.parsing",
    )


if __name__ == "__main__":
    main()

"""Attributions as text to a float32 array, against simdjson's ``as_buffer``; memory of reading a whole reply.

Needs pysimdjson, which the package uses where it is installed, and numpy; orjson for comparison.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import orjson
import simdjson

from automl_cv_client import ImageInfo, Size, Task, XaiParameters
from automl_cv_client._protocol.explained import explained_result, read_explained
from automl_cv_client._protocol.requests import scoring_body
from automl_cv_client._protocol.xai import explaining_body
from automl_cv_client.results import CallInfo
from automl_cv_client.results._float_map import FloatMap
from benchmarks.measuring import amount, interleaved, ratio, table, watch_peak
from tests.explanations import figure, numbers, reply, row

SIZE = Size(451, 300)
IMAGE = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)
PARAMETERS = XaiParameters(attributions=True)


def decoding() -> list[tuple[str, str, str, str]]:
    text = json.dumps(numbers().tolist()).encode()
    parser = simdjson.Parser()

    def limit() -> object:
        parsed = parser.parse(text)
        assert isinstance(parsed, simdjson.Array)
        doubles = np.frombuffer(parsed.as_buffer(of_type="d"), dtype=np.float64)
        return doubles.astype(np.float32)

    def ours() -> object:
        numbers = FloatMap.of_text(text)
        return np.frombuffer(numbers.float32, "<f4").reshape(numbers.shape)

    def without() -> object:
        kept, sys.modules["simdjson"] = sys.modules["simdjson"], None  # type: ignore[assignment]
        try:
            return ours()
        finally:
            sys.modules["simdjson"] = kept

    works = {
        "simdjson as_buffer": limit,
        "Explanation.attributions with the extra simdjson": ours,
        "Explanation.attributions without it": without,
        "orjson.loads": lambda: np.array(orjson.loads(text), np.float32),
        "json.loads": lambda: np.array(json.loads(text), np.float32),
    }
    bars = {"simdjson as_buffer": "1", "Explanation.attributions with the extra simdjson": "≤ 1.5",
            "Explanation.attributions without it": "≤ 2.5"}  # fmt: skip
    found = dict(zip(works, interleaved(list(works.values()), rounds=25, times=3), strict=True))
    base = found["simdjson as_buffer"]
    return [
        (f"{name}, {len(text) / 1e6:.1f} MB", f"{statistics.median(many) * 1e3:.1f} ms", f"{ratio(many, base):.2f}",
         bars.get(name, ""))
        for name, many in found.items()
    ]  # fmt: skip


def whole_replies() -> list[tuple[str, str, str, str]]:
    rows = []
    for classes, task in ((1, Task.CLASSIFICATION), (amount(5, 2), Task.MULTILABEL)):
        images, arrays = [figure(noise=500)] * classes, [numbers(i).tolist() for i in range(classes)]
        parts = (images[0], arrays[0]) if classes == 1 else (images, arrays)
        body = reply(row([0.9] * classes, *parts))
        del arrays, parts

        def read(body: bytes = body, task: Task = task) -> object:
            (row,) = read_explained(body, task, PARAMETERS)
            result = explained_result(task, row, IMAGE, CallInfo(), PARAMETERS)
            explanations = result.explanations if task is Task.MULTILABEL else (result.explanation,)
            return result, [each.attributions for each in explanations]

        (seconds,) = interleaved([read], rounds=7, times=2)
        peak = 1 + watch_peak(read) / len(body)
        rows.append((f"reply of {classes}, {len(body) / 1e6:.1f} MB: read and decoded",
                     f"{statistics.median(seconds) * 1e3:.0f} ms", "", ""))  # fmt: skip
        rows.append(("its peak memory, the body included, in bodies", f"{peak:.2f}", "", "≤ 2"))
    return rows


def requests() -> list[tuple[str, str, str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image"
        file.write_bytes(np.random.default_rng(0).bytes(1_000_000))

        def limit() -> bytes:
            return bytes(bytearray(file.read_bytes()))

        def plain() -> bytes:
            return scoring_body([file.read_bytes()])

        def ours() -> bytes:
            return explaining_body([file.read_bytes()], PARAMETERS, Task.CLASSIFICATION)

        base, plainly, explaining = interleaved([limit, plain, ours], rounds=21, times=50)
    return [
        ("read and copy a file of 1 MB", f"{statistics.median(base) * 1e6:.0f} µs", "1.00", "1"),
        ("scoring request, 1 MB", f"{statistics.median(plainly) * 1e6:.0f} µs", f"{ratio(plainly, base):.2f}", ""),
        ("XAI request, 1 MB", f"{statistics.median(explaining) * 1e6:.0f} µs", f"{ratio(explaining, base):.2f}",
         "≤ 1.8"),
    ]  # fmt: skip


def main() -> None:
    table("Explanations", [*requests(), *decoding(), *whole_replies()], "python -m benchmarks.xai_attributions")


if __name__ == "__main__":
    main()

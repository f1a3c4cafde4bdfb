"""CPU of one call: `detect` of a 193 kB image with 100 boxes, against a bare httpx post of the ready body."""

from __future__ import annotations

import io
import statistics
import tempfile
from pathlib import Path

import httpx
from PIL import Image

from automl_cv_client import Client
from automl_cv_client._protocol.requests import scoring_body
from benchmarks.measuring import amount, instant_server, interleaved, ratio, table, watch_peak
from benchmarks.parsing import boxes


def image(size: int) -> bytes:
    """A JPEG of about ``size`` bytes: noise, as noise has the same size everywhere."""
    side = 64
    while True:
        buffer = io.BytesIO()
        Image.effect_noise((side, side), 60).convert("RGB").save(buffer, "JPEG", quality=85)
        if len(buffer.getvalue()) >= size:
            return buffer.getvalue()
        side += 16


def call_cost(file: Path, data: bytes) -> list[tuple[str, str, str, str]]:
    body = scoring_body([data])
    headers = {"content-type": "application/json", "authorization": "Bearer key"}
    with instant_server(boxes(100)) as url, httpx.Client() as bare, Client(url, "key") as client:
        works = (
            lambda: bare.post(url, content=body, headers=headers),
            lambda: client.detect(str(file)),
            lambda: [(found.label, found.score, found.box) for found in client.detect(str(file))],
        )
        raw, ours, seen = interleaved(works, rounds=21)
    return [
        ("bare httpx post, body ready", f"{statistics.median(raw) * 1e6:.0f} µs", "1", ""),
        ("client.detect(path)", f"{statistics.median(ours) * 1e6:.0f} µs", f"{ratio(ours, raw):.2f}", "≤ 1.4"),
        ("the same, and every object looked at", f"{statistics.median(seen) * 1e6:.0f} µs", f"{ratio(seen, raw):.2f}",
         "≤ 1.4"),
    ]  # fmt: skip


def request_cost(file: Path, data: bytes) -> list[tuple[str, str, str, str]]:
    def limit() -> bytes:
        return bytes(bytearray(file.read_bytes()))

    def ours() -> bytes:
        return scoring_body([file.read_bytes()])

    base, built = interleaved([limit, ours], times=300)
    peak = watch_peak(ours) / len(data)
    return [
        (f"request from a {len(data) // 1000} kB file", f"{statistics.median(built) * 1e6:.0f} µs",
         f"{ratio(built, base):.2f}", "≤ 1.8"),
        ("its peak memory, in images", f"{peak:.2f}", "", "≤ 2.7"),
    ]  # fmt: skip


def main() -> None:
    rows: list[tuple[str, str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in (193_000, amount(1_000_000, 250_000)):
            data = image(size)
            file = Path(folder) / f"{size}.jpg"
            file.write_bytes(data)
            rows += call_cost(file, data) if size == 193_000 else []
            rows += request_cost(file, data)
    table("One call", rows, "python -m benchmarks.client_cpu")


if __name__ == "__main__":
    main()

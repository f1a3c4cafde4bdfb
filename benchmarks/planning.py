"""Plans beside measured runs: twelve endpoints with the service's limits, on loopback and in a fifth of their time.

A setting is scaled in time alone: the model takes a fifth, and five times the bytes pass per second. The
kept stream client, whom nobody told what the endpoint takes, scores so many images that a run takes some seconds, after
it has found out.
"""

from __future__ import annotations

import io
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from PIL import Image

from automl_cv_client import Client
from automl_cv_client.batch import planning
from automl_cv_client.batch.planning import plan
from automl_cv_client.task import Task
from benchmarks.measuring import amount, table


class Setting(NamedTuple):
    """An endpoint, and the images for it."""

    mean_bytes: int
    instances: int
    model_ms: float
    at_once: int = 1
    reply_bytes: int = 2_000


SETTINGS = (
    Setting(20_000, 1, 120),
    Setting(20_000, 3, 120),
    Setting(20_000, 2, 400),
    Setting(50_000, 4, 250),
    Setting(100_000, 2, 150, 2),
    Setting(150_000, 1, 800, 4),
    Setting(200_000, 3, 120),
    Setting(400_000, 3, 120),
    Setting(400_000, 8, 300),
    Setting(1_000_000, 2, 150),
    Setting(60_000, 4, 100, 1, 200_000),
    Setting(4_000_000, 1, 200),
)
FASTER = 5.0


@contextmanager
def endpoint(setting: Setting) -> Iterator[str]:
    """The URL of such an endpoint, in a process of its own."""
    at_once = str(setting.instances * setting.at_once)
    numbers = (setting.model_ms / 1000 / FASTER, planning.BYTES_PER_SECOND * FASTER, setting.reply_bytes)
    command = [sys.executable, "-m", "benchmarks.servers.limited", at_once, *map(str, numbers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def image_of(size: int) -> bytes:
    """A PNG of about so many bytes: noise, not compressed."""
    side = max(8, math.isqrt(size // 3))
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(0).randbytes(3 * side * side)).save(
        buffer, "PNG", compress_level=0
    )
    return buffer.getvalue()


def planned(setting: Setting) -> planning.Plan:
    return plan(
        1_000_000,
        len(image_of(setting.mean_bytes)),
        instances=setting.instances,
        model_ms=setting.model_ms,
        at_once=setting.at_once,
        reply_bytes=setting.reply_bytes,
    )


def measured(setting: Setting, rate: float) -> float:
    """Images per second, in the time of the real endpoint; ``rate`` is what is expected, for a run of some seconds."""
    count = max(4, round(rate * FASTER * amount(4.0, 0.1)))
    image = image_of(setting.mean_bytes)
    with endpoint(setting) as url, Client(url, "key") as client, client.stream(Task.DETECTION) as stream:
        assert all(outcome.ok for outcome in stream.score([image] * count))  # finds out what is taken
        started = time.perf_counter()
        assert all(outcome.ok for outcome in stream.score([image] * count))
        return count / (time.perf_counter() - started) / FASTER


def main() -> None:
    rows = []
    for setting in SETTINGS[: amount(len(SETTINGS), 1)]:
        expected = planned(setting)
        found = measured(setting, expected.images_per_second)
        replies = f", replies of {setting.reply_bytes // 1000} kB" if setting.reply_bytes > 2_000 else ""
        rows.append(
            (f"{setting.mean_bytes // 1000} kB{replies}, {setting.instances} × {setting.at_once} at once, "
             f"{setting.model_ms:.0f} ms: {expected.limit}",
             f"{found:.2f} of {expected.images_per_second:.2f} images/s",
             f"{found / expected.images_per_second:.3f}", "≥ 0.90, ≤ 1.10")
        )  # fmt: skip
    table("Plans beside runs", rows, "python -m benchmarks.planning")


if __name__ == "__main__":
    main()

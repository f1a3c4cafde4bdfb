"""Small batches against one call over everything: a service of 200 ms that takes 8 requests at once, and nobody told.

Shares are answers per second against cap / service time. Each row is a client of its own, so nothing is remembered from
the row before; ``measured`` leaves out the first seconds, in which any client has to find out.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from automl_cv_client import AsyncClient, Client
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._streaming.options import StreamOptions
from automl_cv_client._streaming.runs import stream_for
from automl_cv_client.task import Task
from benchmarks.measuring import CappedEndpoint, amount, table

CAP, SERVICE = 8, 0.2
IMAGE = grey_png(16)
TASK = Task.DETECTION
RAMP, COUNTED = 5.0, 15.0

Drive = Callable[[str, Callable[[], bool]], None]


def one_call(url: str, enough: Callable[[], bool]) -> None:
    with Client(url, "key") as client:
        for _ in client.detect_many(itertools.repeat(IMAGE)):
            if enough():
                return


def calls_of(size: int) -> Drive:
    """A ``detect_many`` per batch, one after the other."""

    def drive(url: str, enough: Callable[[], bool]) -> None:
        with Client(url, "key") as client:
            while not enough():
                assert all(outcome.ok for outcome in client.detect_many([IMAGE] * size))

    return drive


def kept(size: int, at_once: int) -> Drive:
    """A stream that is kept, with so many batches at once, from threads."""

    def drive(url: str, enough: Callable[[], bool]) -> None:
        with Client(url, "key") as client, client.stream(TASK) as run, ThreadPoolExecutor(at_once) as threads:

            def batches() -> None:
                while not enough():
                    assert all(outcome.ok for outcome in run.score([IMAGE] * size))

            for done in [threads.submit(batches) for _ in range(at_once)]:
                done.result()

    return drive


def kept_async(size: int, at_once: int) -> Drive:
    """The same, from tasks."""

    def drive(url: str, enough: Callable[[], bool]) -> None:
        async def main() -> None:
            async with AsyncClient(url, "key") as client, client.stream(TASK) as run:

                async def batches() -> None:
                    while not enough():
                        assert all(outcome.ok for outcome in await run.score([IMAGE] * size))

                await asyncio.gather(*(batches() for _ in range(at_once)))

        asyncio.run(main())

    return drive


def known(url: str, enough: Callable[[], bool]) -> None:
    """As with ``concurrency="ask"``, when Resource Manager has said 8."""
    with Client(url, "key") as client:
        options = StreamOptions(concurrency=CAP, is_known=True)
        stream = stream_for(client._settings, client._backend, itertools.repeat(IMAGE), TASK, 0.5, options)
        while stream.take() and not enough():
            pass
        stream.close()


def share(drive: Drive, ramp: float = RAMP, counted: float = COUNTED) -> tuple[float, float]:
    """Share of the capacity after the ramp, and of answers that were refused."""
    ramp, counted = amount(ramp, 0.2), amount(counted, 0.2)
    endpoint = CappedEndpoint(CAP, SERVICE)
    start = time.monotonic()
    counts: list[tuple[int, int]] = []
    lock = threading.Lock()

    def enough() -> bool:
        with lock:
            if not counts and time.monotonic() - start >= ramp + counted:
                counts.append(endpoint.count(time.monotonic() - counted))
            return bool(counts)

    try:
        drive(endpoint.url, enough)
    finally:
        endpoint.stop()
    good, refused = counts[0]
    return good / counted / (CAP / SERVICE), refused / max(1, good + refused)


def beside_a_batch() -> list[float]:
    """Seconds of a web request every 100 ms, while a long batch is scored by the same stream."""
    endpoint = CappedEndpoint(CAP, SERVICE)
    seconds: list[float] = []
    try:
        with Client(endpoint.url, "key") as client, client.stream(TASK) as run, ThreadPoolExecutor(20) as threads:
            over = threading.Event()
            batch = threads.submit(run.score, itertools.takewhile(lambda _: not over.is_set(), itertools.repeat(IMAGE)))
            time.sleep(amount(RAMP, 0.3))

            def request() -> None:
                began = time.monotonic()
                run.score([IMAGE])[0].unwrap()
                seconds.append(time.monotonic() - began)

            requests = []
            for _ in range(amount(100, 3)):
                requests.append(threads.submit(request))
                time.sleep(0.1)
            for done in requests:
                done.result()
            over.set()
            batch.result()
    finally:
        endpoint.stop()
    return sorted(seconds)


def _one_of_two(url: str, seconds: float, answered: Any) -> None:
    count, start = 0, time.monotonic()
    with Client(url, "key") as client:
        for _ in client.detect_many(itertools.repeat(IMAGE)):
            now = time.monotonic() - start
            count += now > seconds / 3
            if now > seconds:
                break
    answered.put(count)


def two_processes() -> tuple[float, float]:
    """The smaller one's share of the answers, and the share of answers that were refused."""
    seconds = amount(30.0, 0.6)
    endpoint = CappedEndpoint(CAP, SERVICE)
    context = multiprocessing.get_context("spawn")
    answered = context.Queue()
    try:
        both = [context.Process(target=_one_of_two, args=(endpoint.url, seconds, answered)) for _ in range(2)]
        for process in both:
            process.start()
        counts = [answered.get(timeout=seconds + 60) for _ in both]
        for process in both:
            process.join()
        good, refused = endpoint.count(0.0)
    finally:
        endpoint.stop()
    return min(counts) / max(1, sum(counts)), refused / max(1, good + refused)


def main() -> None:
    whole, refused = share(one_call)
    rows = [("one call over everything", f"{refused:.1%} refused", f"{whole:.3f} of the capacity", "≥ 0.93")]
    for name, drive, bar in (
        ("a call per 64 images", calls_of(64), "≥ 0.95"),
        ("a call per 16 images", calls_of(16), "≥ 0.85"),
        ("kept, batches of 64, 2 at once", kept(64, 2), "≥ 0.95"),
        ("kept, batches of 16, 4 at once", kept(16, 4), "≥ 0.90"),
        ("the same, awaited: 64, 2 at once", kept_async(64, 2), "≥ 0.95"),
        ("the same, awaited: 16, 4 at once", kept_async(16, 4), "≥ 0.90"),
    )[: int(amount(6, 2))]:
        found, refused = share(drive)
        rows.append((name, f"{refused:.1%} refused", f"{found / max(whole, 1e-9):.3f} of one call", bar))
    found, refused = share(known, ramp=1.0)
    rows.append(
        (
            "capacity asked for, from the 2nd second",
            f"{refused:.1%} refused",
            f"{found:.3f} of the capacity",
            "≥ 0.96, ≤ 0.5 %",
        )
    )
    seconds = beside_a_batch()
    median, worst = seconds[len(seconds) // 2], seconds[int(0.95 * (len(seconds) - 1))]
    rows.append(
        (
            "web request beside a batch: p50, p95",
            f"{median * 1000:.0f}, {worst * 1000:.0f} ms",
            f"{median / SERVICE:.2f}, {worst / SERVICE:.2f} service times",
            "≤ 2",
        )
    )
    least, refused = two_processes()
    rows.append(
        ("two processes, the smaller one", f"{refused:.1%} refused", f"{least:.0%} of the answers", "40 to 60 %, ≤ 5 %")
    )
    table(f"Small batches, {SERVICE * 1000:.0f} ms service, cap {CAP}", rows, "python -m benchmarks.stream")


if __name__ == "__main__":
    main()

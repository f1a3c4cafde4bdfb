"""score_folder_async cancelled at any point, and score_folder called from odd places: nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, Task
from automl_cv_client.batch import score_folder, score_folder_async, status
from automl_cv_client.batch.job import JobRun
from tests.batch.jobs import images, lines, reply
from tests.capped import CappedServer, capped
from tests.servers import wait_until


def slowly(paths: list[Path], seconds: float = 0.1) -> Iterator[str]:
    for path in paths:
        time.sleep(seconds)
        yield str(path)


def test_cancelled_while_it_reads_the_source(tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 3)

    async def main(url: str) -> None:
        async with AsyncClient(url, "k") as client:
            running = asyncio.create_task(
                score_folder_async(client, slowly(paths[:2]), tmp_path / "out", Task.DETECTION)
            )
            await asyncio.sleep(0.05)
            await _cancelled(running)
            assert (await score_folder_async(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)).ok == 3

    with capped(reply(), service=0) as server:
        asyncio.run(main(server.url))
        gc.collect()  # what was left open would complain


@pytest.mark.parametrize("answers", [1, 20])
def test_cancelled_under_way(answers: int, tmp_path: Path) -> None:
    images(tmp_path / "in", 60)

    def held(body: bytes, number: int) -> int:
        if number > answers:
            server.service = 60
        return 200

    async def main(server: CappedServer) -> None:
        async with AsyncClient(server.url, "k") as client:
            running = asyncio.create_task(score_folder_async(client, tmp_path / "in", tmp_path / "out", Task.DETECTION))
            await asyncio.to_thread(wait_until, lambda: len(server.answers) >= answers)
            await _cancelled(running)
            server.judge, server.service, server.cap = None, 0, 1000
            done = await score_folder_async(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
            assert done.ok == done.total == 60

    with capped(reply(), service=0.03, cap=4) as server:
        server.judge = held
        asyncio.run(main(server))
    assert len(lines(tmp_path / "out")) == 60


async def _cancelled(running: asyncio.Task[Any]) -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_cancelled_again_and_again_while_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is closed only when the thread that writes to it is done."""
    images(tmp_path / "in", 10)
    writing, events = threading.Event(), []
    record = JobRun.record

    def slow_record(run: JobRun, outcomes: object) -> None:
        writing.set()
        time.sleep(0.3)
        record(run, outcomes)  # type: ignore[arg-type]
        events.append("recorded")

    monkeypatch.setattr(JobRun, "record", slow_record)

    async def main(url: str) -> None:
        async with AsyncClient(url, "k") as client:
            running = asyncio.create_task(score_folder_async(client, tmp_path / "in", tmp_path / "out", Task.DETECTION))
            await asyncio.to_thread(writing.wait, 10)
            for _ in range(5):
                running.cancel()
                await asyncio.sleep(0.02)
            with pytest.raises(asyncio.CancelledError):
                await running
            events.append("ended")

    with capped(reply(), service=0) as server:
        asyncio.run(main(server.url))
    assert events == ["recorded", "ended"]
    assert status(tmp_path / "out").ok > 0


def test_score_folder_in_a_thread_and_under_a_running_loop(tmp_path: Path) -> None:
    images(tmp_path / "in", 5)

    async def main(client: Client) -> list[int]:
        here = score_folder(client, tmp_path / "in", tmp_path / "here", Task.DETECTION)
        there = await asyncio.to_thread(score_folder, client, tmp_path / "in", tmp_path / "there", Task.DETECTION)
        return [here.ok, there.ok]

    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        before = threading.active_count()
        assert asyncio.run(main(client)) == [5, 5]
        assert threading.active_count() == before


def test_score_folder_async_in_the_loop_of_a_thread(tmp_path: Path) -> None:
    """Where no signal can be handled."""
    images(tmp_path / "in", 5)
    found: list[int] = []

    async def main(url: str) -> None:
        async with AsyncClient(url, "k") as client:
            found.append((await score_folder_async(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)).ok)

    with capped(reply(), service=0) as server:
        thread = threading.Thread(target=lambda: asyncio.run(main(server.url)))
        thread.start()
        thread.join(20)
    assert found == [5]

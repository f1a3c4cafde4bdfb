"""kill -9 at any moment: nothing lost, nothing twice, nothing unreadable."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from automl_cv_client import Client, Task
from automl_cv_client.batch import score_folder, status
from automl_cv_client.errors import BatchError
from tests.batch.jobs import images, lines, process, reply
from tests.capped import capped

pytestmark = pytest.mark.bar(2)

CONCURRENCY = 8


def _is_done(out: Path) -> bool:
    try:
        return status(out).to_do == 0
    except BatchError:  # killed before there was a ledger
        return False


def _killed_until_done(task: Task, tmp_path: Path, kills: int, seed: int) -> str:
    rng = random.Random(seed)
    count = 60
    paths = images(tmp_path / "in", count)
    with capped(reply(task), service=0.03) as server:
        server.keep = True
        done = 0
        out = tmp_path / "out"
        for number in range(kills):
            if _is_done(out):
                images(tmp_path / "in", count + 60 * (number + 1))  # more work, so that every kill interrupts some
            running = process(server.url, tmp_path / "in", out, task, CONCURRENCY)
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(rng.uniform(0, 0.25))
            running.kill()
            running.communicate()
            done += 1
        with Client(server.url, "the-key") as client:
            summary = score_folder(client, tmp_path / "in", out, task)
        paths = sorted((tmp_path / "in").iterdir())
        records = lines(out)
        assert summary.ok == summary.total == len(paths) == len(records)
        assert [record["input"] for record in records] == [str(path) for path in paths]
        assert {record["status"] for record in records} == {"ok"}
        assert len(server.bodies) == len(paths)
        twice = server.bodies.total() - len(paths)
        assert twice <= done * CONCURRENCY
    return (
        f"{task.method}: {done} kills, 0 of {len(paths):,} rows lost or doubled, {twice / done:.2f} paid twice per kill"
    )


@pytest.mark.parametrize("task", Task, ids=lambda task: task.method)
def test_killed_twice_for_each_task(task: Task, tmp_path: Path) -> None:
    _killed_until_done(task, tmp_path, kills=2, seed=len(task.value))


@pytest.mark.slow
@pytest.mark.parametrize("task", Task, ids=lambda task: task.method)
def test_killed_fifty_times_for_each_task(task: Task, tmp_path: Path, figure: Callable[[str], None]) -> None:
    figure(_killed_until_done(task, tmp_path, kills=50, seed=len(task.value)))

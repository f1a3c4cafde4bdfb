"""Real Ray on this machine: rows equal to one process's, killed actors, secrets, a revoked key, resuming."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="needs Ray: make test-engines")
pytest.importorskip("pyarrow")

from automl_cv_client import Task  # noqa: E402
from automl_cv_client.integrations.arrow import schema  # noqa: E402
from automl_cv_client.integrations.ray import Endpoint, SharedLimit, scored, to_do  # noqa: E402
from tests.capped import CappedServer  # noqa: E402
from tests.engines.conftest import COUNT, KEY, expected, found_in, holds, reply_of, same  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # an engine's own
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("r")))
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        _temp_dir=str(folder),
        runtime_env={"env_vars": {"PYTHONPATH": path, "CATS_KEY": KEY}},
        log_to_driver=False,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield folder
    ray.shutdown()


BLOCK = 25


def dataset(paths: list[str], blocks: int = COUNT // BLOCK) -> Any:
    rows = [{"id": number, "path": path} for number, path in enumerate(paths)]
    return ray.data.from_items(rows, override_num_blocks=blocks)


def endpoint(server: CappedServer) -> Endpoint:
    return Endpoint(uri=server.url, key_env="CATS_KEY")


@pytest.mark.parametrize("task", Task)
def test_rows_equal_those_of_one_process(task: Task, cluster: Path, server: CappedServer, paths: list[str]) -> None:
    server.reply_for = reply_of(task)
    out = scored(dataset(paths), task=task, endpoint=endpoint(server), id="id", batch_size=32, at_once=8)
    rows = out.take_all()
    assert same(found_in(rows), expected(server.url, paths, task))
    assert set(rows[0]) == {"id", "path", *schema(task).names}


@pytest.mark.parametrize("workers", [1, 4])
def test_capacity_that_is_known_is_never_exceeded(
    workers: int, cluster: Path, server: CappedServer, paths: list[str]
) -> None:
    out = scored(
        dataset(paths),
        task="image-object-detection",
        endpoint=endpoint(server),
        workers=workers,
        at_once=8,
        batch_size=16,
    )
    assert out.count() == len(paths)
    assert server.statuses()[429] == 0


def test_a_limit_that_nobody_knows_is_found_together(cluster: Path, server: CappedServer, paths: list[str]) -> None:
    limit = SharedLimit()
    assert limit.stats() == (0, 0, 0, 0)
    server.service = 0.1
    out = scored(
        dataset(paths),
        task="image-object-detection",
        endpoint=endpoint(server),
        workers=3,
        at_once=limit,
        batch_size=16,
    )
    assert out.count() == len(paths)
    stats = limit.stats()
    assert stats.answers <= len(server.answers)
    assert stats.refused <= server.statuses()[429] <= 25  # each for itself: half of all
    assert server.most_in_flight == 8


def test_without_its_coordinator_a_job_goes_on(cluster: Path, server: CappedServer, paths: list[str]) -> None:
    limit = SharedLimit()
    server.service = 0.1

    def kill() -> None:
        while server.statuses()[200] < 60:
            time.sleep(0.05)
        ray.kill(limit._actor)  # for good

    killer = threading.Thread(target=kill, daemon=True)
    out = scored(dataset(paths), task="image-object-detection", endpoint=endpoint(server), workers=2, at_once=limit)
    killer.start()
    assert same(found_in(out.take_all()), expected(server.url, paths))
    killer.join(30)
    with pytest.raises(Exception, match="actor"):
        limit.stats()


def test_a_killed_actor_loses_and_doubles_nothing(cluster: Path, server: CappedServer, paths: list[str]) -> None:
    killed: list[int] = []

    def kill() -> None:
        while not killed and server.statuses()[200] < 60:
            time.sleep(0.05)
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and b"ray::" in (command := _command(process)) and b"Scorer" in command:
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(int(process.name))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    server.service = 0.1
    rows = scored(
        dataset(paths), task="image-object-detection", endpoint=endpoint(server), at_once=8, batch_size=16
    ).take_all()
    killer.join(30)
    assert killed
    paid_twice = sum(times - 1 for times in server.bodies.values())
    assert paid_twice <= 4 * BLOCK * len(killed)  # what was in work
    assert same(found_in(rows), expected(server.url, paths))


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_the_key_is_in_no_file_of_ray(cluster: Path, server: CappedServer, paths: list[str]) -> None:
    scored(dataset(paths), task="image-object-detection", endpoint=endpoint(server), at_once=8).materialize()
    files = [file for file in holds(cluster, KEY) if "runtime_env" not in file.name]  # where this test put it itself
    assert [file for file in files if not _is_of_the_environment(file)] == []


def _is_of_the_environment(file: Path) -> bool:
    """Ray writes the variables that this test sets on the workers into the logs of its agents."""
    return any(b"env_vars" in line for line in file.read_bytes().splitlines() if KEY.encode() in line)


def test_a_revoked_key_ends_the_job(cluster: Path, server: CappedServer, paths: list[str]) -> None:
    server.judge = lambda body, number: 200 if number < 100 else 401
    started = time.monotonic()
    with pytest.raises(Exception, match="401") as raised:
        scored(
            dataset(paths * 4, 8), task="image-object-detection", endpoint=endpoint(server), workers=4, at_once=8
        ).materialize()
    assert KEY not in str(raised.value)
    assert server.statuses()[401] <= 25
    assert time.monotonic() - started < 60  # a hang would be longer; starting four actors alone takes seconds


def test_a_job_that_ended_goes_on(cluster: Path, server: CappedServer, paths: list[str], tmp_path: Path) -> None:
    first = dataset(paths[:80])
    scored(first, task="image-object-detection", endpoint=endpoint(server), at_once=8).write_parquet(
        str(tmp_path / "out")
    )
    before = server.statuses()[200]
    rest = to_do(dataset(paths), ray.data.read_parquet(str(tmp_path / "out")), id="id")
    scored(rest, task="image-object-detection", endpoint=endpoint(server), at_once=8).write_parquet(
        str(tmp_path / "out")
    )
    rows = ray.data.read_parquet(str(tmp_path / "out")).take_all()
    assert server.statuses()[200] - before == len(
        [path for path in paths[80:] if "49.png" not in path and "99.png" not in path]
    )
    assert same(found_in(rows), expected(server.url, paths))


def test_no_rows(cluster: Path, server: CappedServer) -> None:
    assert scored(dataset([]), task="image-object-detection", endpoint=endpoint(server), at_once=8).count() == 0

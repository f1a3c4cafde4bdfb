"""Real Ray on this machine: rows equal to one process's, killed actors, secrets, a revoked key, resuming."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="needs Ray: make test-engines")
pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")

from automl_cv_client import Task  # noqa: E402
from automl_cv_client.integrations.ray import Endpoint, SharedLimit, scored, to_do  # noqa: E402
from tests.capped import CappedServer  # noqa: E402
from tests.engines.conftest import (  # noqa: E402
    COUNT,
    KEY,
    Killer,
    check_against,
    expected,
    found_in,
    holds,
    job_of,
    reply_of,
    run_blocks_of_the_page,
    same,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # an engine's own
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = Path(os.path.realpath(tmp_path_factory.mktemp("r")))
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    spilled = str(folder / "spilled")
    os.environ["CATS_KEY"] = KEY  # a local cluster has the driver's variables; those of a runtime_env are in its logs
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        object_store_memory=100 * 1024 * 1024,
        _system_config={
            "object_spilling_config": json.dumps({"type": "filesystem", "params": {"directory_path": spilled}})
        },
        _temp_dir=str(folder),
        runtime_env={"env_vars": {"PYTHONPATH": path}},
        log_to_driver=False,
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield folder
    ray.shutdown()
    del os.environ["CATS_KEY"]


BLOCK = 25


def dataset(paths: list[str], blocks: int = COUNT // BLOCK) -> Any:
    rows = [{"id": number, "path": path} for number, path in enumerate(paths)]
    return ray.data.from_items(rows, override_num_blocks=blocks)


def endpoint(server: CappedServer) -> Endpoint:
    return Endpoint(uri=server.url, key_env="CATS_KEY")


@pytest.mark.parametrize("task", Task)
def test_columns_and_rows_are_those_of_one_process(
    task: Task, cluster: Path, server: CappedServer, paths: list[str], tmp_path: Path
) -> None:
    server.reply_for = reply_of(task)
    out = scored(dataset(paths), task=task, endpoint=endpoint(server), id="id", batch_size=32, at_once=8)
    out.write_parquet(str(tmp_path / "scored"))
    check_against(job_of(server.url, paths, task, tmp_path), pyarrow.parquet.read_table(tmp_path / "scored"))


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


@pytest.mark.parametrize("for_good", [True, False])
def test_without_its_coordinator_a_job_goes_on(
    for_good: bool, cluster: Path, server: CappedServer, paths: list[str]
) -> None:
    limit = SharedLimit()
    server.service = 0.1

    def kill() -> None:
        while server.statuses()[200] < 60:
            time.sleep(0.05)
        ray.kill(limit._actor, no_restart=for_good)

    killer = threading.Thread(target=kill, daemon=True)
    out = scored(dataset(paths), task="image-object-detection", endpoint=endpoint(server), workers=2, at_once=limit)
    killer.start()
    assert same(found_in(out.take_all()), expected(server.url, paths))
    killer.join(30)
    if for_good:
        with pytest.raises(Exception, match="actor"):
            limit.stats()
    else:
        assert ray.get(limit._actor.stats.options(max_task_retries=-1).remote()).answers < len(paths)  # a new one


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_a_killed_actor_loses_and_doubles_nothing(
    seed: int, cluster: Path, server: CappedServer, paths: list[str], figure: Callable[[str], None]
) -> None:
    server.service = 0.1
    with Killer(server, seed) as killer:
        rows = scored(
            dataset(paths),
            task="image-object-detection",
            endpoint=endpoint(server),
            workers=1 + seed % 2,
            at_once=8,
            batch_size=16,
        ).take_all()
    assert killer.killed
    paid_twice = sum(times - 1 for times in server.bodies.values())
    figure(f"{paid_twice} of {len(paths)} images paid twice")
    assert paid_twice <= 4 * BLOCK  # what was in work
    assert same(found_in(rows), expected(server.url, paths))


def test_the_key_is_nowhere(cluster: Path, server: CappedServer, paths: list[str], tmp_path: Path) -> None:
    """In no pickle, log, spilled object or output."""
    out = scored(dataset(paths), task="image-object-detection", endpoint=endpoint(server), workers=2, at_once=8)
    assert KEY.encode() not in ray.cloudpickle.dumps(out)
    out.write_parquet(str(tmp_path))
    whole = scored(dataset(paths), task="image-object-detection", endpoint=endpoint(server)).materialize()
    held = [ray.put(os.urandom(20_000_000)) for _ in range(8)]  # more than the object store has room for
    spilled = [file for file in (cluster / "spilled").rglob("*") if file.is_file()]
    assert spilled
    assert list(tmp_path.iterdir())
    assert (holds(cluster, KEY), holds(tmp_path, KEY)) == ([], [])
    assert len(held) == 8
    assert whole.count() == len(paths)


@pytest.mark.parametrize("at_once", [8, None], ids=["known", "unknown"])
def test_a_revoked_key_ends_the_job(
    at_once: int | None, cluster: Path, server: CappedServer, paths: list[str], figure: Callable[[str], None]
) -> None:
    server.judge = lambda body, number: 200 if number < 100 else 401
    with pytest.raises(Exception, match="401") as raised:
        scored(
            dataset(paths * 4, 8), task="image-object-detection", endpoint=endpoint(server), workers=4, at_once=at_once
        ).materialize()
    ended = time.monotonic()
    assert KEY not in str(raised.value)
    assert "nothing more can succeed" in str(raised.value)
    assert server.statuses()[401] <= 25
    revoked = min(at for at, status in server.answers if status == 401)
    figure(f"{server.statuses()[401]} refused, over {ended - revoked:.1f} s after the first")
    assert ended - revoked <= 10


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


def test_the_page_runs(cluster: Path, server: CappedServer, paths: list[str], tmp_path: Path) -> None:
    """docs/scale.md, as it stands but for the address."""
    rows = pyarrow.table({"id": range(len(paths)), "path": paths})
    (tmp_path / "images").mkdir()
    pyarrow.parquet.write_table(rows, tmp_path / "images" / "rows.parquet")
    names = run_blocks_of_the_page("ray", server, tmp_path)
    assert names["rest"].count() == 0
    assert same(found_in(pyarrow.parquet.read_table(tmp_path / "scored").to_pylist()), expected(server.url, paths))


def test_no_rows(cluster: Path, server: CappedServer) -> None:
    assert scored(dataset([]), task="image-object-detection", endpoint=endpoint(server), at_once=8).count() == 0

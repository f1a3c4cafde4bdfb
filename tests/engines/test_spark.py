"""Real Spark on this machine: rows equal to one process's, a killed Python worker, secrets, a revoked key, resuming."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pyspark = pytest.importorskip("pyspark", reason="needs Spark: make test-engines")
pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("pyarrow.parquet")

from automl_cv_client import Task  # noqa: E402
from automl_cv_client.integrations.spark import Endpoint, PartitionScorer, scored, to_do  # noqa: E402
from tests.capped import CappedServer  # noqa: E402
from tests.engines.conftest import (  # noqa: E402
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
CORES = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="module")
def spark(folder: Path) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    for name in ("events", "local", "warehouse"):
        (folder / name).mkdir()
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["CATS_KEY"] = KEY  # the Python workers of a local master have the driver's variables
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    session = (
        SparkSession.builder.master(f"local[{CORES}, 4]")  # four tries per task, as in a cluster
        .config("spark.ui.enabled", "false")
        .config("spark.eventLog.enabled", "true")
        .config("spark.eventLog.dir", f"file://{folder / 'events'}")
        .config("spark.local.dir", str(folder / "local"))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "16")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
    del os.environ["CATS_KEY"]


def frame(spark: Any, paths: list[str], partitions: int = CORES) -> Any:
    rows = [(number, path) for number, path in enumerate(paths)]
    return spark.createDataFrame(rows, "id long, path string").repartition(partitions, "id")


def endpoint(server: CappedServer) -> Endpoint:
    return Endpoint(uri=server.url, key_env="CATS_KEY")


def rows_of(data_frame: Any) -> list[dict[str, Any]]:
    return [row.asDict(recursive=True) for row in data_frame.collect()]


@pytest.mark.parametrize("task", Task)
def test_columns_and_rows_are_those_of_one_process(
    task: Task, spark: Any, server: CappedServer, paths: list[str], tmp_path: Path
) -> None:
    server.reply_for = reply_of(task)
    out = scored(frame(spark, paths), task=task, endpoint=endpoint(server), id="id", at_once=8)
    out.write.parquet(str(tmp_path / "scored"))
    assert server.statuses()[429] == 0  # what is known is never exceeded
    check_against(job_of(server.url, paths, task, tmp_path), pyarrow.parquet.read_table(tmp_path / "scored"))


def test_bytes_are_images_and_are_dropped(spark: Any, server: CappedServer, paths: list[str]) -> None:
    data = [(number, bytearray(Path(path).read_bytes())) for number, path in enumerate(paths[:20])]
    images = spark.createDataFrame(data, "id long, image binary")
    out = scored(images, task="image-object-detection", endpoint=endpoint(server), image="image", at_once=8)
    assert "image" not in out.columns
    found = found_in(rows_of(out))
    assert [found[number][0] for number in range(20)] == ["ok"] * 20


PARTITIONS = 8


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_a_killed_worker_loses_and_doubles_nothing(
    seed: int, spark: Any, server: CappedServer, paths: list[str], figure: Callable[[str], None]
) -> None:
    server.service = 0.1
    images = frame(spark, paths, PARTITIONS)
    largest = max(len(rows) for rows in images.rdd.glom().collect())
    with Killer(server, seed) as killer:
        rows = rows_of(scored(images, task="image-object-detection", endpoint=endpoint(server), at_once=8))
    assert killer.killed
    paid_twice = sum(times - 1 for times in server.bodies.values())
    figure(f"{paid_twice} of {len(paths)} images paid twice")
    assert 1 <= paid_twice <= largest + 1  # the rows of a task, and the check before it is tried again
    assert same(found_in(rows), expected(server.url, paths))


def test_the_key_is_nowhere(
    spark: Any, folder: Path, server: CappedServer, paths: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """In no pickle, event log, spilled block, output or line of the console."""
    assert KEY.encode() not in pyspark.cloudpickle.dumps(PartitionScorer(Task.DETECTION, endpoint(server)))
    out = scored(frame(spark, paths), task="image-object-detection", endpoint=endpoint(server), at_once=8)
    out.write.mode("overwrite").parquet(str(folder / "out"))
    out.persist(pyspark.StorageLevel.DISK_ONLY).count()
    assert holds(folder, KEY) == []
    assert list((folder / "events").iterdir())
    assert any(file.is_file() for file in (folder / "local").rglob("rdd_*"))
    out.unpersist()
    said = capfd.readouterr()
    assert KEY not in said.out + said.err


def test_a_revoked_key_ends_the_job(
    spark: Any, server: CappedServer, paths: list[str], figure: Callable[[str], None]
) -> None:
    began = time.monotonic()
    with pytest.raises(Exception, match="at once"):  # Spark tries each task four times, each time in a new process
        frame(spark, paths * 4, CORES).mapInArrow(_fails, "id long").collect()
    of_spark = time.monotonic() - began
    server.judge = lambda body, number: 200 if number < 100 else 401
    many = frame(spark, paths * 4, CORES)
    with pytest.raises(Exception, match="401") as raised:
        scored(many, task="image-object-detection", endpoint=endpoint(server), at_once=8).collect()
    ended = time.monotonic()
    assert KEY not in str(raised.value)
    assert "nothing more can succeed" in str(raised.value)
    assert server.statuses()[401] <= 25
    revoked = min(at for at, status in server.answers if status == 401)
    seconds = f"over {ended - revoked:.1f} s after the first, of which Spark takes {of_spark:.1f} s by itself"
    figure(f"{server.statuses()[401]} refused, {seconds}")
    assert ended - revoked <= 10 + of_spark, seconds


def _fails(batches: Any) -> Any:
    raise RuntimeError("at once")


def test_a_job_that_ended_goes_on(spark: Any, server: CappedServer, paths: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    first = frame(spark, paths[:80])
    scored(first, task="image-object-detection", endpoint=endpoint(server), at_once=8).write.parquet(out)
    before = server.statuses()[200]
    rest = to_do(frame(spark, paths), spark.read.parquet(out), id="id")
    scored(rest, task="image-object-detection", endpoint=endpoint(server), at_once=8).write.mode("append").parquet(out)
    assert server.statuses()[200] - before == sum(number % 50 != 49 for number in range(80, len(paths)))
    assert same(found_in(rows_of(spark.read.parquet(out))), expected(server.url, paths))


def test_the_page_runs(spark: Any, server: CappedServer, paths: list[str], tmp_path: Path) -> None:
    """docs/scale.md, as it stands but for the address."""
    rows = pyarrow.table({"id": range(len(paths)), "path": paths})
    (tmp_path / "images").mkdir()
    pyarrow.parquet.write_table(rows, tmp_path / "images" / "rows.parquet")
    names = run_blocks_of_the_page("pyspark", server, tmp_path)
    assert names["rest"].count() == 0
    scored_rows = pyarrow.parquet.read_table(tmp_path / "scored").to_pylist()
    assert same(found_in(scored_rows), expected(server.url, paths))


def test_empty_partitions(spark: Any, server: CappedServer, paths: list[str]) -> None:
    rows = scored(frame(spark, paths[:3], 8), task="image-object-detection", endpoint=endpoint(server), at_once=8)
    assert rows.count() == 3

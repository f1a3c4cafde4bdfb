"""Real Spark on this machine: rows equal to one process's, a killed Python worker, secrets, a revoked key, resuming."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pyspark = pytest.importorskip("pyspark", reason="needs Spark: make test-engines")
pytest.importorskip("pyarrow")

from automl_cv_client import Task  # noqa: E402
from automl_cv_client.integrations.arrow import schema  # noqa: E402
from automl_cv_client.integrations.spark import Endpoint, scored, to_do  # noqa: E402
from tests.capped import CappedServer  # noqa: E402
from tests.engines.conftest import KEY, expected, found_in, holds, reply_of, same  # noqa: E402

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
def test_rows_equal_those_of_one_process(task: Task, spark: Any, server: CappedServer, paths: list[str]) -> None:
    server.reply_for = reply_of(task)
    out = scored(frame(spark, paths), task=task, endpoint=endpoint(server), id="id", at_once=8)
    rows = rows_of(out)
    assert server.statuses()[429] == 0  # what is known is never exceeded
    assert same(found_in(rows), expected(server.url, paths, task))
    assert out.columns == ["id", "path", *schema(task).names]


def test_bytes_are_images_and_are_dropped(spark: Any, server: CappedServer, paths: list[str]) -> None:
    data = [(number, bytearray(Path(path).read_bytes())) for number, path in enumerate(paths[:20])]
    images = spark.createDataFrame(data, "id long, image binary")
    out = scored(images, task="image-object-detection", endpoint=endpoint(server), image="image", at_once=8)
    assert "image" not in out.columns
    found = found_in(rows_of(out))
    assert [found[number][0] for number in range(20)] == ["ok"] * 20


def test_a_killed_worker_loses_and_doubles_nothing(spark: Any, server: CappedServer, paths: list[str]) -> None:
    killed: list[int] = []

    def kill() -> None:
        while not killed and server.statuses()[200] < 60:
            time.sleep(0.05)
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and _is_worker(process):
                os.kill(int(process.name), signal.SIGKILL)
                killed.append(int(process.name))
                return

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    server.service = 0.1
    rows = rows_of(scored(frame(spark, paths), task="image-object-detection", endpoint=endpoint(server), at_once=8))
    killer.join(30)
    assert killed
    assert same(found_in(rows), expected(server.url, paths))


def _is_worker(process: Path) -> bool:
    """A Python process whose parent is Spark's daemon."""
    try:
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        return all(b"pyspark" in (Path("/proc") / number / "cmdline").read_bytes() for number in (process.name, parent))
    except OSError:
        return False


def test_the_key_is_in_no_file_of_spark(spark: Any, folder: Path, server: CappedServer, paths: list[str]) -> None:
    out = scored(frame(spark, paths), task="image-object-detection", endpoint=endpoint(server), at_once=8)
    out.write.mode("overwrite").parquet(str(folder / "out"))
    assert holds(folder, KEY) == []
    assert list((folder / "events").iterdir())


def test_a_revoked_key_ends_the_job(spark: Any, server: CappedServer, paths: list[str]) -> None:
    server.judge = lambda body, number: 200 if number < 100 else 401
    many = frame(spark, paths * 4, CORES)
    with pytest.raises(Exception, match="401") as raised:
        scored(many, task="image-object-detection", endpoint=endpoint(server), at_once=8).collect()
    assert KEY not in str(raised.value)
    assert server.statuses()[401] <= 25


def test_a_job_that_ended_goes_on(spark: Any, server: CappedServer, paths: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    first = frame(spark, paths[:80])
    scored(first, task="image-object-detection", endpoint=endpoint(server), at_once=8).write.parquet(out)
    before = server.statuses()[200]
    rest = to_do(frame(spark, paths), spark.read.parquet(out), id="id")
    scored(rest, task="image-object-detection", endpoint=endpoint(server), at_once=8).write.mode("append").parquet(out)
    assert server.statuses()[200] - before == sum(number % 50 != 49 for number in range(80, len(paths)))
    assert same(found_in(rows_of(spark.read.parquet(out))), expected(server.url, paths))


def test_empty_partitions(spark: Any, server: CappedServer, paths: list[str]) -> None:
    rows = scored(frame(spark, paths[:3], 8), task="image-object-detection", endpoint=endpoint(server), at_once=8)
    assert rows.count() == 3

"""How much of an endpoint's capacity Ray and Spark use: 8 requests at once, 200 ms each, 429 above.

Needs the engines: make the environment of `make test-engines` and run it there. Without them only the CPU is measured
that the integrations add to each image. Besides each row stands what the naive way gives, as a user would write it.

Answers are counted from some seconds after the first one to the very last one, so an engine's start takes no part, and
its uneven end does. Images are few kB and service is long, so that on a busy machine the endpoint is the bound.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from automl_cv_client import AsyncClient, Client
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.integrations import ray as on_ray
from automl_cv_client.integrations import spark as on_spark
from automl_cv_client.integrations.endpoint import Endpoint
from automl_cv_client.task import Task
from benchmarks.measuring import CappedEndpoint, amount, instant_server, interleaved, ratio, table

CAP, SERVICE = 8, 0.2
ROOT = Path(__file__).parents[1]
KEY_VARIABLE = "AUTOML_CV_BENCHMARK_KEY"
TASK = "image-object-detection"
OBJECTS = 16
SETTLED = 6.0  # seconds after the first answer


class Used(NamedTuple):
    """What the endpoint saw: share of its capacity, share of answers refused, images never answered, seconds in all."""

    share: float
    refused: float
    failed: int
    seconds: float


def used(drive: Callable[[str, int], int], images: int) -> Used:
    """Have an engine score so many images, and look what the endpoint saw of it."""
    images = amount(images, 40)
    endpoint = CappedEndpoint(CAP, SERVICE)
    began = time.monotonic()
    try:
        rows = drive(endpoint.url, images)
        answers = endpoint.answers()
    finally:
        endpoint.stop()
    assert rows == images, (rows, images)
    good = sorted(at for at, status in answers if status == 200)
    since = good[0] + amount(SETTLED, 0.0)
    later = [at for at in good if at > since]
    share = len(later) / max(good[-1] - since, SERVICE) / (CAP / SERVICE)
    return Used(share, 1 - len(good) / len(answers), images - len(good), good[-1] - began)


def text_of(outcome: Any) -> str:
    return outcome.result.model_dump_json() if outcome.ok else str(outcome.error)


class NaiveRay:
    """An awaited client in an actor, and its stream for each batch."""

    def __init__(self, url: str) -> None:
        self.client = AsyncClient(url, "key")

    async def __call__(self, batch: Any) -> AsyncIterator[Any]:
        outcomes = [outcome async for outcome in self.client.detect_many(batch["path"].to_pylist())]
        yield batch.append_column("result", [[text_of(outcome) for outcome in outcomes]])


def ray_naive(workers: int, image: str) -> Callable[[str, int], int]:
    def drive(url: str, images: int) -> int:
        from ray.data import ActorPoolStrategy

        out = _ray_rows(image, images).map_batches(
            NaiveRay,
            fn_constructor_args=[url],
            batch_format="pyarrow",
            batch_size=32,
            num_cpus=0.25,
            compute=ActorPoolStrategy(size=workers),
        )
        return int(out.count())

    return drive


def ray_scored(workers: int, image: str, at_once: int | None) -> Callable[[str, int], int]:
    def drive(url: str, images: int) -> int:
        endpoint = Endpoint(uri=url, key_env=KEY_VARIABLE)
        rows = _ray_rows(image, images)
        return int(on_ray.scored(rows, task=TASK, endpoint=endpoint, id="id", workers=workers, at_once=at_once).count())

    return drive


def _ray_rows(image: str, images: int) -> Any:
    import ray

    rows = [{"id": number, "path": image} for number in range(images)]
    return ray.data.from_items(rows, override_num_blocks=max(1, images // 64))


def spark_naive(session: Any, image: str) -> Callable[[str, int], int]:
    """A client for each partition, and a stream over all of its rows."""

    def drive(url: str, images: int) -> int:
        def score(batches: Iterable[Any]) -> Iterator[Any]:
            import pyarrow

            with Client(url, "key") as client:
                for batch in batches:
                    outcomes = client.detect_many(batch.column("path").to_pylist())
                    yield batch.append_column("result", pyarrow.array([text_of(outcome) for outcome in outcomes]))

        frame = _spark_rows(session, image, images)
        return int(frame.mapInArrow(score, "id long, path string, result string").count())

    return drive


def spark_scored(session: Any, image: str, at_once: int) -> Callable[[str, int], int]:
    def drive(url: str, images: int) -> int:
        endpoint = Endpoint(uri=url, key_env=KEY_VARIABLE)
        rows = _spark_rows(session, image, images)
        return int(on_spark.scored(rows, task=TASK, endpoint=endpoint, id="id", at_once=at_once).count())

    return drive


def _spark_rows(session: Any, image: str, images: int) -> Any:
    rows = session.createDataFrame([(number, image) for number in range(images)], "id long, path string")
    return rows.repartition(4)


def with_ray(image: str) -> list[tuple[str, str, str, str]]:
    import ray

    variables = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", KEY_VARIABLE: "key"}
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": variables})
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [
        row("Ray, one actor", used(ray_scored(1, image, None), 1200), "≥ 0.88"),
        row("Ray, one actor, written naively", used(ray_naive(1, image), 480)),
        row("Ray, 4 actors, capacity known", used(ray_scored(4, image, CAP), 1200), "≥ 0.85, ≤ 0.5 %"),
        row("Ray, 4 actors, shared limit", used(ray_scored(4, image, None), 1200), "≥ 0.88, ≤ 3 %"),
        row("Ray, 4 actors, written naively", used(ray_naive(4, image), 800)),
    ]
    ray.shutdown()
    return rows


def with_spark(image: str) -> list[tuple[str, str, str, str]]:
    from pyspark.sql import SparkSession

    os.environ.update(PYSPARK_PYTHON=sys.executable, PYTHONPATH=f"{ROOT / 'src'}{os.pathsep}{ROOT}")
    os.environ[KEY_VARIABLE] = "key"
    session = (
        SparkSession.builder.master("local[4]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    rows = [
        row("Spark, 4 tasks, capacity known", used(spark_scored(session, image, CAP), 1200), "≥ 0.85, ≤ 0.5 %"),
        row("Spark, 4 tasks, written naively", used(spark_naive(session, image), 800)),
    ]
    session.stop()
    return rows


def row(name: str, figures: Used, bar: str = "") -> tuple[str, str, str, str]:
    figure = f"{figures.refused:.1%} refused, {figures.seconds:.0f} s with the engine's start"
    if figures.failed > 0:
        figure += f", {figures.failed} images failed"
    print(f"{name}: {figures}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return name, figure, f"{figures.share:.2f} of the capacity", bar


def cpu_added(url: str) -> list[tuple[str, str, str, str]]:
    """CPU of an image by each integration, Arrow in and Arrow out, against the client's own stream."""
    import pyarrow as pa

    os.environ[KEY_VARIABLE] = "key"
    count = amount(200, 3)
    images = [grey_png(16)] * count
    rows = pa.table({"id": range(count), "image": images})
    endpoint = Endpoint(uri=url, key_env=KEY_VARIABLE)
    client = Client(url, "key")

    def plain() -> None:
        assert sum(outcome.ok for outcome in client.detect_many(images, concurrency=CAP)) == count

    def by_spark() -> None:
        scorer = on_spark.PartitionScorer(Task.DETECTION, endpoint, image="image", concurrency=CAP)
        assert sum(batch.num_rows for batch in scorer(rows.to_batches())) == count

    runner = asyncio.Runner()
    awaited, actor = AsyncClient(url, "key"), on_ray.Scorer(on_ray.Settings(Task.DETECTION, endpoint, image="image"))

    async def stream() -> None:
        assert [outcome.ok async for outcome in awaited.detect_many(images, concurrency=CAP)] == [True] * count

    async def score() -> None:
        async for batch in actor(rows):
            assert batch.num_rows == count

    works = [plain, by_spark, lambda: runner.run(stream()), lambda: runner.run(score())]
    seconds, spark, streamed, ray = interleaved(works, rounds=9, times=1)
    runner.run(awaited.close())
    runner.run(actor._client.close())
    runner.close()
    client.close()

    def added(name: str, measured: list[float], limit: list[float]) -> tuple[str, str, str, str]:
        more = sorted((whole - least) / count * 1000 for whole, least in zip(measured, limit, strict=True))
        figure = f"{more[len(more) // 2]:.2f} ms of CPU an image more"
        return name, figure, f"{ratio(measured, limit):.2f} of the stream alone", "≤ 0.3 ms"

    return [
        added(f"Spark's scorer, {OBJECTS} objects", spark, seconds),
        added(f"Ray's scorer, {OBJECTS} objects", ray, streamed),
    ]


def reply() -> bytes:
    box = {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}
    return json.dumps([{"boxes": [{"box": box, "label": "cup", "score": 0.9}] * OBJECTS}]).encode()


def main() -> None:
    with instant_server(reply()) as url:
        rows = cpu_added(url)
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.png"
        image.write_bytes(grey_png(16))
        for engine, measure in (("ray", with_ray), ("pyspark", with_spark)):
            if find_spec(engine) is None:
                print(f"{engine} is not installed: `make test-engines` has an environment with it", file=sys.stderr)
            else:
                rows += measure(str(image))
    title = f"Engines, {SERVICE * 1000:.0f} ms service, cap {CAP}"
    table(title, rows, "python -m benchmarks.engines")


if __name__ == "__main__":
    main()

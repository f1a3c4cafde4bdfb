"""Spark: score a data frame of images with ``mapInArrow``; no pandas needed.

A task scores its partition in one stream that reads across record batches, so nothing is found out anew for each. Tasks
know nothing of each other: what the endpoint takes is divided among those that run at once.
"""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from automl_cv_client._client import Client
from automl_cv_client._extras import need
from automl_cv_client._flow.call_settings import LearnedLimits, RetryPolicy
from automl_cv_client._imaging import ImageInput, ImagePolicy
from automl_cv_client._streaming.options import CONCURRENCY, StreamOptions
from automl_cv_client.errors import AutoMLVisionError, BatchError, InvalidInput, is_hopeless
from automl_cv_client.integrations.arrow import images_in, kept_columns, schema, table_of
from automl_cv_client.integrations.endpoint import AtOnce, Endpoint, asked, divided
from automl_cv_client.task import Task, task_of

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import DataFrame

__all__ = ["Endpoint", "PartitionScorer", "schema", "scored", "to_do"]

_logger = logging.getLogger("automl_cv_client.integrations")

_LEARNED: dict[Endpoint, LearnedLimits] = {}
"""What earlier tasks of this Python worker found out about each endpoint: Spark gives a worker one after the other."""


@dataclass(frozen=True)
class PartitionScorer:
    """Scores the record batches of a partition, for ``data_frame.mapInArrow(PartitionScorer(…), …)``; no secret in it.

    Attributes:
        task: what the endpoint does.
        endpoint: where, by names.
        image: the column of images: paths, or encoded images as bytes.
        id: the column that identifies a row; kept, as all columns are.
        concurrency: requests in flight at most, per task.
        is_known: the endpoint takes so many from each task: begin there, in place of finding it out.
        per_request: images per request.
        threshold: for multi-label.
        images: how images are read and prepared.
        keep_images: keep a column of bytes in the output; columns of paths are always kept.
    """

    task: Task
    endpoint: Endpoint
    image: str = "path"
    id: str | None = None
    concurrency: int = CONCURRENCY
    is_known: bool = False
    per_request: int = 1
    threshold: float = 0.5
    images: ImagePolicy = field(default_factory=ImagePolicy)
    keep_images: bool = False

    def __call__(self, batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        """Each batch with the columns of :func:`~automl_cv_client.integrations.arrow.schema`, in order."""
        need("parquet", "pyarrow")
        import pyarrow as pa

        waiting: deque[pyarrow.Table] = deque()

        def images() -> Iterator[ImageInput]:
            for batch in batches:
                table = pa.Table.from_batches([batch])
                kept = kept_columns(table, self.image, self.id, self.keep_images)
                schema(self.task, keep=kept.schema)
                if table.num_rows:
                    waiting.append(kept)
                    yield from images_in(table.column(self.image))

        with self.endpoint.client() as made:
            client = made.with_options(images=self.images)
            if _is_another_try():
                _check(client)
            client._settings = replace(client._settings, learned=_LEARNED.setdefault(self.endpoint, LearnedLimits()))
            options = StreamOptions(self.concurrency, per_request=self.per_request, is_known=self.is_known)
            outcomes = client._many(images(), self.task, options, self.threshold)
            done: list[Any] = []
            for outcome in outcomes:
                if is_hopeless(
                    outcome.error
                ):  # for all tasks: 4 that each wait for a certain verdict pay 4 times for it
                    outcomes.close()
                    raise BatchError(f"nothing more can succeed: {outcome.error}")
                done.append(outcome)
                if len(done) == waiting[0].num_rows:
                    yield from table_of(waiting.popleft(), done, self.task).combine_chunks().to_batches()
                    done = []


def _is_another_try() -> bool:
    """Whether Spark runs this task again, as an earlier try of it failed."""
    if "pyspark" not in sys.modules:
        return False
    from pyspark import TaskContext

    context = TaskContext.get()
    return context is not None and context.attemptNumber() > 0


def _check(client: Client) -> None:
    """Send one small image before another try of a task: Spark repeats it four times, also when the key was revoked.

    Raises:
        BatchError: nothing can succeed.
    """
    try:
        client.with_options(retry=RetryPolicy(attempts=1)).warm_up()
    except AutoMLVisionError as error:
        if is_hopeless(error):
            raise BatchError(f"nothing more can succeed: {error}") from None


def scored(
    data_frame: DataFrame,
    *,
    task: Task | str,
    endpoint: Endpoint | None = None,
    image: str = "path",
    id: str | None = None,
    at_once: AtOnce | None = None,
    tasks_at_once: int | None = None,
    per_request: int = 1,
    threshold: float = 0.5,
    images: ImagePolicy | None = None,
    keep_images: bool = False,
) -> DataFrame:
    """The data frame with the columns of scoring; lazy, as Spark is.

    Args:
        data_frame: rows with a column of images.
        task: what the endpoint does, such as ``"image-object-detection"``.
        endpoint: where to score, by names; by default the variables ``AUTOML_CV_SCORING_URI`` and ``AUTOML_CV_KEY`` of
            the executors.
        image: the column of images: paths, or encoded images as bytes.
        id: the column that identifies a row; checked to be there before anything is sent.
        at_once: requests the endpoint takes at once, divided among the tasks that run at once; ``"ask"`` asks Resource
            Manager from the driver, which needs the variables of the workspace; where nobody knows, measure it with
            :meth:`Client.find_capacity`. None: each task adapts, which is for one partition only.
        tasks_at_once: tasks that run at once; by default the cores of the cluster by ``spark.task.cpus``. If partitions
            are fewer, give their number.
        per_request: images per request.
        threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
        images: how images are read and prepared.
        keep_images: keep a column of bytes in the output.

    Returns:
        A data frame with one row per input row.

    Raises:
        InvalidInput: an argument cannot be used.
        ModuleNotFoundError: PySpark is missing; the message names the extra.

    Example:
        >>> scored(spark.read.parquet("images/"), task="image-object-detection", at_once=8).write.parquet("scored/")
    """
    need("spark", "pyspark")
    kind = task_of(task)
    partitions = _tasks_at_once(data_frame) if tasks_at_once is None else tasks_at_once
    if at_once is None:
        concurrency = CONCURRENCY
        if partitions > 1:
            _logger.warning(
                "%d tasks that do not know what the endpoint takes learn it by being refused, each for itself: give "
                'at_once= a number (client.find_capacity measures it) or "ask"',
                partitions,
            )
    else:
        concurrency = divided(asked(endpoint) if at_once == "ask" else at_once, partitions)
    scorer = PartitionScorer(
        kind,
        endpoint or Endpoint(),
        image=image,
        id=id,
        concurrency=concurrency,
        is_known=at_once is not None,
        per_request=per_request,
        threshold=threshold,
        images=images or ImagePolicy(),
        keep_images=keep_images,
    )
    return data_frame.mapInArrow(scorer, _spark_schema(data_frame, scorer))


def _tasks_at_once(data_frame: DataFrame) -> int:
    context = data_frame.sparkSession.sparkContext
    cpus = int(context.getConf().get("spark.task.cpus", "1") or 1)
    tasks = min(context.defaultParallelism // cpus, data_frame.rdd.getNumPartitions())
    return max(1, int(tasks))


def _spark_schema(data_frame: DataFrame, scorer: PartitionScorer) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
    from pyspark.sql.types import StructType

    incoming = to_arrow_schema(data_frame.schema)
    kept = kept_columns(incoming.empty_table(), scorer.image, scorer.id, scorer.keep_images)
    added = from_arrow_schema(schema(scorer.task, keep=kept.schema))
    fields = {field.name: field for field in data_frame.schema.fields}
    return StructType([fields.get(field.name, field) for field in added.fields])


def to_do(data_frame: DataFrame, done: DataFrame, *, id: str) -> DataFrame:
    """The rows that still have to be scored: those without a row in ``done`` that is ok, or failed for good.

    Args:
        data_frame: the rows to score.
        done: what earlier runs of :func:`scored` wrote, read back.
        id: the column that identifies a row in both.

    Returns:
        The other rows of ``data_frame``.

    Raises:
        InvalidInput: there is no such column.

    Example:
        >>> rest = to_do(rows, spark.read.parquet("scored/"), id="id")
        >>> scored(rest, task="image-object-detection", at_once=8).write.mode("append").parquet("scored/")
    """
    for rows, name in ((data_frame, "data_frame"), (done, "done")):
        if id not in rows.columns:
            raise InvalidInput(f"{name} has no column {id!r}: it has {', '.join(rows.columns)}")
    final = done.where("status = 'ok' or error.final").select(id).distinct()
    return data_frame.join(final, on=id, how="left_anti")

"""Ray Data: score a dataset of images, Arrow in and out.

One scoring actor is enough for most endpoints: what bounds the rate is the endpoint, and one process keeps hundreds of
requests in flight. With several, each gets its share of what the endpoint takes; where nobody knows that, they find it
out together, through a coordinator. Left to themselves they would learn the limit by being refused, each for itself
(measured: a quarter to a half of all answers 429 with four).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_cv_client._extras import need
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._streaming.options import CONCURRENCY
from automl_cv_client._streaming.shared_limit import Coordinator, Following, Lease, LimitStats, Report, Share
from automl_cv_client.errors import InvalidInput
from automl_cv_client.integrations.arrow import kept_columns, read_images, schema, table_of
from automl_cv_client.integrations.endpoint import AtOnce, Endpoint, asked, checked
from automl_cv_client.task import Task, task_of

if TYPE_CHECKING:
    import pyarrow
    import ray.data

__all__ = ["Endpoint", "LimitStats", "Scorer", "Settings", "SharedLimit", "schema", "scored", "to_do"]

_BLOCKS_AT_ONCE = 4
"""Blocks that an actor has in work: while one waits for its slowest image, the others keep the endpoint busy."""


class SharedLimit:
    """A limit of requests in flight that scoring actors find out together, when nobody knows what the endpoint takes.

    It is a small actor without a CPU of its own, which adapts one limit to what all of them are answered, and lends
    each a share that follows the work. :func:`scored` makes one for several workers; make it yourself to share it among
    datasets that are scored at the same time, or to look at it.

    If the coordinating actor dies, Ray begins another; until then each worker goes on with half of its share.

    Args:
        most: requests in flight at most, of all workers together.
        is_known: ``most`` is what the endpoint takes: begin there, in place of finding it out.

    Raises:
        InvalidInput: ``most`` is no whole number from 1.

    Example:
        >>> limit = SharedLimit()
        >>> out = scored(ray.data.read_parquet("images/"), task="image-object-detection", workers=4, at_once=limit)
        >>> print(limit.stats())
    """

    def __init__(self, most: int = CONCURRENCY, *, is_known: bool = False) -> None:
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise InvalidInput(f"most must be a whole number from 1, not {most!r}")
        self._most = most
        self._is_known = is_known
        self._actor: Any = None

    def begin(self) -> None:
        """Start the actor, if there is none yet; on the driver."""
        if self._actor is None:
            need("ray", "ray")
            import ray

            actor = ray.remote(Coordinator).options(num_cpus=0, max_restarts=-1)
            self._actor = actor.remote(self._most, self._is_known)

    async def report(self, name: str, report: Report) -> Lease:
        """Carry a worker's report to the coordinator; used by :class:`Scorer`."""
        lease: Lease = await self._actor.report.remote(name, report)
        return lease

    def stats(self) -> LimitStats:
        """How the limit stands, in numbers; no request is sent."""
        if self._actor is None:
            return LimitStats(0, 0, 0, 0)
        import ray

        stats: LimitStats = ray.get(self._actor.stats.remote())
        return stats


@dataclass(frozen=True)
class Settings:
    """What a :class:`Scorer` is made with, in any process; holds no secret.

    Attributes:
        task: what the endpoint does.
        endpoint: where, by names.
        image: the column of images: paths, encoded images as bytes, or arrays.
        id: the column that identifies a row; kept, as all columns are.
        concurrency: requests in flight at most, per actor.
        limit: the limit that the actors share, in place of one that each finds for itself.
        per_request: images per request.
        threshold: for multi-label.
        images: how images are read and prepared.
        keep_images: keep a column of bytes or arrays in the output; columns of paths are always kept.
    """

    task: Task
    endpoint: Endpoint
    image: str = "path"
    id: str | None = None
    concurrency: int = CONCURRENCY
    limit: SharedLimit | None = None
    per_request: int = 1
    threshold: float = 0.5
    images: ImagePolicy = field(default_factory=ImagePolicy)
    keep_images: bool = False


class Scorer:
    """Scores batches, for ``map_batches(Scorer, fn_constructor_kwargs={"settings": …}, batch_format="pyarrow")``.

    The client is made in the actor, at the first batch. All batches of an actor share one stream, so nothing is found
    out anew for each. A refused credential, role or name ends the job with a ``BatchError``; everything else is a row.

    Args:
        settings: what to score, where and how.
    """

    def __init__(self, settings: Settings) -> None:
        need("parquet", "pyarrow")
        self._settings = settings
        self._run: Any = None
        self._client: Any = None
        self._following: AbstractContextManager[None] = nullcontext()

    async def __call__(self, batch: pyarrow.Table) -> AsyncIterator[pyarrow.Table]:
        """The batch with the columns of :func:`~automl_cv_client.integrations.arrow.schema`, in its order."""
        settings = self._settings
        kept = kept_columns(batch, settings.image, settings.id, settings.keep_images)
        schema(settings.task, keep=kept.schema)  # a name that is taken: now, and not after the images were paid for
        images = await asyncio.to_thread(read_images, batch, settings.image)
        run = self._stream()
        with self._following:
            outcomes = await run.score(images)
        yield table_of(kept, outcomes, settings.task)

    def _stream(self) -> Any:
        if self._run is None:
            settings = self._settings
            self._client = settings.endpoint.async_client().with_options(images=settings.images)
            self._run = self._client.stream(
                settings.task,
                threshold=settings.threshold,
                concurrency=settings.concurrency,
                per_request=settings.per_request,
            )
            if settings.limit is not None:
                share = Share()
                name = uuid.uuid4().hex
                throttle = self._run._begin_with(share)
                self._following = Following(name, throttle, share, settings.limit.report)
        return self._run


def scored(
    dataset: ray.data.Dataset,
    *,
    task: Task | str,
    endpoint: Endpoint | None = None,
    image: str = "path",
    id: str | None = None,
    workers: int = 1,
    at_once: AtOnce | SharedLimit | None = None,
    batch_size: int = 64,
    per_request: int = 1,
    threshold: float = 0.5,
    images: ImagePolicy | None = None,
    keep_images: bool = False,
) -> ray.data.Dataset:
    """The dataset with the columns of scoring; lazy, as Ray Data is.

    Args:
        dataset: rows with a column of images.
        task: what the endpoint does, such as ``"image-object-detection"``.
        endpoint: where to score, by names; by default the variables ``AUTOML_CV_SCORING_URI`` and ``AUTOML_CV_KEY`` of
            the workers.
        image: the column of images: paths, encoded images as bytes, or arrays of ``uint8``.
        id: the column that identifies a row; checked to be there before anything is sent.
        workers: actors that score. One is enough until its CPU is the bound.
        at_once: requests the endpoint takes at once, of all workers together; ``"ask"`` asks Resource Manager from
            here, which needs the variables of the workspace. None: it is found out. Several workers share what it takes
            through a :class:`SharedLimit`, which may be given, too.
        batch_size: rows per batch. When a worker dies, Ray scores again the blocks it had in work, four at most.
        per_request: images per request.
        threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
        images: how images are read and prepared.
        keep_images: keep a column of bytes or arrays in the output.

    Returns:
        A dataset with one row per input row, in its order.

    Raises:
        InvalidInput: an argument cannot be used.
        ModuleNotFoundError: Ray is missing; the message names the extra.

    Example:
        >>> out = scored(ray.data.read_parquet("images/"), task="image-object-detection", image="path")
        >>> out.write_parquet("scored/")
    """
    need("ray", "ray")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidInput(f"workers must be a whole number from 1, not {workers!r}")
    concurrency, limit = _in_flight(workers, at_once, endpoint)
    if limit is not None:
        limit.begin()
    settings = Settings(
        task_of(task),
        endpoint or Endpoint(),
        image=image,
        id=id,
        concurrency=concurrency,
        limit=limit,
        per_request=per_request,
        threshold=threshold,
        images=images or ImagePolicy(),
        keep_images=keep_images,
    )
    return dataset.map_batches(
        Scorer,
        fn_constructor_kwargs={"settings": settings},
        batch_format="pyarrow",
        batch_size=batch_size,
        num_cpus=0.25,  # it waits for the network
        **_pool(workers),
    )


def _pool(workers: int) -> dict[str, Any]:
    """So many actors, each with some blocks in work and one that waits; in the words of this version of Ray."""
    from ray.data import ActorPoolStrategy

    size: dict[str, Any] = {"size": workers, "max_tasks_in_flight_per_actor": _BLOCKS_AT_ONCE + 1}
    try:
        return {"compute": ActorPoolStrategy(**size, max_concurrent_calls_per_actor=_BLOCKS_AT_ONCE)}
    except TypeError:  # before 2.60
        return {"compute": ActorPoolStrategy(**size), "max_concurrency": _BLOCKS_AT_ONCE}


def _in_flight(
    workers: int, at_once: AtOnce | SharedLimit | None, endpoint: Endpoint | None
) -> tuple[int, SharedLimit | None]:
    """Requests in flight per worker at most, and the limit they share.

    An equal share for each would be simpler, and lies idle when Ray gives some actors more blocks than others.
    """
    if isinstance(at_once, SharedLimit):
        return CONCURRENCY, at_once
    known = None if at_once is None else checked(asked(endpoint) if at_once == "ask" else at_once)
    if workers == 1:
        return known or CONCURRENCY, None
    return CONCURRENCY, SharedLimit(known or CONCURRENCY, is_known=known is not None)


def to_do(dataset: ray.data.Dataset, done: ray.data.Dataset, *, id: str) -> ray.data.Dataset:
    """The rows that still have to be scored: those without a row in ``done`` that is ok, or failed for good.

    Args:
        dataset: the rows to score.
        done: what earlier runs of :func:`scored` wrote, read back with ``ray.data.read_parquet``.
        id: the column that identifies a row in both.

    Returns:
        The other rows of ``dataset``.

    Raises:
        InvalidInput: there is no such column.
        ModuleNotFoundError: Ray is missing; the message names the extra.

    Example:
        >>> rest = to_do(dataset, ray.data.read_parquet("scored/"), id="id")
        >>> scored(rest, task="image-object-detection").write_parquet("scored/")
    """
    need("ray", "ray")
    for rows, name in ((dataset, "dataset"), (done, "done")):
        if id not in rows.schema().names:
            raise InvalidInput(f"{name} has no column {id!r}: it has {', '.join(rows.schema().names)}")
    import ray

    final = ray.put({row[id] for row in done.select_columns([id, "status", "error"]).iter_rows() if is_final(row)})

    def unfinished(row: dict[str, Any]) -> bool:
        return row[id] not in ray.get(final)

    return dataset.filter(unfinished)


def is_final(row: dict[str, Any]) -> bool:
    """Whether a scored row need not be scored again."""
    return row["status"] == "ok" or bool((row["error"] or {}).get("final"))

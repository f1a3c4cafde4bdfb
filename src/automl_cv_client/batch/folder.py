"""Scores the images of a folder (or list, or pattern) into a folder that can be resumed after any interruption."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack

from automl_cv_client._async_client import AsyncClient
from automl_cv_client._client import Client
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._streaming.stream import AsyncStream, Stream
from automl_cv_client._streaming.streams import ManyOptions, async_stream_for, check_options, stream_for
from automl_cv_client.batch.exports import Format, checked_formats, write_export
from automl_cv_client.batch.interrupts import interrupts
from automl_cv_client.batch.job import JobRun
from automl_cv_client.batch.sources import Source
from automl_cv_client.batch.summary import BatchSummary, ProgressCallback
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task, task_of

T = TypeVar("T")
_STOP_ABOVE = 0.5  # share of failures
_DRAIN = 10.0  # seconds for what is in flight after the first Ctrl-C


class BatchOptions(TypedDict, total=False):
    """What both functions take, by keyword.

    Attributes:
        concurrency: requests in flight at most, 64 by default; how many are is found out.
        per_request: images a request, 1 by default.
        bytes_per_second: a bound on what is sent.
        threshold: for multi-label, as in :meth:`Client.classify_multilabel`.
        stop_above: the share of failed images, of those this run tries for the first time and once there are 50,
            above which it stops: 0.5 by default; None to go on whatever happens.
        formats: what to export at the end, of ``"jsonl"`` (the default), ``"csv"`` and ``"parquet"``.
        retry_failed: try images again that were given up, as after their cause is mended; they have three new tries.
        progress: called with a :class:`Progress` about ten times a second, in the thread (or event loop) of the run.
            What it raises ends the run.
    """

    concurrency: int
    per_request: int
    bytes_per_second: float | None
    threshold: float
    stop_above: float | None
    formats: tuple[Format, ...]
    retry_failed: bool
    progress: ProgressCallback | None


def score_folder(
    client: Client, source: Source, out: str | os.PathLike[str], task: Task | str, **options: Unpack[BatchOptions]
) -> BatchSummary:
    """Score many images and keep the results on disk; call it again to resume.

    Every image ends in exactly one record, a result or an error, in ``<out>/ledger.sqlite``, and at the end in
    ``<out>/results.jsonl``. An image that fails is tried again by the next two runs, and then kept as failed.
    Nothing that is recorded is scored again, whatever ended the run before: kill -9, a full disk, a power cut.

    The first Ctrl-C lets the requests in flight end (10 s at most), the second stops at once; both raise
    KeyboardInterrupt, and the next run goes on. SIGTERM and SIGHUP do the same, and then end the process.

    Args:
        client: the endpoint.
        source: a folder with subfolders, a pattern, a text file of paths, a training file ``*.jsonl``, ``"-"``
            for paths from standard input, or an iterable of paths. Read to its end before scoring begins.
        out: the folder of the job.
        task: what the endpoint does.
        options: see :class:`BatchOptions`.

    Raises:
        BatchError: the folder holds another job or another process works on it; the disk is full; the credential
            was revoked or the endpoint is gone; too many images failed. What is recorded stays.
        InvalidInput: an argument cannot be used.
    """
    kind, many, formats = _prepared(client._settings, task, options)
    with _job(client._settings, source, out, kind, options) as run:
        run.open()
        stream = stream_for(
            client._settings, client._backend, run.images(), kind, options.get("threshold", 0.5), run.probe, **many
        )
        stream.while_waiting = run.begin(stream.traffic)
        with interrupts(partial(_drain, stream, run), _interrupt) as seen:
            try:
                while outcomes := stream.take():
                    run.record(outcomes)
                    run.report()
            finally:
                stream.close(0.0 if seen.count else _DRAIN)
        if seen.count:
            raise KeyboardInterrupt
        return _finished(run, kind, out, formats)


async def score_folder_async(
    client: AsyncClient, source: Source, out: str | os.PathLike[str], task: Task | str, **options: Unpack[BatchOptions]
) -> BatchSummary:
    """As :func:`score_folder`, awaited. Both can resume what the other began."""
    kind, many, formats = _prepared(client._settings, task, options)
    with _job(client._settings, source, out, kind, options) as run:
        await _to_its_end(asyncio.to_thread(run.open))
        stream = async_stream_for(
            client._settings, client._backend, run.images(), kind, options.get("threshold", 0.5), run.probe, **many
        )
        stream.while_waiting = run.begin(stream.traffic)
        task_here = asyncio.current_task()
        assert task_here is not None
        loop = asyncio.get_running_loop()
        with interrupts(partial(_drain, stream, run), lambda: loop.call_soon_threadsafe(task_here.cancel)) as seen:
            try:
                while outcomes := await stream.take():
                    await _to_its_end(asyncio.to_thread(run.record, outcomes))
                    run.report()
            finally:
                await stream.close()
        if seen.count:
            raise KeyboardInterrupt
        return await _to_its_end(asyncio.to_thread(_finished, run, kind, out, formats))


def _prepared(
    settings: CallSettings, task: Task | str, options: BatchOptions
) -> tuple[Task, ManyOptions, tuple[Format, ...]]:
    """The options, checked before anything is written."""
    unknown = sorted(set(options) - set(BatchOptions.__annotations__))
    if unknown:
        raise InvalidInput(f"unknown option {unknown[0]!r}: use {', '.join(BatchOptions.__annotations__)}")
    worst = options.get("stop_above", _STOP_ABOVE)
    if worst is not None and not (isinstance(worst, int | float) and 0 <= worst <= 1):
        raise InvalidInput(f"stop_above must be a share between 0 and 1, or None; not {worst!r}")
    checked_threshold(options.get("threshold", 0.5))
    many: ManyOptions = {"ordered": False}
    if "concurrency" in options:
        many["concurrency"] = options["concurrency"]
    if "per_request" in options:
        many["per_request"] = options["per_request"]
    if "bytes_per_second" in options:
        many["bytes_per_second"] = options["bytes_per_second"]
    check_options(settings, many)
    return task_of(task), many, checked_formats(options.get("formats", ("jsonl",)))


def _job(
    settings: CallSettings, source: Source, out: str | os.PathLike[str], task: Task, options: BatchOptions
) -> JobRun:
    fingerprint = {
        "endpoint": shown(settings.url),
        "deployment": settings.deployment or "",
        "task": task.value,
        "threshold": str(float(options.get("threshold", 0.5))),
        "dialect": settings.dialect,
        "images": settings.images.model_dump_json(),
    }
    worst = options.get("stop_above", _STOP_ABOVE)
    return JobRun(Path(out), source, fingerprint, worst, options.get("progress"), options.get("retry_failed", False))


def _finished(run: JobRun, task: Task, out: str | os.PathLike[str], formats: tuple[Format, ...]) -> BatchSummary:
    for one in formats:
        write_export(run.ledger, task, one, Path(out) / f"results.{one}")
    return run.summary()


def _drain(stream: Stream | AsyncStream, run: JobRun) -> None:
    stream.drain(_DRAIN)
    run.stops_in(_DRAIN)


def _interrupt() -> None:
    raise KeyboardInterrupt


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await a thread's work, and its end however often this is cancelled: the ledger it uses is closed next."""
    running = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        running.exception()  # of no interest any more, and asyncio complains of those nobody looked at
        raise cancelled
    return running.result()

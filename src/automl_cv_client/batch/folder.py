"""Scores the images of a folder (or list, or pattern) into a folder that can be resumed after any interruption."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from automl_cv_client._async_client import AsyncClient
from automl_cv_client._client import Client
from automl_cv_client._clients.capacity import asked, asked_async, check_askable
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._keywords import named
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._streaming.options import CONCURRENCY, Concurrency, StreamOptions
from automl_cv_client._streaming.runs import async_stream_for, stream_for
from automl_cv_client._streaming.stream import AsyncStream, Stream
from automl_cv_client.batch.exports import Format, checked_formats, write_export
from automl_cv_client.batch.interrupts import interrupts
from automl_cv_client.batch.job import JobRun
from automl_cv_client.batch.sources import Source
from automl_cv_client.batch.summary import BatchSummary, ProgressCallback
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task, TaskInput, task_of

T = TypeVar("T")
_DRAIN = 10.0  # seconds for what is in flight after the first Ctrl-C


@dataclass(frozen=True, slots=True)
class _Options:
    """What both functions take by keyword, checked before anything is written."""

    stream: StreamOptions
    threshold: float
    stop_above: float | None
    formats: tuple[Format, ...]
    retry_failed: bool
    progress: ProgressCallback | None

    def __post_init__(self) -> None:
        worst: Any = self.stop_above
        if worst is not None and not (isinstance(worst, int | float) and 0 <= worst <= 1):
            raise InvalidInput(f"stop_above must be a share between 0 and 1, or None; not {worst!r}")
        checked_threshold(self.threshold)
        object.__setattr__(self, "formats", checked_formats(self.formats))


@named
def score_folder(
    client: Client,
    source: Source,
    out: str | os.PathLike[str],
    task: TaskInput,
    *,
    concurrency: Concurrency = CONCURRENCY,
    per_request: int = 1,
    bytes_per_second: float | None = None,
    threshold: float = 0.5,
    stop_above: float | None = 0.5,
    formats: tuple[Format, ...] = ("jsonl",),
    retry_failed: bool = False,
    progress: ProgressCallback | None = None,
) -> BatchSummary:
    """Score many images and keep the results on disk; call it again to resume.

    Every image ends in exactly one record, a result or an error, in ``<out>/ledger.sqlite``, and at the end in
    ``<out>/results.jsonl``. An image that fails is retried by the next two runs, and then kept as failed. Nothing that
    is recorded is scored again, whatever ended the run before: kill -9, a full disk, a power cut. The other client can
    resume what this one began.

    The first Ctrl-C lets the requests in flight end (10 s at most), the second stops at once; both raise
    KeyboardInterrupt, and the next run goes on. SIGTERM and SIGHUP do the same, and then end the process.

    Args:
        client: the endpoint.
        source: a folder with subfolders, a pattern, a text file of paths, a training file ``*.jsonl``, ``"-"``
            for paths from standard input, or an iterable of paths. Read to its end before scoring begins.
        out: the folder of the job.
        task: what the endpoint does.
        concurrency: requests in flight at most, up to 256; how many really are is found out. ``"ask"`` for as many as
            Resource Manager says that the deployment takes.
        per_request: images per request.
        bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.
        threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
        stop_above: the share of failed images, of those this run tries for the first time and once there are 50,
            above which it stops; None to go on whatever happens.
        formats: what to export at the end, of ``"jsonl"``, ``"csv"`` and ``"parquet"``.
        retry_failed: retry images that were given up, as after their cause is gone; they have three new tries.
        progress: called with a :class:`Progress` about ten times per second, in the thread of the run.
            What it raises ends the run.

    Returns:
        What the run did, in numbers.

    Raises:
        BatchError: the folder holds another job or another process works on it; the disk is full; the credential
            was revoked or the endpoint is gone; too many images failed. What is recorded stays.
        InvalidInput: an argument cannot be used.

    >>> summary = score_folder(client, "photos/", "out/", "image-object-detection")
    >>> print(summary.ok, "of", summary.total)
    """
    stream_options = StreamOptions(concurrency, False, per_request, bytes_per_second)
    options = _Options(stream_options, threshold, stop_above, formats, retry_failed, progress)
    kind = _checked(client, task, options)
    with _job(client._settings, source, out, kind, options) as run:
        run.open()
        resolved = asked(client, options.stream)
        images = run.images()
        stream = stream_for(client._settings, client._backend, images, kind, threshold, resolved, run.probe)
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
        return _finished(run, kind, out, options.formats)


@named
async def score_folder_async(
    client: AsyncClient,
    source: Source,
    out: str | os.PathLike[str],
    task: TaskInput,
    *,
    concurrency: Concurrency = CONCURRENCY,
    per_request: int = 1,
    bytes_per_second: float | None = None,
    threshold: float = 0.5,
    stop_above: float | None = 0.5,
    formats: tuple[Format, ...] = ("jsonl",),
    retry_failed: bool = False,
    progress: ProgressCallback | None = None,
) -> BatchSummary:
    """Score many images and keep the results on disk; call it again to resume.

    Every image ends in exactly one record, a result or an error, in ``<out>/ledger.sqlite``, and at the end in
    ``<out>/results.jsonl``. An image that fails is retried by the next two runs, and then kept as failed. Nothing that
    is recorded is scored again, whatever ended the run before: kill -9, a full disk, a power cut. The other client can
    resume what this one began.

    The first Ctrl-C lets the requests in flight end (10 s at most), the second stops at once; both raise
    KeyboardInterrupt, and the next run goes on. SIGTERM and SIGHUP do the same, and then end the process.

    Args:
        client: the endpoint.
        source: a folder with subfolders, a pattern, a text file of paths, a training file ``*.jsonl``, ``"-"``
            for paths from standard input, or an iterable of paths. Read to its end before scoring begins.
        out: the folder of the job.
        task: what the endpoint does.
        concurrency: requests in flight at most, up to 256; how many really are is found out. ``"ask"`` for as many as
            Resource Manager says that the deployment takes.
        per_request: images per request.
        bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.
        threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
        stop_above: the share of failed images, of those this run tries for the first time and once there are 50,
            above which it stops; None to go on whatever happens.
        formats: what to export at the end, of ``"jsonl"``, ``"csv"`` and ``"parquet"``.
        retry_failed: retry images that were given up, as after their cause is gone; they have three new tries.
        progress: called with a :class:`Progress` about ten times per second, in the event loop of the run.
            What it raises ends the run.

    Returns:
        What the run did, in numbers.

    Raises:
        BatchError: the folder holds another job or another process works on it; the disk is full; the credential
            was revoked or the endpoint is gone; too many images failed. What is recorded stays.
        InvalidInput: an argument cannot be used.

        async def main(client: AsyncClient) -> None:
            summary = await score_folder_async(client, "photos/", "out/", "image-object-detection")
            print(summary.ok, "of", summary.total)
    """
    stream_options = StreamOptions(concurrency, False, per_request, bytes_per_second)
    options = _Options(stream_options, threshold, stop_above, formats, retry_failed, progress)
    kind = _checked(client, task, options)
    with _job(client._settings, source, out, kind, options) as run:
        await _to_its_end(asyncio.to_thread(run.open))
        resolved = await asked_async(client, options.stream)
        images = run.images()
        stream = async_stream_for(client._settings, client._backend, images, kind, threshold, resolved, run.probe)
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
        return await _to_its_end(asyncio.to_thread(_finished, run, kind, out, options.formats))


def _checked(client: Client | AsyncClient, task: TaskInput, options: _Options) -> Task:
    """The task; raises InvalidInput for what cannot be."""
    check_askable(client, options.stream)
    options.stream.check_dialect(client._settings)
    return task_of(task)


def _job(settings: CallSettings, source: Source, out: str | os.PathLike[str], task: Task, options: _Options) -> JobRun:
    fingerprint = {
        "endpoint": shown(settings.url),
        "deployment": settings.deployment or "",
        "task": task.value,
        "threshold": str(float(options.threshold)),
        "dialect": settings.dialect,
        "images": settings.images.model_dump_json(),
    }
    return JobRun(Path(out), source, fingerprint, options.stop_above, options.progress, options.retry_failed)


def _finished(run: JobRun, task: Task, out: str | os.PathLike[str], formats: tuple[Format, ...]) -> BatchSummary:
    for format in formats:
        write_export(run.ledger, task, format, Path(out) / f"results.{format}")
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

"""Streams over a client's connections: one for each ``*_many`` call, or one that is kept for many batches."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Signal
from automl_cv_client._flow.run import AsyncBackend, Backend, LoopSignal, running_loop
from automl_cv_client._flow.service import harmless_body
from automl_cv_client._imaging import ImageInput
from automl_cv_client._numbers import Durations, checked_threshold
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client._streaming.job import AnyOutcome, GroupScorer, ReorderBuffer, patient
from automl_cv_client._streaming.limit import AdaptiveLimit
from automl_cv_client._streaming.options import StreamOptions
from automl_cv_client._streaming.probe import Probe
from automl_cv_client._streaming.sources import AsyncImages, Images, ImageT, groups_of, images_of, in_groups
from automl_cv_client._streaming.stream import GRACE, AsyncStream, Stream, Workers
from automl_cv_client._streaming.throttle import Throttle
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.errors import BatchError, InvalidInput
from automl_cv_client.results import Outcome, RunStats
from automl_cv_client.results._outcome import ResultT
from automl_cv_client.task import Task

StreamT = TypeVar("StreamT", Stream, AsyncStream)


class Engine:
    """What the batches of one stream share: how images are scored, and the throttle. Knows no threads and no loop.

    A new one begins where the last one of this client and deployment stood, if that was some minutes ago at most.
    """

    def __init__(
        self,
        settings: CallSettings,
        task: Task,
        threshold: float,
        options: StreamOptions,
        new_signal: Callable[[], Signal],
        probe: Probe | None = None,
        explain: XaiParameters | None = None,
        adaptive: AdaptiveLimit | None = None,
    ) -> None:
        options.check_dialect(settings)
        self.scorer = GroupScorer(task, patient(settings), checked_threshold(threshold), explain, probe)
        self.options = options
        clock, most = settings.clock, options.most
        traffic = Traffic(most, options.bytes_per_second, clock, probe is not None, options.is_known, adaptive)
        # A forked process has its own key: all of them together would send what one was let to.
        self._key = (os.getpid(), settings.deployment, explain is not None, options.per_request > 1)
        self._learned = settings.learned
        if (earlier := self._learned.recall(self._key, clock())) is not None:
            traffic.adaptive.go_on_from(earlier, options.is_known)
        self.throttle = Throttle(traffic, harmless_body(settings), new_signal)

    def buffer(self, *, ordered: bool) -> ReorderBuffer:
        """The order of one batch's outcomes."""
        return ReorderBuffer(ordered, longest=self.options.per_request * (8 * self.options.most + 16))

    def remember(self) -> None:
        """Keep what was found out, for streams to come."""
        traffic, now = self.throttle.traffic, self.throttle.traffic.clock()
        if not traffic.requests or traffic.breaker.open is not None:
            return
        earlier = self._learned.recall(self._key, now)
        if earlier is None or earlier.limit <= traffic.adaptive.limit or not traffic.adaptive.is_held_back:
            self._learned.keep(self._key, traffic.adaptive, now)

    def begin_batch(self) -> None:
        """A batch begins. If the last one ended because nothing could succeed, one request may look again."""
        with self.throttle.lock:
            traffic = self.throttle.traffic
            if traffic.breaker.open is not None and traffic.active == 0:
                traffic.breaker.half_open()


def stream_for(
    settings: CallSettings,
    backend: Backend,
    images: Iterator[ImageInput],
    task: Task,
    threshold: float,
    options: StreamOptions,
    probe: Probe | None = None,
    explain: XaiParameters | None = None,
) -> Stream:
    """A stream of its own, for one source. Raises InvalidInput, naming the argument."""
    engine = Engine(settings, task, threshold, options, threading.Event, probe, explain)
    groups, buffer = in_groups(images, options.per_request), engine.buffer(ordered=options.ordered)
    stream = Stream(groups, engine.scorer, backend, engine.throttle, buffer)
    stream.at_end = engine.remember
    return stream


def async_stream_for(
    settings: CallSettings,
    backend: AsyncBackend,
    images: Iterator[ImageInput] | AsyncIterable[ImageInput],
    task: Task,
    threshold: float,
    options: StreamOptions,
    probe: Probe | None = None,
    explain: XaiParameters | None = None,
) -> AsyncStream:
    """As :func:`stream_for`, for an event loop."""
    engine = Engine(settings, task, threshold, options, LoopSignal, probe, explain)
    groups, buffer = groups_of(images, options.per_request), engine.buffer(ordered=options.ordered)
    stream = AsyncStream(groups, engine.scorer, backend, engine.throttle, buffer)
    stream.at_end = engine.remember
    return stream


class _Counted:
    """What became of the images of a run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._images = self._failed = 0
        self._durations = Durations()

    def add(self, outcomes: list[AnyOutcome]) -> None:
        with self._lock:
            for outcome in outcomes:
                self._images += 1
                self._failed += not outcome.ok
                call: Any = outcome.error if outcome.result is None else outcome.result.call
                self._durations.add(getattr(call, "elapsed", None))

    def stats(self, traffic: Traffic) -> RunStats:
        with self._lock:
            return RunStats(
                limit=traffic.limit,
                in_flight=traffic.in_flight,
                images=self._images,
                failed=self._failed,
                requests=traffic.requests,
                retries=traffic.retries,
                refused=traffic.refused,
                bytes_sent=traffic.bytes_sent,
                p50=self._durations.percentile(0.50),
                p95=self._durations.percentile(0.95),
            )


class _State(Generic[StreamT]):
    """A run in one process: what its batches share, and the batches that are in work."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.workers = Workers()
        self.streams: set[StreamT] = set()
        self.counted = _Counted()
        self.loop: asyncio.AbstractEventLoop | None = None


class _Run(Generic[StreamT]):
    """What both kinds of run keep."""

    _new_signal: Callable[[], Signal]

    def __init__(
        self,
        settings: CallSettings,
        backend: Any,
        task: Task,
        threshold: float,
        options: StreamOptions,
        ask: Callable[[], Any],
    ) -> None:
        self._ask = ask
        self._settings = settings
        self._backend = backend
        self._task = task
        self._threshold = threshold
        self._options = options
        self._is_closed = False
        self._states: dict[int, _State[StreamT]] = {}  # by process: after a fork nobody works for the parent's
        options.check_dialect(settings)
        checked_threshold(threshold)

    def stats(self) -> RunStats:
        """How the stream stands, in numbers; no request is sent."""
        state = self._states.get(os.getpid())
        return RunStats() if state is None else state.counted.stats(state.engine.throttle.traffic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._task.value!r}{', closed' if self._is_closed else ''})"

    def _begin_with(self, adaptive: AdaptiveLimit) -> Throttle:
        """Begin in this process, with a limit that is found elsewhere; before the first batch."""
        return self._begun(self._options, adaptive).engine.throttle

    def _begun(self, options: StreamOptions, adaptive: AdaptiveLimit | None = None) -> _State[StreamT]:
        """The state of this process; of several first batches one makes it."""
        engine = Engine(self._settings, self._task, self._threshold, options, self._new_signal, adaptive=adaptive)
        return self._states.setdefault(os.getpid(), _State(engine))

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidInput("this stream is closed: begin a new one with client.stream(…)")

    def _ended(self, state: _State[StreamT], stream: StreamT, outcomes: list[AnyOutcome]) -> None:
        state.streams.discard(stream)
        state.counted.add(outcomes)
        state.engine.remember()


class Run(_Run[Stream], Generic[ResultT]):
    """A stream that is kept: scores batch after batch, from one thread or several at once. See :meth:`Client.stream`.

    All batches share one limit of requests in flight, which adapts to what the endpoint takes and is not forgotten
    between batches. Close it, or use it in a ``with`` block.
    """

    _new_signal = threading.Event

    def score(self, images: Images[ImageT]) -> list[Outcome[ResultT, ImageT]]:
        """Score a batch of images; returns when each has its outcome. Thread-safe.

        Batches that are scored at the same time take turns: one of few images does not wait for the end of one of many.

        Args:
            images: images as for :meth:`Client.detect`, in any iterable; or the path of a folder.

        Returns:
            One :class:`Outcome` per image, in order: its result or its error.

        Raises:
            InvalidInput: ``images`` cannot be used, or the stream is closed.
            BatchError: nothing more can succeed, as the credential was revoked or the endpoint is gone; or the stream
                was closed meanwhile. The next batch begins with a single request, to see whether things are better.

            with client.stream("image-object-detection") as run:
                outcomes = run.score(["images/coffee.png", "images/chelsea.png"])
                print(run.stats().limit)
        """
        source = images_of(images)
        self._check_open()
        state = self._states.get(os.getpid()) or self._begun(self._ask())
        engine = state.engine
        engine.begin_batch()
        groups, buffer = in_groups(source, self._options.per_request), engine.buffer(ordered=True)
        stream = Stream(groups, engine.scorer, self._backend, engine.throttle, buffer, state.workers)
        state.streams.add(stream)
        if self._is_closed:  # meanwhile, by another thread
            stream.drain(0)
        outcomes: list[AnyOutcome] = []
        try:
            while ready := stream.take():
                outcomes += ready
        finally:
            stream.close(0.0 if self._is_closed else GRACE)
            self._ended(state, stream, outcomes)
        _check_whole(stream, outcomes)
        return outcomes

    def close(self) -> None:
        """Stop batches that are in work, and wait for their requests in flight, 10 s at most. May be called twice."""
        self._is_closed = True
        state = self._states.get(os.getpid())
        if state is None:
            return
        until = time.monotonic() + GRACE
        for stream in list(state.streams):
            stream.drain(GRACE)
        while state.streams and time.monotonic() < until:
            time.sleep(0.01)
        state.workers.close(until)

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        state = getattr(self, "_states", {}).get(os.getpid())
        if state is not None:
            state.workers.close(0.0)


class AsyncRun(_Run[AsyncStream], Generic[ResultT]):
    """A stream that is kept: scores batch after batch, from one task or several. See :meth:`AsyncClient.stream`.

    All batches share one limit of requests in flight, which adapts to what the endpoint takes and is not forgotten
    between batches. Close it, or use it in an ``async with`` block. It belongs to the event loop it is first used in.
    """

    _new_signal = LoopSignal

    async def score(self, images: AsyncImages[ImageT]) -> list[Outcome[ResultT, ImageT]]:
        """Score a batch of images; returns when each has its outcome. Several tasks may await it at once.

        Batches that are scored at the same time take turns: one of few images does not wait for the end of one of many.
        A batch whose task is cancelled leaves the others untouched.

        Args:
            images: images as for :meth:`AsyncClient.detect`, in any iterable or async iterable; or a folder's path.

        Returns:
            One :class:`Outcome` per image, in order: its result or its error.

        Raises:
            InvalidInput: ``images`` cannot be used, or the stream is closed.
            BatchError: nothing more can succeed, as the credential was revoked or the endpoint is gone; or the stream
                was closed meanwhile. The next batch begins with a single request, to see whether things are better.

            async def score(client: AsyncClient) -> list[Outcome[Result]]:
                async with client.stream("image-object-detection") as run:
                    return await run.score(["images/coffee.png", "images/chelsea.png"])
        """
        source = images if isinstance(images, AsyncIterable) else images_of(images)
        self._check_open()
        state = self._states.get(os.getpid()) or self._begun(await self._ask())
        if state.loop is None:
            state.loop = running_loop()
        elif state.loop is not running_loop():
            raise InvalidInput("this stream belongs to another event loop: begin one in each loop")
        engine = state.engine
        engine.begin_batch()
        groups, buffer = groups_of(source, self._options.per_request), engine.buffer(ordered=True)
        stream = AsyncStream(groups, engine.scorer, self._backend, engine.throttle, buffer)
        state.streams.add(stream)
        outcomes: list[AnyOutcome] = []
        try:
            while ready := await stream.take():
                outcomes += ready
        finally:
            try:
                await stream.close()
            finally:
                self._ended(state, stream, outcomes)
        _check_whole(stream, outcomes)
        return outcomes

    async def close(self) -> None:
        """Stop batches that are in work, and cancel their requests in flight. May be called twice."""
        self._is_closed = True
        state = self._states.get(os.getpid())
        if state is not None:
            await asyncio.gather(*(stream.close() for stream in state.streams))

    async def __aenter__(self) -> Self:
        self._check_open()
        running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _check_whole(stream: Stream | AsyncStream, outcomes: list[AnyOutcome]) -> None:
    """No batch is ever short without a word."""
    if not stream.is_finished:
        raise BatchError(f"the stream was closed before this batch was done: {len(outcomes)} of its images were scored")

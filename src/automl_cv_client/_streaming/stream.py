"""Reads images as their turn comes, scores them side by side, and hands out the outcomes.

The caller's thread (or task) reads the source and takes the outcomes; workers only score. So nothing is read
ahead of demand, and closing leaves nothing behind. An error of the source ends it as its end does: the images that
were read have their outcomes first, then the error reaches the caller as it is.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from functools import partial

from automl_cv_client._flow.run import AsyncBackend, Backend, run, run_async, running_loop
from automl_cv_client._flow.service import harmless_body
from automl_cv_client._streaming.job import AnyOutcome, GroupScorer, ReorderBuffer
from automl_cv_client._streaming.sources import AsyncReader, Group
from automl_cv_client._streaming.throttle import (
    AsyncThrottle,
    AsyncThrottledBackend,
    Stopped,
    Throttle,
    ThrottledBackend,
)
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.errors import BatchError

_LOOK = 0.1  # seconds between two looks at the clock, so that signals and drain() are noticed
_GRACE = 10.0  # seconds close() waits for requests in flight


class _Base:
    """What both streams keep.

    Attributes:
        while_waiting: called some ten times a second while :meth:`take` has nothing to hand out.
    """

    def __init__(self, scorer: GroupScorer, traffic: Traffic, buffer: ReorderBuffer) -> None:
        self.traffic = traffic
        self.while_waiting: Callable[[], object] = lambda: None
        self._scorer = scorer
        self._buffer = buffer
        self._exhausted = False
        self._source_error: Exception | None = None
        self._give_up_at: float | None = None
        self._failure: BaseException | None = None

    def drain(self, seconds: float = _GRACE) -> None:
        """Read no further image, and end pauses; what is in flight has ``seconds`` to end.

        Safe in a signal handler. The next :meth:`take` acts on it.
        """
        if self._give_up_at is None:
            self._give_up_at = time.monotonic() + seconds

    @property
    def _gives_up(self) -> bool:
        return self._give_up_at is not None and time.monotonic() >= self._give_up_at

    def _wants_more(self) -> bool:
        stopping = self._exhausted or self._give_up_at is not None
        return not stopping and self.traffic.wants_more and not self._buffer.full

    def _end(self) -> list[AnyOutcome]:
        """Nothing is active any more: the rest, then the reason why it ended early."""
        rest = self._buffer.rest()
        reason = self.traffic.breaker.open
        if not rest and reason and (self._buffer.missing or not self._exhausted):
            raise BatchError(f"stopped, as nothing more can succeed: {reason}")
        if not rest and self._source_error is not None:
            error, self._source_error = self._source_error, None
            raise error
        return rest

    def _source_failed(self, error: Exception) -> None:
        self._exhausted, self._source_error = True, error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure


class Stream(_Base):
    """Scores with threads, which are started as they are needed."""

    def __init__(
        self, groups: Iterator[Group], scorer: GroupScorer, backend: Backend, traffic: Traffic, buffer: ReorderBuffer
    ) -> None:
        super().__init__(scorer, traffic, buffer)
        self._groups = groups
        self._throttle = Throttle(backend, traffic, harmless_body(scorer.settings))
        self._work: queue.SimpleQueue[tuple[int, Group, ThrottledBackend] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def take(self) -> list[AnyOutcome]:
        """The outcomes that are ready, at least one; empty when there are no more. Raises what the source raises."""
        throttle = self._throttle
        while True:
            if self._give_up_at is not None and not throttle.stopped.is_set():
                throttle.stop()
            with throttle.lock:
                self._raise_failure()
                ripe = self._buffer.ripe()
                if ripe or self._gives_up:
                    return ripe
                more = self._wants_more()
                if not more and self.traffic.active == 0:
                    return self._end()
                if not more:
                    throttle.news.wait(_LOOK)
            if more:
                self._read_one()
            else:
                self.while_waiting()

    def close(self, grace: float = _GRACE) -> None:
        """Stop, and wait for requests in flight, at most ``grace`` seconds; they end by themselves later."""
        self.drain(0)
        self._throttle.stop()
        for _ in self._threads:
            self._work.put(None)
        until = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _read_one(self) -> None:
        try:
            group = next(self._groups)
        except StopIteration:
            self._exhausted = True
            return
        except Exception as error:  # noqa: BLE001 - raised again when the rest is handed out
            self._source_failed(error)
            return
        with self._throttle.lock:
            first = self._buffer.enter(len(group))
            needed = self.traffic.active >= len(self._threads)
        self._work.put((first, group, ThrottledBackend(self._throttle)))
        if needed:
            thread = threading.Thread(target=self._scores, name=f"automl-cv-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _scores(self) -> None:
        """The life of a thread."""
        while (work := self._work.get()) is not None:
            first, group, backend = work
            outcomes: list[AnyOutcome] = []
            failure: BaseException | None = None
            try:
                outcomes = run(self._scorer.score(first, group), backend)
            except Stopped:
                pass
            except BaseException as error:  # noqa: BLE001 - raised again where the outcomes are taken
                failure = error
            with self._throttle.lock:
                self._buffer.add(outcomes)
                self._failure = self._failure or failure
            backend.end()
            del work, group, outcomes, failure  # a waiting thread holds no image


class AsyncStream(_Base):
    """Scores with tasks: one for each group in work, none for those not yet read."""

    def __init__(
        self,
        groups: Iterator[Group] | AsyncGenerator[Group, None],
        scorer: GroupScorer,
        backend: AsyncBackend,
        traffic: Traffic,
        buffer: ReorderBuffer,
    ) -> None:
        super().__init__(scorer, traffic, buffer)
        self._throttle = AsyncThrottle(backend, traffic, harmless_body(scorer.settings))
        self._tasks: dict[asyncio.Task[None], AsyncThrottledBackend] = {}
        self._reader = AsyncReader(groups, self._throttle.news.set) if isinstance(groups, AsyncGenerator) else None
        self._next = self._reader.next if self._reader else partial(next, groups)

    async def take(self) -> list[AnyOutcome]:
        """As :meth:`Stream.take`, awaited."""
        running_loop()
        while True:
            if self._give_up_at is not None and not self._throttle.stopped:
                self._stop()
            self._raise_failure()
            ripe = self._buffer.ripe()
            if ripe or self._gives_up:
                return ripe
            self._throttle.news.clear()
            wanted = self._wants_more()
            if wanted and self._read_one():
                continue
            if not wanted and self.traffic.active == 0:
                return self._end()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._throttle.news.wait()
            self.while_waiting()

    async def close(self) -> None:
        """Cancel what is in work, and wait until it is gone."""
        self.drain(0)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._reader:
            await self._reader.close()

    def _stop(self) -> None:
        """Nothing more goes out. Who pauses is cancelled; an answer that is here already comes to its outcome."""
        self._throttle.stop()
        for task, backend in self._tasks.items():
            if backend.pausing:
                task.cancel()

    def _read_one(self) -> bool:
        """Go on with the source; False when an async one has nothing yet."""
        try:
            group = self._next()
        except StopIteration:
            self._exhausted = True
            return True
        except Exception as error:  # noqa: BLE001 - raised again when the rest is handed out
            self._source_failed(error)
            return True
        if group is None:
            return False
        first = self._buffer.enter(len(group))
        backend = AsyncThrottledBackend(self._throttle)
        task = asyncio.create_task(self._score(first, group, backend))
        self._tasks[task] = backend
        task.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task).end()

    async def _score(self, first: int, group: Group, backend: AsyncThrottledBackend) -> None:
        try:
            self._buffer.add(await run_async(self._scorer.score(first, group), backend))
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where the outcomes are taken
            self._failure = self._failure or error

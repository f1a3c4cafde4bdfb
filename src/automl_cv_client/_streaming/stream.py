"""Reads images as their turn comes, scores them side by side, and hands out the outcomes.

The loop of a stream, in :meth:`_Stream.taking`, is turned by whoever takes the outcomes, in that caller's thread or
task; workers only score. So nothing is read ahead of demand, a source that belongs to a thread (a database cursor) is
read in that thread, and who stops asking has stopped the stream. Each turn of the loop does the first of these that
can be done:

1. Hand out what is ripe: outcomes that are there and, where order is asked for, are next.
2. Read one more group and start it, as long as the throttle has work for it: a few more groups than may be in flight,
   so that one is prepared when its turn comes, and no more, so that memory stays flat. Where outcomes are handed out
   in order, one slow image holds up all behind it: then reading stops at a bound, too (``ReorderBuffer.full``).
3. Wait for news: a group got its turn (one more may be read), or its outcome. The signal is cleared under the
   throttle's lock before the loop looks, so news that comes between looking and waiting ends the wait at once. A
   tenth of a second is the longest wait, so that signals, :meth:`drain` and a growing limit are noticed.

It ends when the source is at its end and no group is active. An error of the source ends it as its end does: the
images that were read have their outcomes first, then the error reaches the caller as it is. So does the breaker's
verdict that nothing more can succeed, as a ``BatchError``. An error that should not be, a bug of ours in a worker, is
raised where the outcomes are taken, never lost in a thread.

Closing is final, and safe at any point: groups that wait or pause give up, requests in flight end (threads) or are
cancelled (tasks), and every group has left the throttle when :meth:`close` returns.
"""

from __future__ import annotations

import asyncio
import math
import os
import queue
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial

from automl_cv_client._flow.effects import Flow, Wait
from automl_cv_client._flow.run import AsyncBackend, Backend, run, run_async, running_loop
from automl_cv_client._streaming.job import AnyOutcome, GroupScorer, ReorderBuffer
from automl_cv_client._streaming.sources import AsyncReader, Group
from automl_cv_client._streaming.throttle import Batch, Stopped, Throttle, Turn
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.errors import BatchError, InvalidInput

LOOK = 0.1  # seconds between two looks at the clock, so that signals and drain() are noticed
GRACE = 10.0  # seconds close() waits for requests in flight


class _Stream:
    """What both kinds keep, and the loop of both.

    Attributes:
        while_waiting: called some ten times a second while there is nothing to hand out.
        at_end: called once, when the stream is closed.
    """

    def __init__(self, scorer: GroupScorer, throttle: Throttle, buffer: ReorderBuffer) -> None:
        self.while_waiting: Callable[[], object] = lambda: None
        self.at_end: Callable[[], object] = lambda: None
        self._scorer = scorer
        self._throttle = throttle
        self._batch = Batch(throttle)
        self._buffer = buffer
        self._exhausted = False
        self._source_error: Exception | None = None
        self._give_up_at: float | None = None
        self._failure: BaseException | None = None
        self._process = os.getpid()

    @property
    def traffic(self) -> Traffic:
        """What may be sent, and was."""
        return self._throttle.traffic

    @property
    def is_finished(self) -> bool:
        """Whether the source was read to its end, and every image has its outcome."""
        return self._exhausted and self._buffer.missing == 0

    @property
    def counters(self) -> tuple[int, int, int]:
        """Groups waiting, groups active, and requests in flight: all 0 once the stream is closed."""
        return self._batch.waiting, self._batch.active, self.traffic.in_flight

    def drain(self, seconds: float = GRACE) -> None:
        """Read no further image, and end pauses; what is in flight has ``seconds`` to end.

        Safe in a signal handler. The next ``take`` acts on it.
        """
        if self._give_up_at is None:
            self._give_up_at = time.monotonic() + seconds

    def taking(self) -> Flow[list[AnyOutcome]]:
        """The outcomes that are ready, at least one; empty when there are no more. Raises what the source raises."""
        batch = self._batch
        self._check_process()
        while True:
            if self._give_up_at is not None and not batch.stopped:
                batch.stop()
            with self._throttle.lock:
                batch.news.clear()
                self._raise_failure()
                ripe = self._buffer.ripe()
                if ripe or self._gives_up:
                    return ripe
                more = self._wants_more()
                if not more and batch.active == 0:
                    return self._end()
            if more and self._read_one():
                continue
            yield Wait(batch.news, LOOK)
            self.while_waiting()

    @property
    def _gives_up(self) -> bool:
        return self._give_up_at is not None and time.monotonic() >= self._give_up_at

    def _wants_more(self) -> bool:
        stopping = self._exhausted or self._give_up_at is not None
        return not stopping and self._batch.wants_more and not self._buffer.full

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

    def _read_one(self) -> bool:
        """Go on with the source; False when an async one has nothing yet."""
        try:
            group = self._next_group()
        except StopIteration:
            self._exhausted = True
            return True
        except Exception as error:  # noqa: BLE001 - raised again when the rest is handed out
            self._exhausted, self._source_error = True, error
            return True
        if group is None:
            return False
        with self._throttle.lock:
            first = self._buffer.enter(len(group))
        turn = Turn(self._batch)
        try:
            self._start(first, group, turn)
        except BaseException:
            turn.end()
            raise
        return True

    def _next_group(self) -> Group | None:
        raise NotImplementedError

    def _start(self, first: int, group: Group, turn: Turn) -> None:
        raise NotImplementedError

    def _is_over(self, turn: Turn, outcomes: list[AnyOutcome], failure: BaseException | None = None) -> None:
        """A group has come to its end."""
        with self._throttle.lock:
            self._buffer.add(outcomes)
            self._failure = self._failure or failure
        turn.end()

    def _left(self) -> None:
        self._batch.leave()
        at_end, self.at_end = self.at_end, lambda: None
        at_end()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _check_process(self) -> None:
        """After a fork nobody works here any more: what was in flight is the parent's."""
        if os.getpid() != self._process:
            raise InvalidInput("this stream was begun by another process, before a fork: begin one in this process")


class Workers:
    """Threads for the batches of a stream, started as they are needed. Thread-safe."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._lock = threading.RLock()  # closing may happen anywhere, by the garbage collector

    def do(self, work: Callable[[], None]) -> None:
        """Have it done, at once."""
        with self._lock:
            self._busy += 1
            needed = self._busy > len(self._threads)
            if needed:
                name = f"automl-cv-{len(self._threads)}"
                thread = threading.Thread(target=self._works, args=(self._work,), name=name, daemon=True)
                self._threads.append(thread)
        self._work.put(work)
        if needed:
            self._begin(thread)

    def _begin(self, thread: threading.Thread) -> None:
        try:
            thread.start()
        except RuntimeError:  # no more threads may be had here: those there are do the work
            with self._lock:
                self._threads.remove(thread)
                if not self._threads:
                    raise

    def close(self, until: float) -> None:
        """Let the threads end, once their work is done; wait for it until then, on the clock of ``time.monotonic``."""
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._work.put(None)
        for thread in threads:
            if thread.is_alive():  # Ctrl-C may have come before it began, and then it cannot be waited for
                thread.join(max(0.0, until - time.monotonic()))

    def _works(self, work: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (task := work.get()) is not None:
            task()
            del task  # a waiting thread holds no image
            with self._lock:
                self._busy -= 1


class Stream(_Stream):
    """Scores with threads.

    Args:
        groups: the images.
        scorer: what is done with each group.
        backend: what carries it out.
        throttle: whose turn it is; it may be shared with others.
        buffer: the order of the outcomes.
        workers: to share with others; by default the stream has its own.
    """

    def __init__(
        self,
        groups: Iterator[Group],
        scorer: GroupScorer,
        backend: Backend,
        throttle: Throttle,
        buffer: ReorderBuffer,
        workers: Workers | None = None,
    ) -> None:
        super().__init__(scorer, throttle, buffer)
        self._groups = groups
        self._backend = backend
        self._workers = Workers() if workers is None else workers
        self._owns_workers = workers is None
        self._closed_by = math.inf

    def take(self) -> list[AnyOutcome]:
        """The outcomes that are ready, at least one; empty when there are no more. Raises what the source raises."""
        return run(self.taking(), self._backend)

    def close(self, grace: float = GRACE) -> None:
        """Stop, and wait for requests in flight, at most ``grace`` seconds; they end by themselves later.

        Called again, it waits no longer than it was told the first time.
        """
        if os.getpid() != self._process:
            return  # the threads that would end are the parent's
        self.drain(0)
        self._batch.stop()
        until = self._closed_by = min(self._closed_by, time.monotonic() + grace)
        if self._owns_workers:
            self._workers.close(until)
        while self._batch.active and (left := until - time.monotonic()) > 0:
            run(self._news(min(left, LOOK)), self._backend)
        self._left()

    def _news(self, seconds: float) -> Flow[None]:
        self._batch.news.clear()
        if self._batch.active:
            yield Wait(self._batch.news, seconds)

    def _next_group(self) -> Group:
        return next(self._groups)

    def _start(self, first: int, group: Group, turn: Turn) -> None:
        self._workers.do(partial(self._score, first, group, turn))

    def _score(self, first: int, group: Group, turn: Turn) -> None:
        outcomes: list[AnyOutcome] = []
        failure: BaseException | None = None
        try:
            outcomes = run(turn.throttled(self._scorer.score(first, group)), self._backend)
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the outcomes are taken
            failure = error
        self._is_over(turn, outcomes, failure)


class AsyncStream(_Stream):
    """Scores with tasks: one for each group in work, none for those not yet read. Arguments as of :class:`Stream`."""

    def __init__(
        self,
        groups: Iterator[Group] | AsyncGenerator[Group, None],
        scorer: GroupScorer,
        backend: AsyncBackend,
        throttle: Throttle,
        buffer: ReorderBuffer,
    ) -> None:
        super().__init__(scorer, throttle, buffer)
        self._backend = backend
        self._tasks: set[asyncio.Task[None]] = set()
        self._reader = AsyncReader(groups, self._batch.news.set) if isinstance(groups, AsyncGenerator) else None
        self._next_group = self._reader.next if self._reader else partial(next, groups)  # type: ignore[method-assign]

    async def take(self) -> list[AnyOutcome]:
        """The outcomes that are ready, at least one; empty when there are no more. Raises what the source raises."""
        return await run_async(self.taking(), self._backend)

    async def close(self) -> None:
        """Cancel what is in work, and wait until it is gone."""
        if os.getpid() != self._process:
            return
        self.drain(0)
        self._batch.stop()
        for task in self._tasks:
            task.cancel()
        try:
            if self._tasks:
                await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._reader:
                await self._reader.close()
        finally:
            self._left()

    def _start(self, first: int, group: Group, turn: Turn) -> None:
        running_loop()
        task = asyncio.create_task(self._score(first, group, turn))
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, turn))

    def _done(self, turn: Turn, task: asyncio.Task[None]) -> None:
        """Also when the task was cancelled before it began."""
        self._tasks.discard(task)
        turn.end()

    async def _score(self, first: int, group: Group, turn: Turn) -> None:
        try:
            outcomes = await run_async(turn.throttled(self._scorer.score(first, group)), self._backend)
            self._is_over(turn, outcomes)
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where the outcomes are taken
            self._is_over(turn, [], error)

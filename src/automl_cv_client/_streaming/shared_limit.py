"""One limit of requests in flight for workers in several processes, when nobody knows what the endpoint takes.

Workers that each adapt for themselves learn the limit by being refused, all of them, again and again. Here one
coordinator adapts (the same rule as in one process: ``_streaming/limit.py``) and lends each worker a share. No engine
is known here: the engine carries a worker's :class:`Report` to the coordinator and brings back the :class:`Lease`.

What makes the shared limit as good as that of one process:

* A slot stays where it is. A worker that has work sends its next request without asking anybody, so no round trip
  stands between two requests; a report every tenth of a second carries what was learned meanwhile.
* Whoever is refused takes one off its own share at once and reports at once. The slot that was one too many is gone
  before the others hear of it, whoever of them it was that had it, so they need not be cut as well.
* A share follows the work. Workers begin at different times, wait for their next block, and run dry at different times;
  an equal share for each then lies idle. What a worker does not use goes to those who have work, yet never before its
  requests in flight have ended: else both would hold the same slot.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from automl_cv_client._streaming.limit import AdaptiveLimit, Sent, Verdict
from automl_cv_client._streaming.options import CONCURRENCY, MOST_CONNECTIONS
from automl_cv_client._streaming.throttle import Throttle

_logger = logging.getLogger("automl_cv_client.integrations")

_REPORT_EVERY = 0.1  # seconds
_REPORTS_PER_SECOND = 200  # of all workers: with many of them each reports less often …
_REPORT_AT_LEAST_EVERY = 1.0  # … but never so seldom that it seems to be dead
_UNHEARD = 3.0  # seconds after which a worker's share goes to the others
_TURN = 5.0  # seconds until what cannot be divided evenly goes to the next worker
_LOOK_AGAIN = 1.0  # seconds until a coordinator that is gone is asked again


class Answer(NamedTuple):
    """What one answer taught: seconds it took, by which epoch it was sent, and whether it was refused for the load."""

    seconds: float
    epoch: int
    refused: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker tells the coordinator.

    Attributes:
        share: requests it believes it may have in flight.
        in_flight: requests it has in flight.
        peak: the most it had in flight since its last report.
        wants: requests it could have in flight: those it has, and the images that are read and wait.
        answers: what was answered since its last report.
        over: why nothing more can succeed, if that is so.
    """

    share: int
    in_flight: int
    peak: int
    wants: int
    answers: tuple[Answer, ...] = ()
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """What the coordinator answers.

    Attributes:
        share: requests the worker may have in flight.
        epoch: which change of the limit that is; requests carry it, so that old answers teach nothing.
        report_in: seconds until the next report.
        over: why nothing more can succeed, if a worker has found that out.
    """

    share: int
    epoch: int
    report_in: float
    over: str | None = None


class LimitStats(NamedTuple):
    """How a shared limit stands: requests in flight at most, workers that have work, answers, and those refused."""

    limit: int
    workers: int
    answers: int
    refused: int


@dataclass(slots=True)
class _Worker:
    heard: float
    share: int = 0
    in_flight: int = 0
    peak: int = 0
    wants: int = 0

    @property
    def held(self) -> int:
        """What it may have in flight until it hears anything else."""
        return max(self.share, self.in_flight)


class Coordinator:
    """Adapts one limit to what all workers report, and divides it. Values in, values out; used by one thread at a time.

    Args:
        most: requests in flight at most, of all workers together.
        is_known: it is what the endpoint takes: begin there.
        clock: seconds of a clock that never goes back.
    """

    def __init__(
        self, most: int = CONCURRENCY, is_known: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._adaptive = AdaptiveLimit(most, is_known)
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._answers = self._refused = 0
        self._over: str | None = None

    def report(self, name: str, report: Report) -> Lease:
        """A worker reports, and gets its share."""
        now = self._clock()
        for other in [other for other, worker in self._workers.items() if now - worker.heard > _UNHEARD]:
            del self._workers[other]
        worker = self._workers.setdefault(name, _Worker(now))
        worker.heard, worker.share, worker.in_flight = now, report.share, report.in_flight
        worker.peak, worker.wants = report.peak, report.wants
        self._learn(report, now)
        worker.share = self._share_of(name, now) if report.wants else 0
        if not worker.held and not report.wants:
            del self._workers[name]  # it reports again when it has work
        over, self._over = self._over, self._over if self._workers else None
        every = min(max(_REPORT_EVERY, len(self._workers) / _REPORTS_PER_SECOND), _REPORT_AT_LEAST_EVERY)
        return Lease(worker.share, self._adaptive.epoch, every, over)

    def stats(self) -> LimitStats:
        """How the limit stands."""
        return LimitStats(self._adaptive.limit, len(self._workers), self._answers, self._refused)

    def _learn(self, report: Report, now: float) -> None:
        adaptive = self._adaptive
        adaptive.in_flight = sum(worker.peak for worker in self._workers.values())
        adaptive.sent(now)  # notes whether the limit was reached
        for answer in report.answers:
            self._answers += 1
            self._refused += answer.refused
            verdict = Verdict.TOO_MUCH if answer.refused else Verdict.FINE
            adaptive.answered(Sent(now - answer.seconds, answer.epoch), verdict, now)
        self._over = self._over or report.over

    def _share_of(self, name: str, now: float) -> int:
        """As much as is free, but what others lack of their fair share; never what others still hold."""
        order = list(self._workers)
        first = int(now / _TURN) % len(order)
        order = order[first:] + order[:first]
        wants = [self._workers[other].wants for other in order]
        fair = dict(zip(order, fairly_divided(self._adaptive.limit, wants), strict=True))
        others = [(other, worker.held) for other, worker in self._workers.items() if other != name]
        free = self._adaptive.limit - sum(held for _, held in others)
        lacking = sum(max(0, fair[other] - held) for other, held in others)
        return max(0, min(free, max(fair[name], free - lacking)))


def fairly_divided(limit: int, wants: list[int]) -> list[int]:
    """Equal shares, but nobody gets more than it wants; what cannot be divided evenly goes to the first ones."""
    shares = [0] * len(wants)
    hungry = [index for index, want in enumerate(wants) if want]
    while limit and hungry:
        each = max(1, limit // len(hungry))
        for index in hungry:
            more = min(each, wants[index] - shares[index], limit)
            shares[index] += more
            limit -= more
        hungry = [index for index in hungry if shares[index] < wants[index]]
    return shares


class Share(AdaptiveLimit):
    """A worker's part of the shared limit, in the place of the limit it would find by itself.

    While the coordinator cannot be reached it adapts by itself, up to half of its last share.

    Attributes:
        urgent: a refusal should be reported at once.
        is_alone: whether the coordinator could not be reached.
    """

    def __init__(self) -> None:
        super().__init__(MOST_CONNECTIONS)
        self.limit = 0  # nothing before the first lease
        self.urgent = asyncio.Event()
        self.is_alone = False
        self._answers: list[Answer] = []
        self._peak = 0

    @property
    def is_held_back(self) -> bool:
        """A share says nothing of what the endpoint takes."""
        return True

    def sent(self, now: float) -> Sent:
        """A request leaves."""
        self._peak = max(self._peak, self.in_flight)
        return super().sent(now)

    def answered(self, sent: Sent, verdict: Verdict, now: float) -> None:
        """Its answer came, or it failed. A refused request takes its slot with it."""
        if verdict is not Verdict.NOTHING:
            self._answers.append(Answer(now - sent.at, sent.epoch, verdict is Verdict.TOO_MUCH))
        if self.is_alone:
            super().answered(sent, verdict, now)
        elif verdict is Verdict.TOO_MUCH:
            self.limit = max(0, self.limit - 1)
            self.urgent.set()

    def report(self, wants: int, over: str | None) -> Report:
        """What happened since the last report."""
        answers, self._answers = self._answers, []
        peak, self._peak = max(self._peak, self.in_flight), self.in_flight
        self.urgent.clear()
        return Report(self.limit, self.in_flight, peak, wants, tuple(answers), over)

    def follow(self, lease: Lease) -> None:
        """Keep to a lease; if requests were refused since it was asked for, only where it takes away."""
        if self.is_alone:
            self.is_alone, self._most, self._wall = False, MOST_CONNECTIONS, None
        self.limit = min(self.limit, lease.share) if self.urgent.is_set() else lease.share
        self._epoch = lease.epoch

    def stand_alone(self) -> None:
        """The coordinator is gone."""
        self.is_alone = True
        self._most = self.limit = max(1, self.limit // 2)


class Following:
    """Keeps the throttle of one worker in step with the coordinator, as long as it has work. Of one event loop.

    Enter it around each batch.

    Args:
        name: of the worker; no other has it.
        throttle: of the stream, made with ``share``.
        share: the worker's.
        ask: carries a report to the coordinator, and brings the lease.
    """

    def __init__(
        self, name: str, throttle: Throttle, share: Share, ask: Callable[[str, Report], Awaitable[Lease]]
    ) -> None:
        self._name = name
        self._throttle = throttle
        self._share = share
        self._ask = ask
        self._batches = 0
        self._task: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        """A batch begins; its first requests leave with the first lease."""
        self._batches += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

    def __exit__(self, *_: object) -> None:
        """A batch is over. After the last one the share is given back: soon, not at once, as the next may be near."""
        self._batches -= 1

    async def _follow(self) -> None:
        while self._batches:
            wait = await self._report(self._throttle.traffic.active)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._share.urgent.wait(), wait)
            if not self._batches:
                await self._report(0)

    async def _report(self, wants: int) -> float:
        """Report, and follow the lease. Returns seconds until the next report."""
        breaker = self._throttle.traffic.breaker
        try:
            lease = await self._ask(self._name, self._share.report(wants, breaker.open))
        except Exception as error:  # noqa: BLE001 - whatever the engine says: the images are scored all the same
            if not self._share.is_alone:
                name = type(error).__name__
                _logger.warning("the shared limit cannot be reached (%s): going on with half of the share", name)
                self._share.stand_alone()
                self._throttle.limit_changed()
            return _LOOK_AGAIN
        self._share.follow(lease)
        breaker.open = breaker.open or lease.over
        self._throttle.limit_changed()
        return lease.report_in

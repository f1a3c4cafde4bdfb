"""Lets the requests of many images out only as fast as the endpoint takes them. Decided once, for threads and tasks.

How the lock is used. All state of a throttle, and of the batches that share it, is read and changed under one lock,
and nothing waits, sends or calls foreign code while holding it. Threads need that; an event loop, where nobody else
can come between, pays a tenth of a microsecond for it and gets the same code.

Who may send next is decided by whoever makes room, not by whoever wakes up first. A group that wants to send queues up
in its batch; a request that ends gives its place, under the lock, to the group at the head of a batch, and only then
sets the signal of that one group. So:

* One place wakes one group. To wake all and let them race costs tasks a quarter of their throughput, and threads a
  stampede for the lock.
* The place is taken before its new owner runs. Nobody who comes in between can have it. It goes to the batch that has
  the fewest requests in flight, round robin among equals: so the one image of a web request has the next place that
  becomes free, and does not wait for the thousand images before it.
* A group that was given a place may be cancelled, or stopped, before it learns of it. Whatever ends its wait,
  :meth:`Turn.end` looks under the lock where the group is (queued, inside, neither) and undoes that. This is why the
  counters are back at 0 after a cancellation at any point.

Time makes room, too: the pace, and the second between two probes of an endpoint that is away. For these the group at
the head of the queue waits, no longer than until the next request may leave, and then hands out turns itself; whoever
changes the head wakes the new one, so that somebody always watches the clock.

A group takes its turn where its flow asks for authorization, the step before each attempt: so the time it waits is not
taken from the attempt's own ``timeout``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from automl_cv_client._flow.effects import Authorize, Effect, Flow, GiveWay, Send, Signal, Sleep, Wait
from automl_cv_client._protocol.http_headers import CLIENT_REQUEST_ID, new_client_request_id
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.errors import CallError, TimedOut

T = TypeVar("T")

_FOREVER = 3600.0  # seconds
_AWAY = "the endpoint was away, and did not come back in time"
_NO_TURN = "no turn to send in time: the endpoint answers too slowly for the deadline"


class Stopped(Exception):
    """The batch is over: this group is not scored any more. Never seen by users."""


class Throttle:
    """Hands out turns to the batches that share it.

    Args:
        traffic: decides how many may send.
        harmless: the body of a request that finds out whether an endpoint that seems to be away is there.
        new_signal: makes what groups wait for: ``threading.Event``, or its like for an event loop.
    """

    def __init__(self, traffic: Traffic, harmless: bytes, new_signal: Callable[[], Signal]) -> None:
        self.traffic = traffic
        self.harmless = harmless
        self.new_signal = new_signal
        self.lock = threading.RLock()  # closing an abandoned stream may happen anywhere, by the garbage collector
        self.queue: deque[Batch] = deque()  # those in which a group waits, in the order of their last turns
        self.batches: set[Batch] = set()

    def hand_out(self) -> float | None:
        """Give out the turns there are (the lock is held).

        Returns:
            Seconds until time brings the next one; None when only an answer can.
        """
        while (wait := self.traffic.wait()) == 0 and self.queue and self.traffic.breaker.open is None:
            batch = min(self.queue, key=_in_flight)
            self.queue.remove(batch)
            turn = batch.queue.popleft()
            if batch.queue:
                self.queue.append(batch)
            turn.begin()
        if self.traffic.breaker.open is not None:
            for batch in self.batches:
                batch.wake_all()
        elif wait and self.queue:
            self.queue[0].queue[0].signal.set()  # to watch the clock
        return wait

    def limit_changed(self) -> None:
        """The limit was changed from outside, and not by an answer: let out what it lets out now."""
        with self.lock:
            self.hand_out()
            for batch in self.batches:
                batch.news.set()


class Batch:
    """The groups of one stream: how many are where, and whether it goes on. All under the throttle's lock.

    Attributes:
        waiting: groups that are being prepared, or wait for their turn.
        active: all groups without an outcome, pausing ones included.
        in_flight: those that have their turn.
        queue: those that wait for their turn.
        news: set when a group has its turn or its outcome: the stream looks whether to read on, or to hand out.
        stopped: nothing more goes out.
    """

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.waiting = self.active = self.in_flight = 0
        self.stopped = False
        self.queue: deque[Turn] = deque()
        self.turns: set[Turn] = set()
        self.news = throttle.new_signal()
        with throttle.lock:
            throttle.batches.add(self)

    @property
    def wants_more(self) -> bool:
        """Whether a further group should be read and prepared, so that one is ready when its turn comes.

        Of an endpoint that is away each batch has one group, at least: else a long one would keep out all others.
        """
        traffic = self.throttle.traffic
        if self.stopped or traffic.breaker.open is not None or self.waiting >= 2 + traffic.limit // 2:
            return False
        return self.active == 0 or traffic.active < traffic.most_active

    def stop(self) -> None:
        """Whoever waits or pauses gives up; what is in flight ends by itself."""
        with self.throttle.lock:
            self.stopped = True
            self.wake_all()

    def leave(self) -> None:
        """The batch is over, and needs no news any more."""
        with self.throttle.lock:
            self.throttle.batches.discard(self)

    def wake_all(self) -> None:
        """Let every group look how things stand (the lock is held)."""
        for turn in self.turns:
            turn.signal.set()
        self.news.set()


class Turn:
    """One group's way through the throttle, from being read to its end."""

    def __init__(self, batch: Batch) -> None:
        self.signal = batch.throttle.new_signal()
        self._throttle = batch.throttle
        self._batch = batch
        self._latest: str | None = None  # id of the request sent last
        self._waiting = True
        self._queued = self._inside = self._ended = False
        with self._throttle.lock:
            batch.waiting += 1
            batch.active += 1
            self._throttle.traffic.active += 1
            batch.turns.add(self)

    def throttled(self, flow: Flow[T]) -> Flow[T]:
        """The same flow, held back: it has its turn before each attempt, and gives it back with the answer."""
        try:
            effect = next(flow)
            while True:
                try:
                    answer = yield from self._perform(effect)
                except Exception as error:  # noqa: BLE001 - the flow decides what an error means
                    effect = flow.throw(error)
                else:
                    effect = flow.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            flow.close()

    def begin(self) -> None:
        """The turn has come (the lock is held)."""
        self._queued, self._inside = False, True
        self._no_longer_waits()
        self._throttle.traffic.take()
        self._batch.in_flight += 1
        self.signal.set()
        self._batch.news.set()  # one more group may be read

    def end(self) -> None:
        """The group is done, or will not be. May be called twice."""
        with self._throttle.lock:
            if self._ended:
                return
            self._ended = True
            self._step_back()
            self._no_longer_waits()
            self._batch.active -= 1
            self._throttle.traffic.active -= 1
            self._batch.turns.discard(self)
            self._throttle.hand_out()
            self._batch.news.set()

    def _perform(self, effect: Effect) -> Flow[Any]:
        match effect:
            case Authorize(refused, limit):
                if refused is None:
                    yield from self._take(limit)
                header = yield from self._authorize(effect)
                if refused is not None and header is not None:
                    yield from self._take(limit)
                return header
            case Send(request, limit):
                return (yield from self._send(request, limit))
            case Sleep(seconds):
                return (yield from self._pause(seconds))
            case _:
                return (yield effect)

    def _authorize(self, effect: Effect) -> Flow[str | None]:
        try:
            header: str | None = yield effect
        except BaseException:
            with self._throttle.lock:
                self._step_back()  # there is nothing to send now, and others may
            raise
        return header

    def _take(self, limit: float | None) -> Flow[None]:
        throttle, traffic = self._throttle, self._throttle.traffic
        until = traffic.clock() + (_FOREVER if limit is None else limit)
        with throttle.lock:
            if self._inside:
                return
            self._queue_up()
        while True:
            with throttle.lock:
                left = until - traffic.clock()
                if self._is_over() or left <= 0:
                    self._step_back()
                    raise Stopped if self._is_over() else TimedOut(_NO_TURN)
                wait = throttle.hand_out()
                if self._inside:
                    return
                self.signal.clear()
            yield Wait(self.signal, left if wait is None else min(left, wait))

    def _is_over(self) -> bool:
        return self._batch.stopped or self._throttle.traffic.breaker.open is not None

    def _queue_up(self) -> None:
        if not self._waiting:
            self._waiting = True
            self._batch.waiting += 1
        if not self._batch.queue:
            self._throttle.queue.append(self._batch)
        self._batch.queue.append(self)
        self._queued = True

    def _step_back(self) -> None:
        """Out of the queue, or out of the place this group has (the lock is held)."""
        if self._inside:
            self._leave()
        elif self._queued:
            self._queued = False
            self._batch.queue.remove(self)
            if not self._batch.queue:
                self._throttle.queue.remove(self._batch)
            self._throttle.hand_out()  # there may be a new head

    def _no_longer_waits(self) -> None:
        if self._waiting:
            self._waiting = False
            self._batch.waiting -= 1

    def _leave(self) -> None:
        self._inside = False
        self._batch.in_flight -= 1
        self._throttle.traffic.leave()
        self._throttle.hand_out()

    def _send(self, request: Request, limit: float) -> Flow[Reply]:
        latest, self._latest = self._latest, request.headers.get(CLIENT_REQUEST_ID)
        again = latest is not None and latest == self._latest
        if self._throttle.traffic.breaker.away:
            limit = yield from self._wait_for_endpoint(request, limit)
        reply = yield from self._exchange(request, limit, again=again)
        yield GiveWay()  # first the endpoint gets work again, then this reply is read
        return reply

    def _wait_for_endpoint(self, request: Request, limit: float) -> Flow[float]:
        """Send a harmless image a second until the endpoint is back; the seconds of the limit that are left then."""
        throttle, traffic = self._throttle, self._throttle.traffic
        until = traffic.clock() + limit
        try:
            while traffic.breaker.away:
                with suppress(CallError):  # it is counted, and says nothing of this image
                    yield from self._exchange(
                        _harmless(request, throttle.harmless), until - traffic.clock(), last=False
                    )
                yield from self._pause(traffic.breaker.wait(traffic.clock()))
                if self._is_over():
                    raise Stopped
                if traffic.clock() >= until:
                    raise TimedOut(_AWAY)
        except BaseException:
            with throttle.lock:
                self._step_back()
            raise
        return until - traffic.clock()

    def _exchange(self, request: Request, limit: float, *, again: bool = False, last: bool = True) -> Flow[Reply]:
        """Send; after the ``last`` request the turn is over."""
        throttle, traffic = self._throttle, self._throttle.traffic
        with throttle.lock:
            sent = traffic.sent(len(request.body), again=again)
        try:
            reply: Reply = yield Send(request, limit)
        except BaseException as error:
            with throttle.lock:
                traffic.failed(sent, error)
                if last:
                    self._step_back()
            raise
        with throttle.lock:
            traffic.answered(sent, reply)
            if last:
                self._leave()
        return reply

    def _pause(self, seconds: float) -> Flow[None]:
        """Wait before another try. Raises Stopped when the batch ends before."""
        with self._throttle.lock:
            if self._batch.stopped:
                raise Stopped
            self.signal.clear()
        yield Sleep(seconds, self.signal)
        if self._batch.stopped:
            raise Stopped


def _in_flight(batch: Batch) -> int:
    return batch.in_flight


def _harmless(request: Request, body: bytes) -> Request:
    """To the same place with the same credential."""
    return replace(request.with_headers({CLIENT_REQUEST_ID: new_client_request_id()}), body=body)

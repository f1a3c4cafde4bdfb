"""Lets the requests of a run out only as fast as its traffic allows: for threads, and for an event loop.

A group of images takes its turn where its flow asks for authorization, which is the step before each attempt:
so the time it waits is not taken from the attempt's own ``timeout``.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace

from automl_cv_client._flow import run
from automl_cv_client._flow.run import AsyncBackend, Backend
from automl_cv_client._protocol.http_headers import CLIENT_REQUEST_ID, new_client_request_id
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.errors import CallError, TimedOut

FOREVER = 3600.0  # seconds
AWAY = "the endpoint was away, and did not come back in time"
_NO_TURN = "no turn to send in time: the endpoint answers too slowly for the deadline"


class Stopped(Exception):
    """The run is over: this group is not scored any more. Never seen by users."""


class Conversations:
    """Tells a request that is sent again from a new one of the same group."""

    def __init__(self) -> None:
        self._latest: str | None = None

    def goes_on(self, request: Request) -> bool:
        """Whether the request before this one had the same id."""
        before, self._latest = self._latest, request.headers.get(CLIENT_REQUEST_ID)
        return before is not None and before == self._latest


class Throttle:
    """The way out for threads. ``turn`` and ``news`` share one lock, under which all state is kept.

    ``harmless`` is the body of a request that finds out whether an endpoint that seems to be away is there.
    """

    def __init__(self, backend: Backend, traffic: Traffic, harmless: bytes) -> None:
        self.backend = backend
        self.traffic = traffic
        self.harmless = harmless
        self.lock = threading.Lock()
        self.turn = threading.Condition(self.lock)
        self.news = threading.Condition(self.lock)
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Nothing more goes out; whoever waits or pauses gives up."""
        with self.lock:
            self.stopped.set()
            self.turn.notify_all()
            self.news.notify_all()

    def wake(self) -> None:
        """Something changed: as many waiting groups look again as there are places (the lock is held)."""
        if self.traffic.breaker.open:
            self.turn.notify_all()
        else:
            self.turn.notify(self.traffic.free)


class ThrottledBackend:
    """One group's way through a throttle: the backend of its flow."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._conversations = Conversations()
        self._waiting = True  # from being read to its first turn
        self._inside = False
        traffic = throttle.traffic
        with throttle.lock:
            traffic.waiting += 1
            traffic.active += 1

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if refused is None:
            self._take_turn(limit)
        header = self._throttle.backend.authorize(refused, limit)
        if refused is not None and header is not None:
            self._take_turn(limit)
        return header

    def send(self, request: Request, limit: float) -> Reply:
        again = self._conversations.goes_on(request)
        if self._throttle.traffic.breaker.away:
            limit = self._wait_for_endpoint(request, limit)
        return self._exchange(request, limit, again=again)

    def _wait_for_endpoint(self, request: Request, limit: float) -> float:
        """Send a harmless image a second until the endpoint is back; the seconds of the limit that are left then."""
        throttle, traffic = self._throttle, self._throttle.traffic
        until = traffic.clock() + limit
        try:
            while traffic.breaker.away:
                with suppress(CallError):  # it is counted, and says nothing of this image
                    self._exchange(harmless(request, throttle.harmless), until - traffic.clock(), last=False)
                self.pause(traffic.breaker.wait(traffic.clock()))
                give_up(traffic.breaker.open is not None, until - traffic.clock(), AWAY)
        except BaseException:
            with throttle.lock:
                self._leave()
            raise
        return until - traffic.clock()

    def _exchange(self, request: Request, limit: float, *, again: bool = False, last: bool = True) -> Reply:
        """Send; after the ``last`` request the turn is over."""
        throttle = self._throttle
        with throttle.lock:
            sent = throttle.traffic.sent(len(request.body), again=again)
        try:
            reply = throttle.backend.send(request, limit)
        except BaseException as error:
            with throttle.lock:
                throttle.traffic.failed(sent, error)
                if last:
                    self._leave()
            raise
        with throttle.lock:
            throttle.traffic.answered(sent, reply)
            if last:
                self._leave()
        return reply

    def pause(self, seconds: float) -> None:
        """Wait before another try. Raises Stopped when the run ends before."""
        run.pause(seconds, self._throttle.stopped)
        if self._throttle.stopped.is_set():
            raise Stopped

    def end(self) -> None:
        """The group is done."""
        throttle = self._throttle
        with throttle.lock:
            if self._inside:
                self._leave()
            if self._waiting:
                throttle.traffic.waiting -= 1
            throttle.traffic.active -= 1
            throttle.wake()
            throttle.news.notify()

    def _take_turn(self, limit: float | None) -> None:
        throttle, traffic = self._throttle, self._throttle.traffic
        until = traffic.clock() + (FOREVER if limit is None else limit)
        with throttle.lock:
            if self._inside:
                return
            if not self._waiting:
                self._waiting = True
                traffic.waiting += 1
            while (wait := traffic.wait()) != 0 or throttle.stopped.is_set() or traffic.breaker.open:
                left = until - traffic.clock()
                give_up(throttle.stopped.is_set() or traffic.breaker.open is not None, left)
                throttle.turn.wait(left if wait is None else min(left, wait))
            self._waiting, self._inside = False, True
            traffic.waiting -= 1
            traffic.take()
            throttle.news.notify()  # one more group may be read

    def _leave(self) -> None:
        self._inside = False
        self._throttle.traffic.leave()
        self._throttle.wake()


_TURNS = 3  # of the event loop, until one who waited has sent: benchmarks/saturation.py, 0.926 to 0.937 at a cap of 6


class AsyncThrottle:
    """The way out for an event loop."""

    def __init__(self, backend: AsyncBackend, traffic: Traffic, harmless: bytes) -> None:
        self.backend = backend
        self.traffic = traffic
        self.harmless = harmless
        self.stopped = False
        self.news = asyncio.Event()
        self._queue: deque[asyncio.Future[None]] = deque()

    def stop(self) -> None:
        """Nothing more goes out; whoever waits gives up."""
        self.stopped = True
        self.wake()

    async def turn(self, seconds: float) -> None:
        """Wait until a place may be free, at most so long."""
        future = asyncio.get_running_loop().create_future()
        self._queue.append(future)
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            pass
        finally:
            if not future.done() or future.cancelled():
                self._queue = deque(one for one in self._queue if one is not future)

    def wake(self) -> None:
        """Something changed: as many waiting groups look again as there are places."""
        self.news.set()
        places = len(self._queue) if self.stopped or self.traffic.breaker.open else self.traffic.free
        while places > 0 and self._queue:
            future = self._queue.popleft()
            if not future.done():
                future.set_result(None)
                places -= 1


class AsyncThrottledBackend:
    """As :class:`ThrottledBackend`, awaited.

    Attributes:
        pausing: whether its flow pauses before another try.
    """

    def __init__(self, throttle: AsyncThrottle) -> None:
        self._throttle = throttle
        self._conversations = Conversations()
        self.pausing = False
        self._waiting = True
        self._inside = False
        throttle.traffic.waiting += 1
        throttle.traffic.active += 1

    async def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if refused is None:
            await self._take_turn(limit)
        header = await self._throttle.backend.authorize(refused, limit)
        if refused is not None and header is not None:
            await self._take_turn(limit)
        return header

    async def send(self, request: Request, limit: float) -> Reply:
        again = self._conversations.goes_on(request)
        if self._throttle.traffic.breaker.away:
            limit = await self._wait_for_endpoint(request, limit)
        reply = await self._exchange(request, limit, again=again)
        for _ in range(_TURNS):  # first the endpoint gets work again, then this reply is read
            await asyncio.sleep(0)
        return reply

    async def _wait_for_endpoint(self, request: Request, limit: float) -> float:
        throttle, traffic = self._throttle, self._throttle.traffic
        until = traffic.clock() + limit
        try:
            while traffic.breaker.away:
                with suppress(CallError):
                    await self._exchange(harmless(request, throttle.harmless), until - traffic.clock(), last=False)
                await self.pause(traffic.breaker.wait(traffic.clock()))
                give_up(traffic.breaker.open is not None, until - traffic.clock(), AWAY)
        except BaseException:
            self._leave()
            raise
        return until - traffic.clock()

    async def _exchange(self, request: Request, limit: float, *, again: bool = False, last: bool = True) -> Reply:
        traffic = self._throttle.traffic
        sent = traffic.sent(len(request.body), again=again)
        try:
            reply = await self._throttle.backend.send(request, limit)
        except BaseException as error:
            traffic.failed(sent, error)
            if last:
                self._leave()
            raise
        traffic.answered(sent, reply)
        if last:
            self._leave()
        return reply

    async def pause(self, seconds: float) -> None:
        """Wait before another try; at the end of the run the task is cancelled. Raises Stopped after that."""
        if self._throttle.stopped:
            raise Stopped
        self.pausing = True
        try:
            await run.pause_async(seconds)
        finally:
            self.pausing = False

    def end(self) -> None:
        """The group is done."""
        if self._inside:
            self._leave()
        if self._waiting:
            self._throttle.traffic.waiting -= 1
        self._throttle.traffic.active -= 1
        self._throttle.wake()

    async def _take_turn(self, limit: float | None) -> None:
        throttle, traffic = self._throttle, self._throttle.traffic
        if self._inside:
            return
        until = traffic.clock() + (FOREVER if limit is None else limit)
        if not self._waiting:
            self._waiting = True
            traffic.waiting += 1
        while (wait := traffic.wait()) != 0 or throttle.stopped or traffic.breaker.open:
            left = until - traffic.clock()
            give_up(throttle.stopped or traffic.breaker.open is not None, left)
            await throttle.turn(left if wait is None else min(left, wait))
        self._waiting, self._inside = False, True
        traffic.waiting -= 1
        traffic.take()
        throttle.news.set()

    def _leave(self) -> None:
        self._inside = False
        self._throttle.traffic.leave()
        self._throttle.wake()


def harmless(request: Request, body: bytes) -> Request:
    """To the same place with the same credential."""
    return replace(request.with_headers({CLIENT_REQUEST_ID: new_client_request_id()}), body=body)


def give_up(stopped: bool, left: float, why: str = _NO_TURN) -> None:
    """Raise Stopped when the run is over, and TimedOut when no seconds are left."""
    if stopped:
        raise Stopped
    if left <= 0:
        raise TimedOut(why)

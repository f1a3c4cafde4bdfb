"""Lets the requests of a run out only as fast as its traffic allows: for an event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from automl_cv_client._flow import run
from automl_cv_client._flow.traffic import Traffic
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.backends import AwaitedBackend
from automl_cv_client._transports.gates import AWAY, FOREVER, Conversations, Stopped, give_up, harmless
from automl_cv_client.errors import CallError

_TURNS = 3  # of the event loop, until one who waited has sent: benchmarks/saturation.py, 0.926 to 0.937 at a cap of 6


class AsyncGate:
    """The way out for an event loop."""

    def __init__(self, backend: AwaitedBackend, traffic: Traffic, harmless: bytes) -> None:
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


class AsyncPassage:
    """As :class:`Passage`, awaited.

    Attributes:
        pausing: whether its flow pauses before another try.
    """

    def __init__(self, gate: AsyncGate) -> None:
        self._gate = gate
        self._conversations = Conversations()
        self.pausing = False
        self._waiting = True
        self._inside = False
        gate.traffic.waiting += 1
        gate.traffic.active += 1

    async def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if refused is None:
            await self._take_turn(limit)
        header = await self._gate.backend.authorize(refused, limit)
        if refused is not None and header is not None:
            await self._take_turn(limit)
        return header

    async def send(self, request: Request, limit: float) -> Reply:
        again = self._conversations.goes_on(request)
        if self._gate.traffic.breaker.away:
            limit = await self._wait_for_endpoint(request, limit)
        reply = await self._exchange(request, limit, again=again)
        for _ in range(_TURNS):  # first the endpoint gets work again, then this reply is read
            await asyncio.sleep(0)
        return reply

    async def _wait_for_endpoint(self, request: Request, limit: float) -> float:
        gate, traffic = self._gate, self._gate.traffic
        until = traffic.clock() + limit
        try:
            while traffic.breaker.away:
                with suppress(CallError):
                    await self._exchange(harmless(request, gate.harmless), until - traffic.clock(), last=False)
                await self.pause(traffic.breaker.wait(traffic.clock()))
                give_up(traffic.breaker.open is not None, until - traffic.clock(), AWAY)
        except BaseException:
            self._leave()
            raise
        return until - traffic.clock()

    async def _exchange(self, request: Request, limit: float, *, again: bool = False, last: bool = True) -> Reply:
        traffic = self._gate.traffic
        sent = traffic.sent(len(request.body), again=again)
        try:
            reply = await self._gate.backend.send(request, limit)
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
        if self._gate.stopped:
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
            self._gate.traffic.waiting -= 1
        self._gate.traffic.active -= 1
        self._gate.wake()

    async def _take_turn(self, limit: float | None) -> None:
        gate, traffic = self._gate, self._gate.traffic
        if self._inside:
            return
        until = traffic.clock() + (FOREVER if limit is None else limit)
        if not self._waiting:
            self._waiting = True
            traffic.waiting += 1
        while (wait := traffic.wait()) != 0 or gate.stopped or traffic.breaker.open:
            left = until - traffic.clock()
            give_up(gate.stopped or traffic.breaker.open is not None, left)
            await gate.turn(left if wait is None else min(left, wait))
        self._waiting, self._inside = False, True
        traffic.waiting -= 1
        traffic.take()
        gate.news.set()

    def _leave(self) -> None:
        self._inside = False
        self._gate.traffic.leave()
        self._gate.wake()

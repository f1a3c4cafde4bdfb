"""Answers from a model on this machine while the endpoint cannot be reached.

The first call that gets no answer is answered here, after its one timeout and without retries; from then on every
call is answered here at once. Now and then a small request is sent in the background, and with its first answer, any
answer, calls go to the endpoint again. An answer that says no, such as 401 or 503, is the endpoint's own and stays.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from automl_cv_client._protocol.endpoint import sibling
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.backends import AwaitedBackend, BlockingBackend
from automl_cv_client.errors import AutoMLVisionError, ConnectionFailed, TimedOut, TransportError

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_PROBE_SECONDS = 10.0


class Fallback(Protocol):
    """What answers scoring requests in the endpoint's place."""

    def answer(self, request: Request) -> Reply:
        """The reply to a scoring request, in the endpoint's form. Called from several threads at once."""
        ...


class Outage:
    """Whether the endpoint is away, and when it is asked again. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._pause = _FIRST_PAUSE
        self._next = 0.0
        self._asking = False
        self.on = False

    def begin(self) -> None:
        """A call got no answer."""
        with self._lock:
            if not self.on:
                self.on, self._pause, self._next = True, _FIRST_PAUSE, self._clock() + _FIRST_PAUSE

    def end(self) -> None:
        """The endpoint answered."""
        self.on = False

    def claims_probe(self) -> bool:
        """Whether it is time to ask, and nobody else does: the caller asks, and tells ``probed``."""
        with self._lock:
            if not self.on or self._asking or self._clock() < self._next:
                return False
            self._asking = True
            return True

    def probed(self, *, answered: bool) -> None:
        """What came of asking."""
        with self._lock:
            self._asking = False
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._next = self._clock() + self._pause
            self.on = self.on and not answered


@dataclass(frozen=True, slots=True)
class FallbackBackend(BlockingBackend):
    """A blocking backend with a model behind it."""

    fallback: Fallback
    outage: Outage = field(default_factory=Outage)

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if self.outage.on:
            return None  # a token may need the network, too
        try:
            return self.credential.authorize(refused, limit)
        except TransportError as error:
            self._begin(error)
            return None

    def send(self, request: Request, limit: float) -> Reply:
        if request.method != "POST":  # a question about the endpoint itself
            reply = self.transport.send(request, limit)
            self.outage.end()
            return reply
        if not self.outage.on:
            try:
                return self.transport.send(request, limit)
            except (ConnectionFailed, TimedOut) as error:
                self._begin(error)
        elif self.outage.claims_probe():
            threading.Thread(target=self._probe, args=(request,), name="automl-cv-probe", daemon=True).start()
        return self.fallback.answer(request)

    def _begin(self, error: TransportError) -> None:
        if isinstance(error, ConnectionFailed) and not error.retryable:
            raise error  # a bad certificate, say: nothing that heals
        self.outage.begin()

    def _probe(self, request: Request) -> None:
        answered = False
        try:
            self.transport.send(_question(request), _PROBE_SECONDS)
            answered = True
        except AutoMLVisionError:
            pass
        finally:
            self.outage.probed(answered=answered)


@dataclass(frozen=True, slots=True)
class AwaitedFallbackBackend(AwaitedBackend):
    """An awaited backend with a model behind it, which scores in threads."""

    fallback: Fallback
    outage: Outage = field(default_factory=Outage)
    probes: set[asyncio.Task[None]] = field(default_factory=set)  # else nobody would hold them

    async def authorize(self, refused: str | None, limit: float | None) -> str | None:
        if self.outage.on:
            return None
        try:
            return await self.credential.authorize_async(refused, limit)
        except TransportError as error:
            self._begin(error)
            return None

    async def send(self, request: Request, limit: float) -> Reply:
        if request.method != "POST":
            reply = await self.transport.send(request, limit)
            self.outage.end()
            return reply
        if not self.outage.on:
            try:
                return await self.transport.send(request, limit)
            except (ConnectionFailed, TimedOut) as error:
                self._begin(error)
        elif self.outage.claims_probe():
            probe = asyncio.create_task(self._probe(request))
            self.probes.add(probe)
            probe.add_done_callback(self.probes.discard)
        return await asyncio.to_thread(self.fallback.answer, request)

    async def close(self) -> None:
        for probe in tuple(self.probes):
            probe.cancel()
        await AwaitedBackend.close(self)

    def _begin(self, error: TransportError) -> None:
        if isinstance(error, ConnectionFailed) and not error.retryable:
            raise error
        self.outage.begin()

    async def _probe(self, request: Request) -> None:
        answered = False
        try:
            await self.transport.send(_question(request), _PROBE_SECONDS)
            answered = True
        except AutoMLVisionError:
            pass
        finally:
            self.outage.probed(answered=answered)


def _question(request: Request) -> Request:
    """A small request to the same endpoint, without a key: whatever comes back, it is there."""
    return Request(sibling(request.url, "swagger.json"), b"", {}, "GET")

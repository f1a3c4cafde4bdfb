"""The two drivers of a flow, and the only places that wait: a thread, and an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any, Protocol, TypeVar, cast

from automl_cv_client._flow.effects import Authorize, Call, Effect, Flow, GiveWay, Send, Sleep, Wait
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.errors import InvalidInput

T = TypeVar("T")

_TURNS = 3  # of the loop, until a task that was woken has sent: benchmarks/saturation.py, 0.926 to 0.937 at a cap of 6


def pause(seconds: float, over: threading.Event | None = None) -> None:
    """Wait so long, or until ``over`` is set. automl_cv_client.testing.no_waiting() replaces this and the next."""
    if over is None:
        time.sleep(seconds)
    else:
        over.wait(seconds)


async def pause_async(seconds: float, over: LoopSignal | None = None) -> None:
    """Wait so long, or until ``over`` is set."""
    if over is None:
        await asyncio.sleep(seconds)
    else:
        await over.wait(seconds)


class LoopSignal:
    """The like of ``threading.Event`` for an event loop: set in the loop's thread, awaited by one task at a time."""

    def __init__(self) -> None:
        self._is_set = False
        self._future: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Let the task that waits go on, or the next one that would wait."""
        self._is_set = True
        _wake(self._future)

    def clear(self) -> None:
        """Whoever comes now waits."""
        self._is_set = False

    async def wait(self, seconds: float) -> None:
        """Wait until it is set, at most so long."""
        if self._is_set:
            return
        loop = asyncio.get_running_loop()
        self._future = loop.create_future()
        timer = loop.call_later(seconds, _wake, self._future)
        try:
            await self._future
        finally:
            timer.cancel()
            self._future = None


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


class Backend(Protocol):
    """What carries out the effects of a flow, blocking."""

    def authorize(self, refused: str | None, limit: float | None) -> str | None: ...
    def send(self, request: Request, limit: float) -> Reply: ...
    def pause(self, seconds: float) -> None: ...


class AsyncBackend(Protocol):
    """What carries out the effects of a flow, awaited."""

    async def authorize(self, refused: str | None, limit: float | None) -> str | None: ...
    async def send(self, request: Request, limit: float) -> Reply: ...
    async def pause(self, seconds: float) -> None: ...


def run(flow: Flow[T], backend: Backend) -> T:
    """Drive a flow to its end in this thread."""
    try:
        effect = next(flow)
        while True:
            try:
                answer = _perform(effect, backend)
            except Exception as error:  # noqa: BLE001 - the flow decides what an error means
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop this runs in. Raises InvalidInput where it is none of asyncio's, such as trio's."""
    with suppress(RuntimeError):
        return asyncio.get_running_loop()
    raise InvalidInput(
        "an AsyncClient needs an event loop of asyncio, and none runs here: under trio, in Python, use a Client in a "
        "thread, await trio.to_thread.run_sync(client.detect, image)"
    )


async def run_async(flow: Flow[T], backend: AsyncBackend) -> T:
    """Drive a flow to its end in this event loop."""
    running_loop()
    try:
        effect = next(flow)
        while True:
            try:
                answer = await _perform_async(effect, backend)
            except Exception as error:  # noqa: BLE001 - the flow decides what an error means
                effect = flow.throw(error)
            else:
                effect = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def _perform(effect: Effect, backend: Backend) -> Any:
    match effect:
        case Call(function):
            return function()
        case Authorize(refused, limit):
            return backend.authorize(refused, limit)
        case Send(request, limit):
            return backend.send(request, limit)
        case Sleep(seconds, None):
            return backend.pause(seconds)
        case Sleep(seconds, over):
            return pause(seconds, cast(threading.Event, over))
        case Wait(signal, seconds):
            return cast(threading.Event, signal).wait(seconds)
        case GiveWay():
            return None


async def _perform_async(effect: Effect, backend: AsyncBackend) -> Any:
    match effect:
        case Call(function):
            return await asyncio.to_thread(function)
        case Authorize(refused, limit):
            return await backend.authorize(refused, limit)
        case Send(request, limit):
            return await backend.send(request, limit)
        case Sleep(seconds, None):
            return await backend.pause(seconds)
        case Sleep(seconds, over):
            return await pause_async(seconds, cast(LoopSignal, over))
        case Wait(signal, seconds):
            return await cast(LoopSignal, signal).wait(seconds)
        case GiveWay():
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            return None

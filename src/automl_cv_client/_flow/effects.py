"""What a flow may ask its driver to do, and the typed way of asking.

A flow is a generator: it yields an effect and is sent the answer. It does no I/O, reads no clock but the one it
is given, and never waits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from automl_cv_client._protocol.messages import Reply, Request

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """Run a blocking function (reading files, decoding images); off the event loop where there is one."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Authorize:
    """Give me the value of the Authorization header.

    Attributes:
        refused: the value the service has just refused with 401, if it did. The answer is a fresher one, or
            None when there is none. Whoever asks second gets what the first one fetched.
        limit: seconds this may take.
    """

    refused: str | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request and give me the whole reply within ``limit`` seconds, connecting included."""

    request: Request
    limit: float


class Signal(Protocol):
    """What one thread or task waits for and another one sets; ``threading.Event`` is one."""

    def set(self) -> None: ...
    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sleep:
    """Pause before another attempt, so many seconds or until ``over`` is set."""

    seconds: float
    over: Signal | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until the signal is set, at most so many seconds. No pause: ``no_waiting()`` leaves it alone."""

    signal: Signal
    seconds: float


@dataclass(frozen=True, slots=True)
class GiveWay:
    """Let those run first who were just told to go on; for an event loop, where one thread does everything."""


Effect = Call | Authorize | Send | Sleep | Wait | GiveWay
Flow = Generator[Effect, Any, T]


def call(function: Callable[[], T]) -> Flow[T]:
    result: T = yield Call(function)
    return result


def authorize(refused: str | None = None, limit: float | None = None) -> Flow[str | None]:
    header: str | None = yield Authorize(refused, limit)
    return header


def send(request: Request, limit: float) -> Flow[Reply]:
    reply: Reply = yield Send(request, limit)
    return reply


def sleep(seconds: float) -> Flow[None]:
    yield Sleep(seconds)

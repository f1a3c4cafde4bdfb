"""What a client tells while it works: plain callables, and the values they are called with.

The values hold no key, no image and no HTTP object, so they may be logged and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from automl_cv_client.errors import CallError


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """One attempt is about to be sent.

    Attributes:
        client_request_id: the call's id; the attempts of one call share it.
        attempt: which attempt of the call, from 1.
        method: the HTTP method.
        url: where to, without its query.
        deployment: the deployment asked for; None for the endpoint's own choice.
        images: images in the request.
        sent_bytes: bytes of the body.
    """

    client_request_id: str
    attempt: int
    method: str
    url: str
    deployment: str | None
    images: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class ResponseEvent:
    """One attempt is over: it has an answer, it failed, or the caller left. Every request has exactly one.

    Attributes:
        request: the attempt.
        status: the HTTP status; None when no answer came.
        error: why no answer came: the name of our error, or ``"Cancelled"`` when the caller left; else None.
        elapsed: seconds from sending to the last byte.
        received_bytes: bytes of the answer's body.
        model_time: seconds the model took by its own account; None when not told.
        deployment: the deployment that answered.
        request_id: the service's id of the request.
    """

    request: RequestEvent
    status: int | None
    error: str | None
    elapsed: float
    received_bytes: int = 0
    model_time: float | None = None
    deployment: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class RetryEvent:
    """An attempt failed and the request will be sent again.

    Attributes:
        client_request_id: the call's id.
        attempt: the attempt that failed, from 1.
        pause: seconds until the next one.
        error: what went wrong.
    """

    client_request_id: str
    attempt: int
    pause: float
    error: CallError


@dataclass(frozen=True, slots=True)
class DropEvent:
    """The server left images out of its reply.

    Attributes:
        client_request_id: the call's id.
        images: images in the request.
        rows: rows in the reply; fewer.
    """

    client_request_id: str
    images: int
    rows: int


@dataclass(frozen=True, slots=True)
class Hooks:
    """Plain functions a client calls as it works, in the thread or task of the call.

    They should return soon: the call waits for them. What a hook raises is logged and does not harm the call.

    Attributes:
        on_request: before each attempt.
        on_response: after each attempt, whatever came of it.
        on_retry: before the pause that precedes another attempt.
        on_drop: when the server left images out of its reply.
        request_headers: asked after ``on_request`` for more headers of that attempt, such as ``traceparent``. Headers
            that the client sends itself stay as they are.
    """

    on_request: Callable[[RequestEvent], object] | None = None
    on_response: Callable[[ResponseEvent], object] | None = None
    on_retry: Callable[[RetryEvent], object] | None = None
    on_drop: Callable[[DropEvent], object] | None = None
    request_headers: Callable[[RequestEvent], Mapping[str, str]] | None = None

    def __add__(self, other: Hooks) -> Hooks:
        """Both: for each event this one's function, then the other's."""
        names = [field.name for field in fields(Hooks) if field.name != "request_headers"]
        merged = {name: _both(getattr(self, name), getattr(other, name)) for name in names}
        return Hooks(**merged, request_headers=_merged(self.request_headers, other.request_headers))


def _both(first: Callable[[Any], object] | None, second: Callable[[Any], object] | None) -> Any:
    if first is None or second is None:
        return first or second

    def both(event: Any) -> None:
        try:
            first(event)
        finally:  # the second one is told also when the first one fails
            second(event)

    return both


_Headers = Callable[[RequestEvent], Mapping[str, str]]


def _merged(first: _Headers | None, second: _Headers | None) -> _Headers | None:
    if first is None or second is None:
        return first or second
    return lambda event: {**first(event), **second(event)}

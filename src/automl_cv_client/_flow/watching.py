"""Tells hooks, log and tally what a conversation does; without hooks and log it only counts.

Log lines and events are made of plain values: no headers, no bodies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow, send
from automl_cv_client._flow.hooks import DropEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._protocol.http_headers import answering_deployment, model_time, request_id
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.errors import CallError

log = logging.getLogger("automl_cv_client")
log.addHandler(logging.NullHandler())


def watched_send(
    settings: CallSettings, call_id: str, attempt: int, images: int, request: Request, limit: float
) -> Flow[Reply]:
    """Send, and tell of it: one request event, and one response event whatever comes of it."""
    hooks = settings.hooks
    watched = hooks.on_request or hooks.on_response or hooks.request_headers or log.isEnabledFor(logging.DEBUG)
    event = _request_event(settings, call_id, attempt, images, request) if watched else None
    if event is not None:
        log.debug("%s: attempt %d, %d bytes to %s", call_id, attempt, event.sent_bytes, event.url)
        _tell(hooks.on_request, event)
        request = _with_more_headers(request, hooks, event)
    started = settings.clock()
    settings.tally.request(len(request.body), started)
    reply: Reply | None = None
    failure = "Cancelled"
    try:
        reply = yield from send(request, limit)
        return reply
    except Exception as error:
        failure = type(error).__name__
        raise
    finally:  # also when the caller leaves: the generator is closed then
        elapsed = settings.clock() - started
        settings.tally.response(reply, elapsed)
        if event is not None:
            _tell_response(settings, _response_event(event, reply, failure, elapsed))


def retrying(settings: CallSettings, call_id: str, attempt: int, pause: float, error: CallError) -> None:
    """Tell that an attempt failed and another one will follow."""
    settings.tally.retry()
    log.info("%s: attempt %d failed, again in %.2f s: %s", call_id, attempt, pause, error)
    if settings.hooks.on_retry is not None:
        _tell(settings.hooks.on_retry, RetryEvent(call_id, attempt, pause, error))


def dropped(settings: CallSettings, call_id: str, images: int, rows: int) -> None:
    """Tell that the server left images out."""
    settings.tally.drop()
    log.warning("%s: the server answered with %d rows for %d images", call_id, rows, images)
    if settings.hooks.on_drop is not None:
        _tell(settings.hooks.on_drop, DropEvent(call_id, images, rows))


def _with_more_headers(request: Request, hooks: Hooks, event: RequestEvent) -> Request:
    if hooks.request_headers is None:
        return request
    try:
        more = {name.lower(): value for name, value in hooks.request_headers(event).items()}
    except Exception:  # as in _tell
        log.exception("a hook failed; the call goes on")
        return request
    if {"x-request-id", "x-ms-request-id"} <= more.keys():  # the front end answers 400 to both together
        more.pop("x-ms-request-id")
    return request.with_headers({name: value for name, value in more.items() if name not in request.headers})


def _request_event(settings: CallSettings, call_id: str, attempt: int, images: int, request: Request) -> RequestEvent:
    url = shown(request.url)
    return RequestEvent(call_id, attempt, request.method, url, settings.deployment, images, len(request.body))


def _response_event(event: RequestEvent, reply: Reply | None, failure: str, elapsed: float) -> ResponseEvent:
    if reply is None:
        return ResponseEvent(event, None, failure, elapsed)
    return ResponseEvent(
        event,
        reply.status,
        None,
        elapsed,
        len(reply.body),
        model_time(reply.headers),
        answering_deployment(reply.headers),
        request_id(reply.headers),
    )


def _tell_response(settings: CallSettings, event: ResponseEvent) -> None:
    what = event.status if event.status is not None else event.error
    log.debug("%s: %s after %.3f s", event.request.client_request_id, what, event.elapsed)
    _tell(settings.hooks.on_response, event)


def _tell(hook: Callable[[Any], object] | None, event: Any) -> None:
    if hook is None:
        return
    try:
        hook(event)
    except Exception:  # a user's hook: its bug must not lose the user's scores
        log.exception("a hook failed; the call goes on")

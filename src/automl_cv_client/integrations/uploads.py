"""Bounds what a caller may upload, before it is stored; plain ASGI, for any framework that speaks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, BinaryIO

from automl_cv_client._imaging.opening import why_no_image
from automl_cv_client.integrations.problems import MEDIA_TYPE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 20_000_000
_DRAINED = 8  # times the limit
_DRAIN_SECONDS = 10.0

_HEAD = 1024


class UploadLimit:
    """ASGI middleware: a body of more than ``max_bytes`` gets 413, whatever its Content-Length says.

    Args:
        app: the application behind it.
        max_bytes: of a whole request body, the form around the images included.
    """

    def __init__(self, app: App, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._max_bytes:
            await _refuse(receive, send, self._max_bytes)
            return
        meter = _Meter(receive, send, self._max_bytes)
        try:
            await self._app(scope, meter.receive, meter.send)
        except _TooLarge:
            if not meter.answered:
                await _refuse(None if meter.ended else receive, send, self._max_bytes)


class _TooLarge(BaseException):
    """Not an Exception: an application's own handlers must not answer it with a 500."""


class _Meter:
    """Counts a body on its way in, and notes whether an answer has begun."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self._left = receive, send, most
        self.answered = False
        self.ended = False  # whether the whole body is in

    async def receive(self) -> Message:
        message = await self._receive()
        self.ended = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)


def why_no_image_file(file: BinaryIO) -> str | None:
    """What the file seems to be, if it is no image; None for an image. The file is left at its beginning."""
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(0)
    return why_no_image(head) if head else "an empty file"


def _announced(scope: MutableMapping[str, Any]) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(receive: Receive | None, send: Send, most: int) -> None:
    if receive is not None:
        await _drain(receive, _DRAINED * most)
    problem = {
        "type": "about:blank",
        "title": "Content Too Large",
        "status": 413,
        "detail": f"The upload is larger than the {most:,} bytes this service takes.",
        "code": "UploadTooLarge",
    }
    body = json.dumps(problem).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", length), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _drain(receive: Receive, most: int) -> None:
    """Let the rest of the body in and forget it: a caller who is still sending does not see an early answer.

    Ends after ``most`` bytes or 10 seconds, as nobody has to listen for ever.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            while most > 0:
                message = await receive()
                most -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return

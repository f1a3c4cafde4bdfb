"""Reaches a fake endpoint as an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from automl_cv_client.testing import delivery
from automl_cv_client.testing.replies import Reply
from automl_cv_client.testing.sent import SentRequest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def serve_asgi(answer: Callable[[SentRequest], Reply], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request of an ASGI server; a connection lost by the script is an exception here.

    Raises:
        ConnectionAbortedError: the script breaks the connection; servers close it then.
    """
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    reply = answer(SentRequest(scope["method"], scope["path"], headers, await _body(receive)))
    try:
        await delivery.begin_async(reply)
        pairs = [(name.encode(), value.encode()) for name, value in delivery.all_headers(reply).items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        async for piece in delivery.pieces_async(reply):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except delivery.BrokenOff:
        raise ConnectionAbortedError("the script lost the connection") from None
    await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return

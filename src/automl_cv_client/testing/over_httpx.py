"""Reaches fake endpoints and recordings through httpx, in process: the only file of this room that knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx

from automl_cv_client.testing import delivery
from automl_cv_client.testing.replies import Reply
from automl_cv_client.testing.sent import SentRequest

Answering = Callable[[SentRequest], Reply]


class FakeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport, blocking and awaited, that answers in process. Subclasses say what."""

    def answer(self, request: SentRequest) -> Reply:
        """The answer to a request."""
        raise NotImplementedError

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """For ``httpx.Client``: what the script says, with its delays and breaks."""
        reply = self.answer(_sent(request, request.read()))
        limit = _limit(request)
        try:
            delivery.begin(reply, limit)
        except delivery.BrokenOff:
            raise httpx.ReadError("the script lost the connection") from None
        _refuse_late(reply, limit)
        return httpx.Response(reply.status, headers=delivery.all_headers(reply), stream=_Stream(reply))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """For ``httpx.AsyncClient``: as :meth:`handle_request`, awaited."""
        reply = self.answer(_sent(request, await request.aread()))
        limit = _limit(request)
        try:
            await delivery.begin_async(reply, limit)
        except delivery.BrokenOff:
            raise httpx.ReadError("the script lost the connection") from None
        _refuse_late(reply, limit)
        return httpx.Response(reply.status, headers=delivery.all_headers(reply), stream=_Stream(reply))


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body on its way."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from delivery.pieces(self._reply)
        except delivery.BrokenOff:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body") from None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in delivery.pieces_async(self._reply):
                yield piece
        except delivery.BrokenOff:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body") from None


class RecordingTransport(httpx.HTTPTransport):
    """Sends for real, blocking, and shows each exchange to ``note``."""

    def __init__(self, note: Callable[[SentRequest, Reply], None], **options: Any) -> None:
        super().__init__(**options)
        self._note = note

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, note both."""
        response = super().handle_request(request)
        response.read()
        self._note(_sent(request, request.read()), _reply(response))
        return _whole(response)


class AsyncRecordingTransport(httpx.AsyncHTTPTransport):
    """As :class:`RecordingTransport`, awaited."""

    def __init__(self, note: Callable[[SentRequest, Reply], None], **options: Any) -> None:
        super().__init__(**options)
        self._note = note

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, note both."""
        response = await super().handle_async_request(request)
        await response.aread()
        self._note(_sent(request, await request.aread()), _reply(response))
        return _whole(response)


def client_over(transport: httpx.BaseTransport) -> httpx.Client:
    """An ``httpx.Client`` that sends through this transport."""
    return httpx.Client(transport=transport, trust_env=False)


def async_client_over(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """An ``httpx.AsyncClient`` that sends through this transport."""
    return httpx.AsyncClient(transport=transport, trust_env=False)


def _sent(request: httpx.Request, body: bytes) -> SentRequest:
    return SentRequest(request.method, request.url.path, dict(request.headers), body)


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.content, dict(response.headers))


def _whole(response: httpx.Response) -> httpx.Response:
    """The same answer, its content encoding undone, ready to be read again."""
    kept = [(n, v) for n, v in response.headers.multi_items() if n not in ("content-encoding", "content-length")]
    return httpx.Response(response.status_code, headers=kept, content=response.content)


def _limit(request: httpx.Request) -> float | None:
    limit = request.extensions.get("timeout", {}).get("read")
    return None if limit is None else float(limit)


def _refuse_late(reply: Reply, limit: float | None) -> None:
    if delivery.waits_too_long(reply, limit):
        raise httpx.ReadTimeout(f"no answer within {limit} s")

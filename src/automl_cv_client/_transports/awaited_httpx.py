"""Sends requests over httpx, awaited."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterable

import httpcore
import httpx

from automl_cv_client._flow.run import running_loop
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports import httpx_terms
from automl_cv_client._transports.idle import LONGEST_IDLE, MOST_CONNECTIONS, Shelf
from automl_cv_client._transports.limits import Body
from automl_cv_client._transports.loop_network import LoopNetwork


class AsyncHttpxTransport:
    """Sends requests, awaited, in whatever event loop runs; connections belong to the loop they were made in.

    So a client lives through one ``asyncio.run`` after another: those of a loop that is closed are forgotten.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._injected = client
        self._library = httpx_terms.library_of(client)
        self._connections: dict[asyncio.AbstractEventLoop, _Connections] = {}
        self._tls: ssl.SSLContext | None = None
        self._closed = False

    async def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError or UnexpectedReply."""
        httpx_terms.refuse_closed(self._closed)
        failure: Exception
        try:
            async with asyncio.timeout(limit):
                if self._injected is not None:
                    return await self._through_injected(self._injected, request, limit)
                return await self._here(request.url).reply(request, limit)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        # Out of the handler, as httpx's error holds the request.
        raise httpx_terms.our_error(failure, self._library, request, limit)

    async def close(self) -> None:
        """Close this loop's connections, unless the client was injected. One in use is closed after its request."""
        self._closed = True
        here = self._connections.pop(running_loop(), None)
        self._connections.clear()
        if here is not None:
            await here.close()

    async def _through_injected(self, client: httpx.AsyncClient, request: Request, limit: float) -> Reply:
        built = httpx_terms.built_by(client, request, limit)
        return await _whole(await client.send(built, stream=True, auth=None, follow_redirects=False))

    def _here(self, url: str) -> _Connections:
        loop = running_loop()
        found = self._connections.get(loop)
        if found is None:
            self._tls = self._tls or httpx_terms.tls_for(url)
            found = _Connections(self._tls)
            living = {one: its for one, its in self._connections.items() if not one.is_closed()}
            self._connections = {**living, loop: found}
        return found


class _Connections:
    """The connections of one event loop.

    Each has a pool of its own here, too (encode/httpx#3215 tells of the awaited pool): with 64 in flight pools of 8
    cost half as much again a request (benchmarks/async_rate.py).

    A request that is cancelled while httpcore puts its connection back leaves it taken for ever. So the pool of a
    cancelled request is thrown away; its connection could not have been used again anyway.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._shelf: Shelf[httpx.AsyncHTTPTransport] = Shelf(LONGEST_IDLE)
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        self._closing: set[asyncio.Future[None]] = set()
        self._closed = False

    async def reply(self, request: Request, limit: float) -> Reply:
        """The reply, over an idle connection or a new one."""
        async with self._places:
            pool = self._shelf.take() or _LoopTransport(request.url, self._tls)
            usable = False
            try:
                reply = await _whole(await pool.handle_async_request(httpx_terms.plain_request(request, limit)))
                usable = True
                return reply
            finally:
                for old in self._shelf.put(pool) if usable and not self._closed else [pool]:
                    await self._throw_away(old)

    async def close(self) -> None:
        """Close those that are idle, and see those end that are being closed."""
        self._closed = True
        for pool in self._shelf.clear():
            await pool.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _throw_away(self, pool: httpx.AsyncHTTPTransport) -> None:
        closing = asyncio.ensure_future(pool.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)  # a second cancellation must not leave the connection open


class _LoopTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a pool of one connection, which the event loop itself serves."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        options = httpx_terms.of_one_connection(url, tls)
        self._pool = httpcore.AsyncConnectionPool(**options, network_backend=LoopNetwork())


async def _whole(response: httpx.Response) -> Reply:
    try:
        headers = httpx_terms.headers_of(response)
        body = Body(headers)
        async for piece in _pieces(response):
            body.add(piece)
    finally:
        await response.aclose()
    return Reply(response.status_code, headers, body.whole(), time.time())


def _pieces(response: httpx.Response) -> AsyncIterable[bytes]:
    return response.stream  # type: ignore[return-value]

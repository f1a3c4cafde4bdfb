"""Sends requests over httpx, awaited."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Any

from automl_cv_client._flow.run import running_loop
from automl_cv_client._processes import forks, in_each_process, leave_to_parent
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports import httpx_terms
from automl_cv_client._transports.answers import Incoming
from automl_cv_client._transports.environment import tls_context
from automl_cv_client._transports.failures import foreign_client
from automl_cv_client._transports.idle_pool import LONGEST_IDLE, MOST_CONNECTIONS, IdlePool
from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.loop_network import LoopNetwork
from automl_cv_client.errors import InvalidInput


class AsyncHttpxTransport:
    """Sends requests, awaited, in whatever event loop runs; connections belong to the loop they were made in.

    So a client lives through one ``asyncio.run`` after another: a loop's connections are closed with it.
    """

    def __init__(self, client: Any = None) -> None:
        self._injected = client
        self._closed = False
        self._made_after = forks()
        self._loops: dict[asyncio.AbstractEventLoop, _Connections] = {}
        self._of_the_parent: tuple[asyncio.AbstractEventLoop, ...] = ()
        in_each_process(self._begin)

    def _begin(self) -> None:
        """In a child this lets the parent's connections lie: closing one would unregister it in the parent's loop."""
        if self._loops:
            leave_to_parent(self._loops)
        self._of_the_parent = (*self._of_the_parent, *self._loops)
        self._foreign = forks() != self._made_after and httpx_terms.has_connections(self._injected)
        self._loops = {}
        self._tls: ssl.SSLContext | None = None

    async def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError, UnexpectedReply or InvalidInput."""
        httpx_terms.refuse_closed(self._closed)
        answer = await self._answer(request, limit)
        if isinstance(answer, Reply):
            return answer
        del request  # it holds the key, and a debugger or an error tracker shows what a frame holds
        raise answer

    async def close(self) -> None:
        """Close this loop's connections, unless the client was injected. One in use is closed after its request."""
        self._closed = True
        connections = self._loops.pop(running_loop(), None)
        self._forget_closed_loops()
        self._loops = {}
        if connections is not None:
            await connections.close()

    async def _answer(self, request: Request, limit: float) -> Reply | Exception:
        """An error is a value here, and is made outside the handler, as httpx's own holds the request."""
        failure: Exception
        try:
            async with asyncio.timeout(limit):
                if self._injected is not None:
                    return await self._through_injected(self._injected, request, limit)
                connections = self._loops.get(running_loop()) or await self._begin_in_loop()
                return await connections.reply(request, limit)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        return httpx_terms.our_error(failure, self._injected, request, limit)

    async def _through_injected(self, client: Any, request: Request, limit: float) -> Reply:
        if self._foreign:
            raise foreign_client(type(client).__name__)
        built = httpx_terms.built_by(client, request, limit)
        response = await client.send(built, stream=True, auth=None, follow_redirects=False)
        try:
            tail = httpx_terms.Tail(response)
            live = tail.stream is not None  # and not from a mock or a recording
            incoming = Incoming(request, response.status_code, response.headers.raw, live=live)
            async for piece in _pieces(response):
                incoming.add(piece)
                if tail.is_behind_the_last_piece():
                    await tail.stream.aclose()
            if tail.is_behind_the_end():
                await tail.stream.aclose()
        finally:
            await response.aclose()
        return incoming.whole()

    async def _begin_in_loop(self) -> _Connections:
        loop = running_loop()
        if loop in self._of_the_parent:
            raise InvalidInput(
                "this event loop ran before this process was forked, and two processes cannot share one: begin a new "
                "one in each process, as asyncio.run does"
            )
        self._forget_closed_loops()
        connections = self._loops[loop] = _Connections(self._tls_for)
        await connections.close_with_loop()
        return connections

    def _tls_for(self, url: str) -> ssl.SSLContext | None:
        if self._tls is None and url.startswith("https:"):
            self._tls = tls_context()
        return self._tls

    def _forget_closed_loops(self) -> None:
        for loop in [loop for loop in self._loops if loop.is_closed()]:
            self._loops.pop(loop).abandon()


class _Connections:
    """The connections of one event loop.

    A request that is cancelled leaves its connection in the middle of an answer: it is closed.
    """

    def __init__(self, tls_for: Callable[[str], ssl.SSLContext | None]) -> None:
        self._tls_for = tls_for
        self._network = LoopNetwork()
        self._idle: IdlePool[httpcore.AsyncConnectionInterface] = IdlePool(LONGEST_IDLE)
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)
        self._closing: set[asyncio.Future[None]] = set()
        self._closed = False
        self._end = self._until_the_end()

    async def close_with_loop(self) -> None:
        """``asyncio.run`` ends the async generators that were begun in its loop, and this one closes connections."""
        await anext(self._end)

    async def _until_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self._close()

    async def reply(self, request: Request, limit: float) -> Reply:
        """The reply, over an idle connection or a new one."""
        built = httpx_terms.request_of(request, limit)
        async with self._free:
            connection = await self._idle_connection(built) or self._new_connection(request.url, built)
            usable = False
            try:
                reply = await _read(request, await connection.handle_async_request(built))
                usable = connection.is_idle() and not httpx_terms.has_unread(connection)
                return reply
            finally:
                for old in self._idle.put(connection) if usable and not self._closed else [connection]:
                    await self._throw_away(old)

    async def close(self) -> None:
        """Close those that are idle, and see those end that are being closed."""
        await self._end.aclose()

    def abandon(self) -> None:
        """Close the sockets of a loop that is closed, and can do nothing more."""
        self._network.abandon()

    async def _close(self) -> None:
        self._closed = True
        for connection in self._idle.clear():
            await connection.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _idle_connection(self, request: httpcore.Request) -> httpcore.AsyncConnectionInterface | None:
        while (connection := self._idle.take()) is not None:
            if connection.can_handle_request(request.url.origin) and not connection.has_expired():
                return connection
            await self._throw_away(connection)  # the server closed it, or sent what nobody asked for
        return None

    def _new_connection(self, url: str, request: httpcore.Request) -> httpcore.AsyncConnectionInterface:
        options = httpx_terms.pool_options(url, self._tls_for(url))
        return httpcore.AsyncConnectionPool(**options, network_backend=self._network).create_connection(
            request.url.origin
        )

    async def _throw_away(self, connection: httpcore.AsyncConnectionInterface) -> None:
        closing = asyncio.ensure_future(connection.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)  # a second cancellation must not leave the connection open


async def _read(request: Request, response: httpcore.Response) -> Reply:
    try:
        incoming = Incoming(request, response.status, response.headers)
        async for piece in _pieces(response):
            incoming.add(piece)
    finally:
        await response.aclose()
    return incoming.whole()


def _pieces(response: Any) -> AsyncIterable[bytes]:
    stream: AsyncIterable[bytes] = response.stream
    return stream

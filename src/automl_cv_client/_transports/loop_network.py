"""The network of awaited connections: the event loop's own transports, for httpcore.

httpcore's own goes through anyio, which gives way to other tasks before and after each write: a request's head and
its body leave in different turns of the loop, with other requests' work between them. Here both leave at once.

This file ends when ``python -m benchmarks.async_rate`` shows its row "our transport" less than 1.1 times its row "over
anyio", or when aiohttp is required. Measured at 32 in flight, httpcore 1.0.9: 1.43 times the rate at 0.73 of the CPU;
httpcore2 2.16.2: 1.42 times at 0.70. A pool of one connection over plain httpx scans itself at each request.
"""

# ruff: noqa: ASYNC109 - httpcore names its arguments

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from typing import Any, cast
from weakref import WeakSet

from automl_cv_client._transports.connecting import connect_in_loop
from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.socket_network import is_readable

_ENOUGH = 1024 * 1024  # bytes not yet read before the peer has to wait
_PIECE = 8 * 1024 * 1024  # bytes written at once: more than sockets hold, so that who does not read is waited for


class LoopNetwork(httpcore.AsyncNetworkBackend):
    """Connects in the running event loop. Timeouts are the caller's: one bound covers the whole request."""

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()

    def abandon(self) -> None:
        """Close all sockets of a loop that is closed: its transports cannot any more."""
        for connection in list(self._sockets):
            connection.close()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        del timeout, local_address, socket_options  # the pool of HttpxTransport asks for none
        loop = asyncio.get_running_loop()
        try:
            connected = await connect_in_loop(host, port)
            self._sockets.add(connected)
            _, stream = await loop.create_connection(_Stream, sock=connected)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return stream


class _Stream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One connection: what came and was not read yet, and who waits for more."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._over = False  # no more will come
        self._paused = False  # the peer has to wait until something is read
        self._full = False  # we have to wait until the peer has read something
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise httpcore.ReadError(str(self._error)) from self._error
            if self._over:
                return b""
            await self._wait()
        piece = self._pieces.popleft()
        if len(piece) > max_bytes:
            self._pieces.appendleft(piece[max_bytes:])
            piece = piece[:max_bytes]
        self._unread -= len(piece)
        if self._paused and self._unread < _ENOUGH and not self._over:
            self._paused = False
            self._transport.resume_reading()
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for start in range(0, len(view), _PIECE):  # what is written at once is copied, by TLS twice
            if self._over or self._transport.is_closing():
                raise httpcore.WriteError("the connection is closed")
            self._transport.write(view[start : start + _PIECE])
            while self._full and not self._over and not self._pieces:  # who answers early may have stopped reading
                await self._wait()

    async def aclose(self) -> None:
        self._transport.abort()  # not close(): that waits for a dead peer's farewell
        if self._transport.get_protocol() is self:  # else TLS took it over
            await asyncio.shield(self._gone)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        stream = _Stream()
        loop = asyncio.get_running_loop()
        try:
            if self._pieces:
                raise ConnectionError("the server spoke first, and not in TLS")
            transport = await loop.start_tls(self._transport, stream, ssl_context, server_hostname=server_hostname)
        except BaseException as error:
            self._transport.abort()
            if isinstance(error, OSError):  # an SSLError, too
                raise httpcore.ConnectError(str(error)) from error
            raise
        assert transport is not None
        stream._transport = transport
        return stream

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            used_up = self._over or self._full  # it closed, or answered before it had all that was sent
            return used_up or bool(self._pieces) or is_readable(self._transport.get_extra_info("socket"))
        return self._transport.get_extra_info({"client_addr": "sockname", "server_addr": "peername"}.get(info, info))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are of no class of asyncio

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._unread += len(data)
        if self._unread >= _ENOUGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._over:  # else all has come, and what cannot be sent any more does not matter
            self._over, self._error = True, exc
        self._gone.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

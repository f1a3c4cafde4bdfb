"""The network of blocking connections: sockets, for httpcore, each operation bounded by the whole request's time.

httpx bounds each operation by itself: a server that drips a byte now and then holds a caller for ever, and so does a
name with many dead addresses.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any

from automl_cv_client._transports.connecting import connect
from automl_cv_client._transports.libraries import httpcore

_HEAD = 4096  # bytes; what is no longer waits for what is written next
_PIECE = 256 * 1024  # bytes written at once, as the bound holds for one write, and a peer may take a large body slowly


class Stopwatch(threading.local):
    """When this thread's request must be over, on the clock of ``time.monotonic``; infinite between requests."""

    until = float("inf")

    def left(self, timeout: float | None) -> float:
        """Seconds left, at most ``timeout``; raises httpcore's timeout when there are none."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("time is up")
        return left if timeout is None else min(left, timeout)


class SocketNetwork(httpcore.NetworkBackend):
    """Connects within what is left of the request's time."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch = stopwatch

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del local_address, socket_options  # nobody here asks for any
        left = self._stopwatch.left(timeout)
        try:
            return SocketStream(self._connected(host, port, left), self._stopwatch)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    def _connected(self, host: str, port: int, seconds: float) -> socket.socket:
        return connect(host, port, seconds)


class SocketStream(httpcore.NetworkStream):
    """One connection.

    httpcore writes a request's head and its body by themselves. Without TLS the head waits for the body, and both leave
    in one call of the system: 7 % of the CPU of a request.
    """

    def __init__(self, connection: socket.socket, stopwatch: Stopwatch) -> None:
        self._socket = connection
        self._stopwatch = stopwatch
        self._joins = hasattr(connection, "sendmsg") and not isinstance(connection, ssl.SSLSocket)
        self._head = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._head:
            with suppress(httpcore.WriteError):  # as httpcore does: the server may have answered before it hung up
                self._send(b"", timeout)
        left = self._stopwatch.left(timeout)
        try:
            self._socket.settimeout(left)
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._joins and not self._head and len(buffer) <= _HEAD:
            self._head = buffer
        else:
            self._send(buffer, timeout)

    def _send(self, buffer: bytes, timeout: float | None) -> None:
        head, self._head = memoryview(self._head), b""
        rest = memoryview(buffer)
        try:
            while head or rest:
                self._socket.settimeout(self._stopwatch.left(timeout))
                if head:
                    sent = self._socket.sendmsg((head, rest[:_PIECE]))
                    head, rest = head[sent:], rest[max(0, sent - len(head)) :]
                else:
                    rest = rest[self._socket.send(rest[:_PIECE]) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._stopwatch.left(timeout)
        try:
            if isinstance(self._socket, ssl.SSLSocket):  # an https proxy
                return _tls_in_tls(self._socket, ssl_context, server_hostname, left)
            self._socket.settimeout(left)
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise httpcore.ConnectTimeout(str(error)) from error
            if isinstance(error, OSError):  # an SSLError, too
                raise httpcore.ConnectError(str(error)) from error
            raise
        return SocketStream(secured, self._stopwatch)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":
                return _has_unread(self._socket)
            case "ssl_object" if isinstance(self._socket, ssl.SSLSocket):
                return self._socket
            case "socket":
                return self._socket
        return None


def _tls_in_tls(
    outer: ssl.SSLSocket, context: ssl.SSLContext, name: str | None, seconds: float
) -> httpcore.NetworkStream:
    """ssl cannot wrap an SSLSocket once more; httpcore can, and keeps it to itself."""
    private = import_module(f"{httpcore.__name__}._backends.sync")
    stream: httpcore.NetworkStream = private.TLSinTLSStream(outer, context, name, seconds)
    return stream


def _has_unread(connection: socket.socket) -> bool:
    """Whether something came that nobody asked for, or, of a connection that is idle, that it was closed."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    return is_readable(connection)


def is_readable(connection: socket.socket | None) -> bool:
    """Whether the system holds bytes for this socket, or its end."""
    if connection is None or connection.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))

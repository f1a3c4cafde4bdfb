"""Sends requests over httpx, blocking.

A client of httpx, or of a library with the same interface, may be injected; its exceptions are found through
its class, not by name.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

from automl_cv_client._processes import forks, in_each_process
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports import httpx_terms
from automl_cv_client._transports.answers import Incoming
from automl_cv_client._transports.environment import tls_context
from automl_cv_client._transports.failures import foreign_client
from automl_cv_client._transports.idle_pool import LONGEST_IDLE, MOST_CONNECTIONS, IdlePool
from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.socket_network import SocketNetwork, Stopwatch


class HttpxTransport:
    """Sends requests, blocking. Thread-safe. Connections are made as they are needed.

    Without an injected client, requests go straight to a connection of httpcore, which httpx is made of: cookies,
    redirects and authentication, which httpx.Client adds, have no use here. Nor has its pool, which looks through
    all its connections, with a system call for each idle one, whenever one of them changes: with 40 in flight 2.3 ms
    of CPU a request.
    """

    def __init__(self, client: Any = None) -> None:
        self._injected = client
        self._stopwatch = Stopwatch()
        self._closed = False
        self._made_after = forks()
        self._idle: IdlePool[httpcore.ConnectionInterface] = IdlePool(LONGEST_IDLE)
        in_each_process(self._begin)

    def _begin(self) -> None:
        """In a child this closes its copies of the parent's sockets, of which the other end hears nothing."""
        for connection in self._idle.clear():
            connection.close()
        self._foreign = forks() != self._made_after and httpx_terms.has_connections(self._injected)
        self._idle = IdlePool(LONGEST_IDLE)
        self._connections = threading.Semaphore(MOST_CONNECTIONS)
        self._lock = threading.Lock()
        self._tls: ssl.SSLContext | None = None

    def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError, UnexpectedReply or InvalidInput."""
        httpx_terms.refuse_closed(self._closed)
        answer = self._answer(request, limit)
        if isinstance(answer, Reply):
            return answer
        del request  # it holds the key, and a debugger or an error tracker shows what a frame holds
        raise answer

    def close(self) -> None:
        """Close the connections, unless the client was injected. One in use is closed when its request is over."""
        self._closed = True
        for connection in self._idle.clear():
            connection.close()

    def _answer(self, request: Request, limit: float) -> Reply | Exception:
        """An error is a value here, and is made outside the handler, as httpx's own holds the request."""
        failure: Exception
        self._stopwatch.until = time.monotonic() + limit
        try:
            if self._injected is not None:
                return self._through_injected(self._injected, request, limit)
            return self._over_connection(request, limit)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        finally:
            self._stopwatch.until = float("inf")
        return httpx_terms.our_error(failure, self._injected, request, limit)

    def _through_injected(self, client: Any, request: Request, limit: float) -> Reply:
        if self._foreign:
            raise foreign_client(type(client).__name__)
        built = httpx_terms.built_by(client, request, limit)
        response = client.send(built, stream=True, auth=None, follow_redirects=False)
        try:
            tail = httpx_terms.Tail(response)
            live = tail.stream is not None  # and not from a mock or a recording
            incoming = Incoming(request, response.status_code, response.headers.raw, live=live)
            for piece in _pieces(response):
                incoming.add(piece)
                self._stopwatch.left(None)  # an injected client has no bounded network
                if tail.is_behind_the_last_piece():
                    tail.stream.close()
            if tail.is_behind_the_end():
                tail.stream.close()
        finally:
            response.close()
        return incoming.whole()

    def _over_connection(self, request: Request, limit: float) -> Reply:
        built = httpx_terms.request_of(request, limit)
        if not self._connections.acquire(timeout=limit):
            raise httpcore.PoolTimeout("all connections are in use")
        try:
            connection = self._idle_connection(built) or self._new_connection(request.url, built)
            usable = False
            try:
                reply = _read(request, connection.handle_request(built))
                usable = connection.is_idle() and not httpx_terms.has_unread(connection)
                return reply
            finally:
                for old in self._idle.put(connection) if usable and not self._closed else [connection]:
                    old.close()
        finally:
            self._connections.release()

    def _idle_connection(self, request: httpcore.Request) -> httpcore.ConnectionInterface | None:
        while (connection := self._idle.take()) is not None:
            if connection.can_handle_request(request.url.origin) and not connection.has_expired():
                return connection
            connection.close()  # the server closed it, or sent what nobody asked for
        return None

    def _new_connection(self, url: str, request: httpcore.Request) -> httpcore.ConnectionInterface:
        with self._lock:
            if self._tls is None and url.startswith("https:"):
                self._tls = tls_context()
        network = SocketNetwork(self._stopwatch)
        pool = httpcore.ConnectionPool(**httpx_terms.pool_options(url, self._tls), network_backend=network)
        return pool.create_connection(request.url.origin)


def _read(request: Request, response: httpcore.Response) -> Reply:
    try:
        incoming = Incoming(request, response.status, response.headers)
        for piece in _pieces(response):
            incoming.add(piece)
    finally:
        response.close()
    return incoming.whole()


def _pieces(response: Any) -> Iterable[bytes]:
    """The body as it comes over the wire; from the stream itself, as a mock transport's reply has been read before."""
    stream: Iterable[bytes] = response.stream
    return stream

"""Sends requests over httpx, blocking.

A client of httpx, or of a library with the same interface, may be injected; its exceptions are found through
its class, not by name.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable

import httpcore
import httpx

from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports import httpx_terms
from automl_cv_client._transports.idle import LONGEST_IDLE, MOST_CONNECTIONS, Shelf
from automl_cv_client._transports.limits import Body, BoundedNetwork, Stopwatch


class HttpxTransport:
    """Sends requests, blocking. Thread-safe. Connections are made as they are needed.

    Without an injected client, requests go straight to httpx's transport: cookies, redirects and
    authentication, which httpx.Client adds, have no use here and cost 80 µs a request.

    httpx's pool looks through all its connections, with a system call for each idle one, whenever one of them
    changes: with 40 in flight 2.3 ms of CPU a request. So each connection has a pool of its own.
    """

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._injected = client
        self._library = httpx_terms.library_of(client)
        self._stopwatch = Stopwatch()
        self._shelf: Shelf[httpx.HTTPTransport] = Shelf(LONGEST_IDLE)
        self._places = threading.Semaphore(MOST_CONNECTIONS)
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._closed = False

    def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError or UnexpectedReply."""
        httpx_terms.refuse_closed(self._closed)
        failure: Exception
        self._stopwatch.until = time.monotonic() + limit
        try:
            return self._reply(request, limit)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        finally:
            self._stopwatch.until = float("inf")
        # Out of the handler, as httpx's error holds the request.
        raise httpx_terms.our_error(failure, self._library, request, limit)

    def close(self) -> None:
        """Close the connections, unless the client was injected. One in use is closed when its request is over."""
        self._closed = True
        for pool in self._shelf.clear():
            pool.close()

    def _reply(self, request: Request, limit: float) -> Reply:
        if self._injected is not None:
            built = httpx_terms.built_by(self._injected, request, limit)
            return self._whole(self._injected.send(built, stream=True, auth=None, follow_redirects=False))
        if not self._places.acquire(timeout=limit):
            raise httpcore.PoolTimeout("all connections are in use")
        try:
            return self._through_pool(request, limit)
        finally:
            self._places.release()

    def _through_pool(self, request: Request, limit: float) -> Reply:
        pool = self._shelf.take() or self._new_pool(request.url)
        usable = False
        try:
            reply = self._whole(pool.handle_request(httpx_terms.plain_request(request, limit)))
            usable = True
            return reply
        finally:
            for old in self._shelf.put(pool) if usable and not self._closed else [pool]:
                old.close()

    def _new_pool(self, url: str) -> httpx.HTTPTransport:
        with self._lock:
            self._tls = self._tls or httpx_terms.tls_for(url)
        return _BoundedTransport(url, self._tls, self._stopwatch)

    def _whole(self, response: httpx.Response) -> Reply:
        try:
            headers = httpx_terms.headers_of(response)
            body = Body(headers)
            for piece in _pieces(response):
                body.add(piece)
                self._stopwatch.left(None)  # an injected client has no bounded network
        finally:
            response.close()
        return Reply(response.status_code, headers, body.whole(), time.time())


class _BoundedTransport(httpx.HTTPTransport):
    """httpx's own transport over a pool of one connection that obeys the stopwatch."""

    def __init__(self, url: str, tls: ssl.SSLContext, stopwatch: Stopwatch) -> None:
        options = httpx_terms.of_one_connection(url, tls)
        self._pool = httpcore.ConnectionPool(**options, network_backend=BoundedNetwork(stopwatch))


def _pieces(response: httpx.Response) -> Iterable[bytes]:
    """The body as it comes over the wire; from the stream itself, as a mock transport's reply has been read before."""
    return response.stream  # type: ignore[return-value]

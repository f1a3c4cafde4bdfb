"""Sends requests over httpx: the only file that knows httpx's names.

A client of httpx, or of a library with the same interface, may be injected; its exceptions are found through
its class, not by name.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterable, Iterable
from functools import lru_cache
from types import ModuleType
from urllib.parse import urlsplit

import httpcore
import httpx

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.idle import MOST_CONNECTIONS, Shelf
from automl_cv_client._transports.limits import Body, BoundedNetwork, BrokenReply, ReplyTooLarge, Stopwatch
from automl_cv_client._transports.proxies import proxy_for
from automl_cv_client.errors import ConnectionFailed, InvalidInput, TimedOut, UnexpectedReply

_IDLE = 60.0  # seconds an idle connection is kept
_DEFAULT_HEADERS = {"accept-encoding": "identity", "user-agent": "automl-cv-client"}


class HttpxTransport:
    """Sends requests, blocking. Thread-safe. Connections are made as they are needed.

    Without an injected client, requests go straight to httpx's transport: cookies, redirects and
    authentication, which httpx.Client adds, have no use here and cost 80 µs a request.

    httpx's pool looks through all its connections, with a system call for each idle one, whenever one of them
    changes: with 40 in flight 2.3 ms of CPU a request. So each connection has a pool of its own.
    """

    def __init__(self, client: httpx.Client | None = None) -> None:
        self._injected = client
        self._library = _library(client)
        self._stopwatch = Stopwatch()
        self._shelf: Shelf[httpx.HTTPTransport] = Shelf(_IDLE)
        self._places = threading.Semaphore(MOST_CONNECTIONS)
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._closed = False

    def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError or UnexpectedReply."""
        _refuse_closed(self._closed)
        failure: Exception
        self._stopwatch.until = time.monotonic() + limit
        try:
            return self._reply(request, limit)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        finally:
            self._stopwatch.until = float("inf")
        raise _ours(failure, self._library, request, limit)  # out of the handler: httpx's error holds the request

    def close(self) -> None:
        """Close the connections, unless the client was injected. One in use is closed when its request is over."""
        self._closed = True
        for pool in self._shelf.clear():
            pool.close()

    def _reply(self, request: Request, limit: float) -> Reply:
        if self._injected is not None:
            built = _built(self._injected, request, limit)
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
            reply = self._whole(pool.handle_request(_plain_request(request, limit)))
            usable = True
            return reply
        finally:
            for old in self._shelf.put(pool) if usable and not self._closed else [pool]:
                old.close()

    def _new_pool(self, url: str) -> httpx.HTTPTransport:
        with self._lock:
            self._tls = self._tls or _tls(url)
        return _BoundedTransport(url, self._tls, self._stopwatch)

    def _whole(self, response: httpx.Response) -> Reply:
        try:
            headers = _plain(response)
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
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            proxy=_proxy(url),
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=_IDLE,
            network_backend=BoundedNetwork(stopwatch),
        )


class AsyncHttpxTransport:
    """Sends requests, awaited. Connections are made as they are needed, in the running event loop.

    Each connection has a pool of its own here, too (encode/httpx#3215 tells of the awaited pool): with 64 in flight
    380 µs a request, against 600 µs with pools of 8 (benchmarks/async_rate.py).

    A request that is cancelled while httpcore puts its connection back leaves it taken for ever. So the pool of a
    cancelled request is thrown away; its connection could not have been used again anyway.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._injected = client
        self._library = _library(client)
        self._shelf: Shelf[httpx.AsyncHTTPTransport] = Shelf(_IDLE)
        self._places = asyncio.Semaphore(MOST_CONNECTIONS)
        self._tls: ssl.SSLContext | None = None
        self._closing: set[asyncio.Future[None]] = set()
        self._closed = False

    async def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError or UnexpectedReply."""
        _refuse_closed(self._closed)
        failure: Exception
        try:
            async with asyncio.timeout(limit):
                if self._injected is not None:
                    return await self._through_injected(self._injected, request, limit)
                async with self._places:
                    return await self._through_pool(request, limit)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        raise _ours(failure, self._library, request, limit)  # out of the handler: httpx's error holds the request

    async def close(self) -> None:
        """Close the connections, unless the client was injected."""
        self._closed = True
        for pool in self._shelf.clear():
            await pool.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _through_injected(self, client: httpx.AsyncClient, request: Request, limit: float) -> Reply:
        built = _built(client, request, limit)
        return await _whole(await client.send(built, stream=True, auth=None, follow_redirects=False))

    async def _through_pool(self, request: Request, limit: float) -> Reply:
        pool = self._shelf.take() or self._new_pool(request.url)
        usable = False
        try:
            reply = await _whole(await pool.handle_async_request(_plain_request(request, limit)))
            usable = True
            return reply
        finally:
            for old in self._shelf.put(pool) if usable and not self._closed else [pool]:
                await self._throw_away(old)

    def _new_pool(self, url: str) -> httpx.AsyncHTTPTransport:
        self._tls = self._tls or _tls(url)
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE)
        return httpx.AsyncHTTPTransport(verify=self._tls, limits=limits, proxy=proxy_for(url))

    async def _throw_away(self, pool: httpx.AsyncHTTPTransport) -> None:
        closing = asyncio.ensure_future(pool.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.shield(closing)  # a second cancellation must not leave the connection open


async def _whole(response: httpx.Response) -> Reply:
    try:
        headers = _plain(response)
        body = Body(headers)
        async for piece in _async_pieces(response):
            body.add(piece)
    finally:
        await response.aclose()
    return Reply(response.status_code, headers, body.whole(), time.time())


def _refuse_closed(closed: bool) -> None:
    if closed:
        raise InvalidInput("this client is closed: make a new one")


def _pieces(response: httpx.Response) -> Iterable[bytes]:
    """The body as it comes over the wire; from the stream itself, as a mock transport's reply has been read before."""
    return response.stream  # type: ignore[return-value]


def _async_pieces(response: httpx.Response) -> AsyncIterable[bytes]:
    return response.stream  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)  # 30 µs, for a URL that is the same at every call


def _plain_request(request: Request, limit: float) -> httpx.Request:
    headers = {**_DEFAULT_HEADERS, **request.headers}
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limit)
    url = _parsed(request.url)
    return httpx.Request(request.method, url, headers=headers, content=request.body, extensions={"timeout": timeouts})


def _built(client: httpx.Client | httpx.AsyncClient, request: Request, limit: float) -> httpx.Request:
    headers = {**_DEFAULT_HEADERS, **request.headers}
    return client.build_request(request.method, request.url, content=request.body, headers=headers, timeout=limit)


def _plain(response: httpx.Response) -> dict[str, str]:
    """The headers as text, names in lower case; of a name that comes twice the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


def _tls(url: str) -> ssl.SSLContext:
    """The TLS context of a client. For plain http one that trusts nobody, as loading certificates takes 20 ms."""
    return httpx.create_ssl_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(url: str) -> httpcore.Proxy | None:
    found = proxy_for(url)
    if found is None:
        return None
    proxy = httpx.Proxy(found)
    return httpcore.Proxy(url=str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


def _library(client: object | None) -> ModuleType:
    """The library whose client this is: httpx, or one with the same names."""
    for kind in type(client).__mro__:
        module = sys.modules.get(kind.__module__.partition(".")[0])
        if module is not None and hasattr(module, "TransportError") and hasattr(module, "TimeoutException"):
            return module
    return httpx


def _ours(failure: Exception, library: ModuleType, request: Request, limit: float) -> Exception:
    """Our error for a failure of the library, with plain values only; what is not of the library stays as it is."""
    where = urlsplit(request.url).netloc.rpartition("@")[2]
    words = clean(f"{type(failure).__name__}: {failure}", [request.headers.get("authorization", "Bearer ")[7:]], 300)
    if isinstance(failure, library.TimeoutException | httpcore.TimeoutException | TimeoutError):
        return TimedOut(f"no answer from {where} within {limit:.3g} s")
    if isinstance(failure, ReplyTooLarge | BrokenReply):
        return UnexpectedReply(f"{where} sent {failure}")
    if _is_bad_certificate(failure):
        return ConnectionFailed(f"the certificate of {where} is not trusted ({words})", retryable=False)
    if isinstance(failure, library.UnsupportedProtocol | library.LocalProtocolError | library.InvalidURL):
        return ConnectionFailed(f"the request to {where} cannot be sent ({words})", retryable=False)
    if isinstance(failure, library.TransportError | httpcore.NetworkError | httpcore.ProtocolError):
        return ConnectionFailed(_connection_words(failure, library, where, words))
    return failure


def _connection_words(failure: Exception, library: ModuleType, where: str, words: str) -> str:
    if isinstance(failure, library.ConnectError):
        return f"cannot connect to {where} ({words}): check the scoring URI, the network and the proxy settings"
    if isinstance(failure, library.ProxyError):
        return f"the proxy on the way to {where} failed ({words}): check HTTPS_PROXY and NO_PROXY"
    return f"the connection to {where} broke before the answer was whole ({words})"


def _is_bad_certificate(failure: BaseException | None) -> bool:
    seen = 0
    while failure is not None and seen < 10:
        if isinstance(failure, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(failure):
            return True
        failure, seen = failure.__cause__ or failure.__context__, seen + 1
    return False

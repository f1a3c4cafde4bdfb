"""Sends requests over a session of aiohttp, at 0.4 of httpx's CPU; the only file that knows aiohttp's names."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from automl_cv_client._processes import forks
from automl_cv_client._protocol.http_headers import ALWAYS_SENT
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.answers import AnswerToAnother, Incoming
from automl_cv_client._transports.failures import Failure, foreign_client
from automl_cv_client._transports.socket_network import is_readable
from automl_cv_client.errors import InvalidInput

_Idle = Iterable[tuple[Any, float]]
_LARGE = 512 * 1024  # bytes; of raw bytes above 1 MB aiohttp warns, and a file it sends in pieces
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # asyncio.timeout bounds the whole; aiohttp rounds up to seconds


class AiohttpTransport:
    """Sends requests, awaited, over a session that stays the user's: its connector, proxies and TLS settings hold."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._closed = False
        self._made_after = forks()

    async def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError, UnexpectedReply or InvalidInput."""
        if self._closed or self._session.closed:
            raise InvalidInput("this client or its aiohttp session is closed: make a new one")
        if forks() != self._made_after:  # it belongs to the parent's event loop
            raise foreign_client("session of aiohttp")
        answer = await self._answer(request, limit)
        if isinstance(answer, Reply):
            return answer
        del request  # it holds the key, and a debugger or an error tracker shows what a frame holds
        raise answer

    async def close(self) -> None:
        """Send no more; the session is closed by its owner."""
        self._closed = True

    async def _answer(self, request: Request, limit: float) -> Reply | Exception:
        """An error is a value here, and is made outside the handler, as aiohttp's own holds the request."""
        failure: Exception
        try:
            async with asyncio.timeout(limit):
                return await self._reply(request)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        return _ours(failure, request, limit)

    async def _reply(self, request: Request) -> Reply:
        sent = self._session.request(
            request.method,
            request.url,
            data=request.body if len(request.body) < _LARGE else io.BytesIO(request.body),
            headers={**ALWAYS_SENT, **request.headers, **self._close_idle(request.url, _close_until_clean)},
            allow_redirects=False,  # a 307 would post the image to somebody else
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
            auto_decompress=False,  # Body does it, within bounds
        )
        async with sent as response:
            try:
                incoming = Incoming(request, response.status, response.raw_headers)
                async for piece in response.content.iter_any():
                    incoming.add(piece)
            except AnswerToAnother:  # its connection may be idle again, and is as wrong as its answer
                self._close_idle(request.url, _close_all)
                raise
            except BaseException:
                response.close()
                raise
            return incoming.whole()

    def _close_idle(self, url: str, close: Callable[[_Idle], None]) -> dict[str, str]:
        """Close some of the host's idle connections, and say what to send along.

        aiohttp does not look for bytes that nobody asked for: it would read them as the next answer. Where its list
        of idle connections cannot be seen, as in a connector of the user's own, no connection is used twice.
        """
        idle: Any = getattr(self._session.connector, "_conns", None)
        if not isinstance(idle, dict):
            return {"connection": "close"}
        host = urlsplit(url).hostname
        for key, connections in idle.items():
            if key.host == host:
                close(connections)
        return {}


def _close_until_clean(connections: _Idle) -> None:
    """aiohttp takes the first that is open."""
    for protocol, _ in connections:
        transport = protocol.transport
        if transport is None or transport.is_closing():
            continue
        if not protocol.should_close and not is_readable(transport.get_extra_info("socket")):
            return
        protocol.close()


def _close_all(connections: _Idle) -> None:
    for protocol, _ in connections:
        protocol.close()


def _ours(error: Exception, request: Request, limit: float) -> Exception:
    """Our error for a failure of aiohttp, with plain values only; what is not of aiohttp stays as it is."""
    failure = Failure(error, request, limit)
    if plain := failure.of_no_library():
        return plain
    match error:
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return failure.untrusted()
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return failure.unsendable()
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return failure.no_way_through_proxy("the session's proxy")
        case aiohttp.ClientConnectorError():
            return failure.no_connection("the scoring URI and the network")
        case aiohttp.ClientError():
            return failure.broken()
    return error

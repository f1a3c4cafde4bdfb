"""Sends requests over a session of aiohttp, at 0.4 of httpx's CPU; the only file that knows aiohttp's names."""

from __future__ import annotations

import asyncio
import io
import time

import aiohttp

from automl_cv_client._protocol.http_headers import ALWAYS_SENT
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.failures import Failure
from automl_cv_client._transports.limits import Body
from automl_cv_client.errors import InvalidInput

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None)  # asyncio.timeout bounds the whole; aiohttp rounds up to seconds


class AiohttpTransport:
    """Sends requests, awaited, over a session that stays the user's: its connector, proxies and TLS settings hold."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._closed = False

    async def send(self, request: Request, limit: float) -> Reply:
        """The reply, whole, within ``limit`` seconds. Raises TransportError or UnexpectedReply."""
        if self._closed or self._session.closed:
            raise InvalidInput("this client or its aiohttp session is closed: make a new one")
        failure: Exception
        try:
            async with asyncio.timeout(limit):
                return await self._reply(request)
        except Exception as error:  # noqa: BLE001 - mapped below, or raised again as it is
            failure = error
        raise _ours(failure, request, limit)  # out of the handler: aiohttp's error holds the request

    async def close(self) -> None:
        """Send no more; the session is closed by its owner."""
        self._closed = True

    async def _reply(self, request: Request) -> Reply:
        sent = self._session.request(
            request.method,
            request.url,
            data=io.BytesIO(request.body),  # of raw bytes above 1 MB aiohttp warns; a file it sends in pieces
            headers={**ALWAYS_SENT, **request.headers},
            allow_redirects=False,  # a 307 would post the image to somebody else
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
            auto_decompress=False,  # Body does it, within bounds
        )
        async with sent as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = Body(headers)
            async for piece in response.content.iter_any():
                body.add(piece)
            return Reply(response.status, headers, body.whole(), time.time())


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

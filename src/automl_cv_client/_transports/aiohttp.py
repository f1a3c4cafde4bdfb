"""Sends requests over a session of aiohttp, at 0.4 of httpx's CPU; the only file that knows aiohttp's names."""

from __future__ import annotations

import asyncio
import io
import time
from urllib.parse import urlsplit

import aiohttp

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.headers import secret_in
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.limits import Body, BrokenReply, ReplyTooLarge
from automl_cv_client.errors import ConnectionFailed, InvalidInput, TimedOut, UnexpectedReply

_HEADERS = {"accept-encoding": "identity", "user-agent": "automl-cv-client"}
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
            headers={**_HEADERS, **request.headers},
            allow_redirects=False,  # a 307 would post the picture to somebody else
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


def _ours(failure: Exception, request: Request, limit: float) -> Exception:
    """Our error for a failure of aiohttp, with plain values only; what is not of aiohttp stays as it is."""
    where = urlsplit(request.url).netloc.rpartition("@")[2]
    words = clean(f"{type(failure).__name__}: {failure}", [secret_in(request.headers.get("authorization"))], 300)
    match failure:
        case TimeoutError():
            return TimedOut(f"no answer from {where} within {limit:.3g} s")
        case ReplyTooLarge() | BrokenReply():
            return UnexpectedReply(f"{where} sent {failure}")
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return ConnectionFailed(
                f"the certificate of {where} is not trusted ({words}): set SSL_CERT_FILE to a file with the "
                "certificate of its authority, or of your network's proxy",
                retryable=False,
            )
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return ConnectionFailed(f"the request to {where} cannot be sent ({words})", retryable=False)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return ConnectionFailed(f"the proxy on the way to {where} failed ({words}): check the session's proxy")
        case aiohttp.ClientConnectorError():
            return ConnectionFailed(f"cannot connect to {where} ({words}): check the scoring URI and the network")
        case aiohttp.ClientError():
            return ConnectionFailed(f"the connection to {where} broke before the answer was whole ({words})")
    return failure

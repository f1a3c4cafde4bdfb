"""Reaches fake endpoints and recordings through httpx, in process: the only file of this room that knows it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator

from automl_cv_client._async_client import AsyncClient
from automl_cv_client._client import Client
from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, RetryPolicy
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client._transports.libraries import httpx
from automl_cv_client.testing import delivery
from automl_cv_client.testing.replies import Reply
from automl_cv_client.testing.sent import SentRequest

Verify = ssl.SSLContext | bool


class FakeTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport, blocking and awaited, that answers in process, and clients over it. Subclasses say what."""

    in_process = True  # no connection that a forked child would share

    @property
    def scoring_uri(self) -> str:
        """Where to score, for a client that is made elsewhere."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The key that is let in."""
        raise NotImplementedError

    def http_client(self) -> httpx.Client:
        """An ``httpx.Client`` that reaches this in process, for ``Client(…, http_client=…)``."""
        return httpx.Client(transport=self, trust_env=False)

    def async_http_client(self) -> httpx.AsyncClient:
        """An ``httpx.AsyncClient`` that reaches this in process, for ``AsyncClient(…, http_client=…)``."""
        return httpx.AsyncClient(transport=self, trust_env=False)

    def client(
        self,
        *,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        hooks: Hooks | None = None,
    ) -> Client:
        """A blocking client that reaches this in process. Arguments as for :class:`Client`.

        Args:
            deployment: send every call to this deployment.
            timeout: seconds one attempt may take.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked.
            strict: refuse replies of other server versions, and with unknown keys.
            hooks: functions to call at each request, answer, retry and dropped row.

        Returns:
            A client of its own: close it, or use it in ``with``.

        Raises:
            InvalidInput: an argument cannot be used; the message names it.
        """
        return Client(
            self.scoring_uri,
            self.key,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
            http_client=self.http_client(),
        )

    def async_client(
        self,
        *,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        hooks: Hooks | None = None,
    ) -> AsyncClient:
        """An awaited client that reaches this in process. Arguments as for :class:`AsyncClient`.

        Args:
            deployment: send every call to this deployment.
            timeout: seconds one attempt may take.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked.
            strict: refuse replies of other server versions, and with unknown keys.
            hooks: functions to call at each request, answer, retry and dropped row.

        Returns:
            A client of its own: close it, or use it in ``async with``.

        Raises:
            InvalidInput: an argument cannot be used; the message names it.
        """
        return AsyncClient(
            self.scoring_uri,
            self.key,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
            http_client=self.async_http_client(),
        )

    def answer(self, request: SentRequest) -> Reply:
        """The answer to a request."""
        raise NotImplementedError

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """For ``httpx.Client``: what the script says, with its delays and breaks."""
        reply = self.answer(_sent(request, request.read()))
        limit = _limit(request)
        try:
            delivery.begin(reply, limit)
        except delivery.BrokenOff:
            raise httpx.ReadError("the script lost the connection") from None
        _refuse_late(reply, limit)
        return httpx.Response(reply.status, headers=delivery.all_headers(reply), stream=_Stream(reply))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """For ``httpx.AsyncClient``: as :meth:`handle_request`, awaited."""
        reply = self.answer(_sent(request, await request.aread()))
        limit = _limit(request)
        try:
            await delivery.begin_async(reply, limit)
        except delivery.BrokenOff:
            raise httpx.ReadError("the script lost the connection") from None
        _refuse_late(reply, limit)
        return httpx.Response(reply.status, headers=delivery.all_headers(reply), stream=_Stream(reply))


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body on its way."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from delivery.pieces(self._reply)
        except delivery.BrokenOff:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body") from None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in delivery.pieces_async(self._reply):
                yield piece
        except delivery.BrokenOff:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body") from None


class RecordingTransport(httpx.HTTPTransport):
    """Sends for real, blocking, and shows each exchange to ``note``."""

    def __init__(self, note: Callable[[SentRequest, Reply], None], verify: Verify, proxy: str | None) -> None:
        super().__init__(verify=verify, proxy=proxy)
        self._note = note

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, note both."""
        response = super().handle_request(request)
        response.read()
        self._note(_sent(request, request.read()), _reply(response))
        return _whole(response)


class AsyncRecordingTransport(httpx.AsyncHTTPTransport):
    """As :class:`RecordingTransport`, awaited."""

    def __init__(self, note: Callable[[SentRequest, Reply], None], verify: Verify, proxy: str | None) -> None:
        super().__init__(verify=verify, proxy=proxy)
        self._note = note

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, note both."""
        response = await super().handle_async_request(request)
        await response.aread()
        self._note(_sent(request, await request.aread()), _reply(response))
        return _whole(response)


def _sent(request: httpx.Request, body: bytes) -> SentRequest:
    return SentRequest(request.method, request.url.path, dict(request.headers), body)


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, response.content, dict(response.headers))


def _whole(response: httpx.Response) -> httpx.Response:
    """The same answer, its content encoding undone, ready to be read again."""
    kept = [(n, v) for n, v in response.headers.multi_items() if n not in ("content-encoding", "content-length")]
    return httpx.Response(response.status_code, headers=kept, content=response.content)


def _limit(request: httpx.Request) -> float | None:
    limit = request.extensions.get("timeout", {}).get("read")
    return None if limit is None else float(limit)


def _refuse_late(reply: Reply, limit: float | None) -> None:
    if delivery.waits_too_long(reply, limit):
        raise httpx.ReadTimeout(f"no answer within {limit} s")

"""The transport for what a user gave as ``http_client``."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from inspect import iscoroutinefunction
from typing import Any, Protocol, TypeAlias

from automl_cv_client._transports.backends import AsyncTransport, Transport
from automl_cv_client.errors import InvalidInput


class HttpResponse(Protocol):
    """What an ``httpx.Response`` has."""

    status_code: int

    def close(self) -> None: ...


class HttpClient(Protocol):
    """What an ``httpx.Client`` has, and an ``httpx2.Client``."""

    def build_request(
        self, method: str, url: str, *, content: bytes, headers: dict[str, str], timeout: float
    ) -> Any: ...
    def send(self, request: Any, *, stream: bool, auth: None, follow_redirects: bool) -> HttpResponse: ...


class AwaitedHttpClient(Protocol):
    """What an ``httpx.AsyncClient`` has, and an ``httpx2.AsyncClient``."""

    def build_request(
        self, method: str, url: str, *, content: bytes, headers: dict[str, str], timeout: float
    ) -> Any: ...
    async def send(self, request: Any, *, stream: bool, auth: None, follow_redirects: bool) -> Any: ...


class AiohttpSession(Protocol):
    """What an ``aiohttp.ClientSession`` has."""

    @property
    def closed(self) -> bool: ...
    def request(self, method: str, url: str) -> AbstractAsyncContextManager[Any]: ...


HttpClientInput: TypeAlias = HttpClient
"""What ``Client`` takes as ``http_client``: a client of httpx or httpx2, or one with their interface."""

AsyncHttpClientInput: TypeAlias = AwaitedHttpClient | AiohttpSession
"""What ``AsyncClient`` takes as ``http_client``: an awaited client of httpx or httpx2, or a session of aiohttp."""


def blocking_transport(client: HttpClientInput | None) -> Transport:
    """Over httpx, or what has its interface. Raises InvalidInput for a client that is awaited."""
    from automl_cv_client._transports.httpx import HttpxTransport  # httpx takes 60 ms to import

    if _is_aiohttp(client) or _is_awaited(client):
        raise InvalidInput(f"http_client is an awaited {_name(client)}: give it to AsyncClient, or use an httpx.Client")
    _check(client)
    return HttpxTransport(client)


def awaited_transport(client: AsyncHttpClientInput | None) -> AsyncTransport:
    """Over httpx, what has its interface, or a session of aiohttp. Raises InvalidInput for a client that blocks."""
    if _is_aiohttp(client):
        from automl_cv_client._transports.aiohttp import AiohttpTransport

        session: Any = client
        return AiohttpTransport(session)
    from automl_cv_client._transports.awaited_httpx import AsyncHttpxTransport

    _check(client)
    if client is not None and not _is_awaited(client):
        raise InvalidInput(f"http_client is a blocking {_name(client)}: give it to Client, or use an httpx.AsyncClient")
    return AsyncHttpxTransport(client)


def _is_aiohttp(client: Any) -> bool:
    return any(kind.__module__.partition(".")[0] == "aiohttp" for kind in type(client).__mro__)


def _is_awaited(client: Any) -> bool:
    return iscoroutinefunction(getattr(client, "send", None))


def _check(client: Any) -> None:
    if client is not None and not (hasattr(client, "send") and hasattr(client, "build_request")):
        raise InvalidInput(f"http_client must be a client of httpx or httpx2, not {_name(client)}")


def _name(client: Any) -> str:
    return f"{type(client).__module__.partition('.')[0]}.{type(client).__name__}"

"""The transport for what a user gave as ``http_client``."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any

from automl_cv_client._transports.backends import AsyncTransport, Transport
from automl_cv_client.errors import InvalidInput


def blocking_transport(client: Any) -> Transport:
    """Over httpx, or what has its interface. Raises InvalidInput for a client that is awaited."""
    from automl_cv_client._transports.httpx import HttpxTransport  # httpx takes 60 ms to import

    if _is_aiohttp(client) or _is_awaited(client):
        raise InvalidInput(f"http_client is an awaited {_name(client)}: give it to AsyncClient, or use an httpx.Client")
    _check(client)
    return HttpxTransport(client)


def awaited_transport(client: Any) -> AsyncTransport:
    """Over httpx, what has its interface, or a session of aiohttp. Raises InvalidInput for a client that blocks."""
    if _is_aiohttp(client):
        from automl_cv_client._transports.aiohttp import AiohttpTransport

        return AiohttpTransport(client)
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
        raise InvalidInput(f"http_client must be a client of httpx, not {_name(client)}")


def _name(client: Any) -> str:
    return f"{type(client).__module__.partition('.')[0]}.{type(client).__name__}"

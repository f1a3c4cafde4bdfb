"""What both transports over httpx share: requests and connections in its terms, and its failures in ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from types import ModuleType
from typing import Any

from automl_cv_client._protocol.http_headers import ALWAYS_SENT
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.environment import proxy_for
from automl_cv_client._transports.failures import Failure
from automl_cv_client._transports.idle_pool import LONGEST_IDLE
from automl_cv_client._transports.libraries import httpcore, httpx
from automl_cv_client.errors import InvalidInput

_LAST_CHUNK = re.compile(rb"(\r\n)?0+\r\n\r\n.", re.DOTALL)  # and more


def refuse_closed(closed: bool) -> None:
    if closed:
        raise InvalidInput("this client is closed: make a new one")


@lru_cache(maxsize=64)
def _parsed(url: str) -> tuple[httpcore.URL, bytes]:
    """The URL, and the value of ``Host``; 30 µs, for a URL that is the same at every call."""
    parsed = httpx.URL(url)
    target = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
    return target, parsed.netloc


def request_of(request: Request, limit: float) -> httpcore.Request:
    """Raises UnicodeError for a host or header that cannot be sent."""
    url, host = _parsed(request.url)
    headers = [(b"Host", host)]
    for name, value in (*ALWAYS_SENT.items(), *request.headers.items()):
        headers.append((name.encode("ascii"), value.encode("ascii")))
    if request.method != "GET":
        headers.append((b"Content-Length", b"%d" % len(request.body)))
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limit)
    return httpcore.Request(
        request.method, url, headers=headers, content=request.body, extensions={"timeout": timeouts}
    )


def built_by(client: Any, request: Request, limit: float) -> Any:
    """The request as an injected client of httpx builds it."""
    headers = {**ALWAYS_SENT, **request.headers}
    return client.build_request(request.method, request.url, content=request.body, headers=headers, timeout=limit)


def pool_options(url: str, tls: Any) -> dict[str, Any]:
    """The arguments of a pool of httpcore which makes connections, through the proxy that the environment names."""
    proxy = proxy_for(url)
    if proxy is None:
        return {"ssl_context": tls, "keepalive_expiry": LONGEST_IDLE}
    given = httpx.Proxy(proxy.url)
    secure = tls if given.url.scheme == "https" else None
    through = httpcore.Proxy(url=str(given.url), auth=given.raw_auth, headers=given.headers.raw, ssl_context=secure)
    return {"ssl_context": tls, "keepalive_expiry": LONGEST_IDLE, "proxy": through}


def has_unread(holder: Any) -> bool:
    """Whether bytes came behind the end of the answer: they would be taken for the answer to the next request.

    httpcore looks at an idle connection's socket before it is used again. What h11 has read of it already, in the
    same piece as the end of the answer, it does not see.

    Args:
        holder: a connection of httpcore, or a response of httpx.
    """
    parser = _parser(holder)
    return parser is None or bool(parser.trailing_data[0])


def _parser(holder: Any) -> Any:
    for _ in range(10):
        parser = getattr(holder, "_h11_state", None)
        if parser is not None:
            return parser
        for name in ("_connection", "_stream", "_httpcore_stream", "stream"):
            if (inner := getattr(holder, name, None)) is not None:
                holder = inner
                break
        else:
            return None
    return None


class Tail:
    """What is behind the end of an answer over an injected client.

    Its connection goes back to a pool of its own when the answer was read to its end, and may have a next request
    at once: so the look must come before that, and a connection with more in it has its socket closed. The pool
    notices and drops it. Of a pool that is not made of httpcore nothing is seen.

    Args:
        response: of httpx, before it is read.
    """

    def __init__(self, response: Any) -> None:
        self.stream = response.extensions.get("network_stream")
        self._parser = _parser(response)
        self._has_length = "content-length" in response.headers

    def is_behind_the_last_piece(self) -> bool:
        """Asked after each piece of the body."""
        if self._parser is None or self.stream is None:
            return False
        tail = self._parser.trailing_data[0]
        return bool(tail) if self._has_length else _LAST_CHUNK.match(tail) is not None

    def is_behind_the_end(self) -> bool:
        """Asked when the body is over."""
        if self._parser is None or self.stream is None:
            return False
        undecrypted = getattr(getattr(self.stream, "_stream", None), "_read_bio", None)  # anyio's, behind TLS
        return bool(self._parser.trailing_data[0]) or bool(undecrypted is not None and undecrypted.pending)


def has_connections(client: Any) -> bool:
    """Whether an injected client has connections, or may have: one with a transport that is not httpx's own."""
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    return any(_has_connections(transport) for transport in transports if transport is not None)


def _has_connections(transport: Any) -> bool:
    pool = getattr(transport, "_pool", None)
    if pool is None:  # a mock or an application in this process has none; of others nobody knows
        return not any(hasattr(transport, name) for name in ("handler", "app", "in_process"))
    return bool(getattr(pool, "connections", True)) or bool(getattr(pool, "_requests", True))


def library_of(client: object | None) -> ModuleType:
    """The library whose client this is: httpx, or one with the same names."""
    for kind in type(client).__mro__:
        module = sys.modules.get(kind.__module__.partition(".")[0])
        if module is not None and hasattr(module, "TransportError") and hasattr(module, "TimeoutException"):
            return module
    return httpx


def our_error(error: Exception, client: Any, request: Request, limit: float) -> Exception:
    """Our error for a failure of the library, with plain values only; what is not of the library stays as it is."""
    proxy = None
    if client is None:
        try:
            proxy = proxy_for(request.url)
        except InvalidInput as unusable:
            return unusable.with_traceback(None)
    failure = Failure(error, request, limit, proxy)
    if plain := failure.of_no_library():
        return plain
    libraries = (httpcore, library_of(client))
    if isinstance(error, _kinds(libraries, "TimeoutException")):
        return failure.too_slow()
    if isinstance(error, _kinds(libraries, "UnsupportedProtocol", "LocalProtocolError", "InvalidURL")):
        return failure.unsendable()
    if isinstance(error, _kinds(libraries, "ConnectError")):
        return failure.no_connection("the scoring URI, the network and the proxy settings")
    if isinstance(error, _kinds(libraries, "ProxyError")):
        return failure.no_way_through_proxy("HTTPS_PROXY and NO_PROXY" if proxy is None else proxy.variable)
    if isinstance(error, _kinds(libraries, "TransportError", "NetworkError", "ProtocolError")):
        return failure.broken()
    return error


def _kinds(libraries: Iterable[ModuleType], *names: str) -> tuple[type[Exception], ...]:
    return tuple(getattr(library, name) for library in libraries for name in names if hasattr(library, name))

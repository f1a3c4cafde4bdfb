"""What both transports over httpx share: requests in its terms, and its failures in ours."""

from __future__ import annotations

import ssl
import sys
from functools import lru_cache
from types import ModuleType
from typing import Any

import httpcore
import httpx

from automl_cv_client._protocol.http_headers import ALWAYS_SENT
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.failures import Failure
from automl_cv_client._transports.idle import LONGEST_IDLE
from automl_cv_client._transports.proxies import proxy_for
from automl_cv_client.errors import InvalidInput


def refuse_closed(closed: bool) -> None:
    if closed:
        raise InvalidInput("this client is closed: make a new one")


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)  # 30 µs, for a URL that is the same at every call


def plain_request(request: Request, limit: float) -> httpx.Request:
    headers = {**ALWAYS_SENT, **request.headers}
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limit)
    url = _parsed(request.url)
    return httpx.Request(request.method, url, headers=headers, content=request.body, extensions={"timeout": timeouts})


def built_by(client: httpx.Client | httpx.AsyncClient, request: Request, limit: float) -> httpx.Request:
    headers = {**ALWAYS_SENT, **request.headers}
    return client.build_request(request.method, request.url, content=request.body, headers=headers, timeout=limit)


def headers_of(response: httpx.Response) -> dict[str, str]:
    """The headers as text, names in lower case; of a name that comes twice the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


def tls_for(url: str) -> ssl.SSLContext:
    """The TLS context of a client. For plain http one that trusts nobody, as loading certificates takes 20 ms."""
    return httpx.create_ssl_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def of_one_connection(url: str, tls: ssl.SSLContext) -> dict[str, Any]:
    """The arguments of a pool of httpcore that keeps one connection, through the proxy that the environment names."""
    connections = {"max_connections": 1, "max_keepalive_connections": 1, "keepalive_expiry": LONGEST_IDLE}
    return {"ssl_context": tls, "proxy": _proxy_of(url), **connections}


def _proxy_of(url: str) -> httpcore.Proxy | None:
    found = proxy_for(url)
    if found is None:
        return None
    proxy = httpx.Proxy(found)
    return httpcore.Proxy(url=str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


def library_of(client: object | None) -> ModuleType:
    """The library whose client this is: httpx, or one with the same names."""
    for kind in type(client).__mro__:
        module = sys.modules.get(kind.__module__.partition(".")[0])
        if module is not None and hasattr(module, "TransportError") and hasattr(module, "TimeoutException"):
            return module
    return httpx


def our_error(error: Exception, library: ModuleType, request: Request, limit: float) -> Exception:
    """Our error for a failure of the library, with plain values only; what is not of the library stays as it is."""
    failure = Failure(error, request, limit)
    if plain := failure.of_no_library():
        return plain
    if isinstance(error, library.TimeoutException | httpcore.TimeoutException):
        return failure.too_slow()
    if _is_bad_certificate(error):
        return failure.untrusted()
    if isinstance(error, library.UnsupportedProtocol | library.LocalProtocolError | library.InvalidURL):
        return failure.unsendable()
    if isinstance(error, library.ConnectError):
        return failure.no_connection("the scoring URI, the network and the proxy settings")
    if isinstance(error, library.ProxyError):
        return failure.no_way_through_proxy("HTTPS_PROXY and NO_PROXY")
    if isinstance(error, library.TransportError | httpcore.NetworkError | httpcore.ProtocolError):
        return failure.broken()
    return error


def _is_bad_certificate(failure: BaseException | None) -> bool:
    seen = 0
    while failure is not None and seen < 10:
        if isinstance(failure, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(failure):
            return True
        failure, seen = failure.__cause__ or failure.__context__, seen + 1
    return False

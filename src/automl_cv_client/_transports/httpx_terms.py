"""What both transports over httpx share: requests in its terms, and its failures in ours."""

from __future__ import annotations

import ssl
import sys
from functools import lru_cache
from types import ModuleType
from urllib.parse import urlsplit

import httpcore
import httpx

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.headers import secret_in
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.limits import BrokenReply, ReplyTooLarge
from automl_cv_client._transports.proxies import proxy_for
from automl_cv_client.errors import ConnectionFailed, InvalidInput, TimedOut, UnexpectedReply

IDLE = 60.0  # seconds an idle connection is kept
_DEFAULT_HEADERS = {"accept-encoding": "identity", "user-agent": "automl-cv-client"}


def refuse_closed(closed: bool) -> None:
    if closed:
        raise InvalidInput("this client is closed: make a new one")


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)  # 30 µs, for a URL that is the same at every call


def plain_request(request: Request, limit: float) -> httpx.Request:
    headers = {**_DEFAULT_HEADERS, **request.headers}
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), limit)
    url = _parsed(request.url)
    return httpx.Request(request.method, url, headers=headers, content=request.body, extensions={"timeout": timeouts})


def built_by(client: httpx.Client | httpx.AsyncClient, request: Request, limit: float) -> httpx.Request:
    headers = {**_DEFAULT_HEADERS, **request.headers}
    return client.build_request(request.method, request.url, content=request.body, headers=headers, timeout=limit)


def headers_of(response: httpx.Response) -> dict[str, str]:
    """The headers as text, names in lower case; of a name that comes twice the last counts."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}


def tls_for(url: str) -> ssl.SSLContext:
    """The TLS context of a client. For plain http one that trusts nobody, as loading certificates takes 20 ms."""
    return httpx.create_ssl_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_of(url: str) -> httpcore.Proxy | None:
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


def our_error(failure: Exception, library: ModuleType, request: Request, limit: float) -> Exception:
    """Our error for a failure of the library, with plain values only; what is not of the library stays as it is."""
    where = urlsplit(request.url).netloc.rpartition("@")[2]
    words = clean(f"{type(failure).__name__}: {failure}", [secret_in(request.headers.get("authorization"))], 300)
    if isinstance(failure, library.TimeoutException | httpcore.TimeoutException | TimeoutError):
        return TimedOut(f"no answer from {where} within {limit:.3g} s")
    if isinstance(failure, ReplyTooLarge | BrokenReply):
        return UnexpectedReply(f"{where} sent {failure}")
    if _is_bad_certificate(failure):
        return ConnectionFailed(
            f"the certificate of {where} is not trusted ({words}): set SSL_CERT_FILE to a file with the "
            "certificate of its authority, or of your network's proxy",
            retryable=False,
        )
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

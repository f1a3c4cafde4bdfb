"""Says in our errors why no answer came, in the same words whichever library sent the request.

The errors hold plain values only: a library's own error holds the request, with its key and image.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.http_headers import secret_in
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.answers import AnswerToAnother, BrokenReply, ReplyTooLarge
from automl_cv_client._transports.environment import Proxy
from automl_cv_client.errors import ConnectionFailed, InvalidInput, TimedOut, TransportError, UnexpectedReply

_NO_SUCH_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}


class Failure:
    """A failed request, ready to be told; the file of a library decides which sentence is true.

    Args:
        error: what the library raised.
        request: what was to be sent.
        limit: seconds it had.
        proxy: what is known to stand between.
    """

    def __init__(self, error: Exception, request: Request, limit: float, proxy: Proxy | None = None) -> None:
        self._where = urlsplit(request.url).netloc.rpartition("@")[2]
        self._error = error
        self._limit = limit
        self._proxy = proxy
        reason = f"{type(error).__name__}: {error}"
        for secret in () if proxy is None else proxy.secrets:  # however short
            reason = reason.replace(secret, "<hidden>")
        self._reason = clean(reason, [secret_in(request.headers.get("authorization"))], 300)
        self._way = "" if proxy is None else f", by way of {proxy},"

    def of_no_library(self) -> TransportError | UnexpectedReply | None:
        """Our error where the failure is Python's own or one of this room."""
        if isinstance(self._error, TimeoutError):
            return self.too_slow()
        if isinstance(self._error, ReplyTooLarge | BrokenReply):
            return UnexpectedReply(f"{self._where} sent {self._error}")
        if isinstance(self._error, AnswerToAnother):
            return ConnectionFailed(f"{self._where} sent the answer to another request: the connection was dropped")
        if isinstance(self._error, UnicodeError):  # a host that can have no address
            return self.unsendable()
        if any(_is_bad_certificate(error) for error in _chain(self._error)):
            return self.untrusted()
        return None

    def too_slow(self) -> TimedOut:
        return TimedOut(f"no answer from {self._where}{self._way} within {self._limit:.3g} s")

    def untrusted(self) -> ConnectionFailed:
        return ConnectionFailed(
            f"the certificate of {self._where} is not trusted ({self._reason}): set SSL_CERT_FILE to a file with the "
            "certificate of its authority, or of your network's proxy",
            retryable=False,
        )

    def unsendable(self) -> ConnectionFailed:
        return ConnectionFailed(f"the request to {self._where} cannot be sent ({self._reason})", retryable=False)

    def no_connection(self, check: str) -> ConnectionFailed:
        """Nothing answers at the address; or the host has none, which is no passing trouble."""
        nameless = any(
            isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME for error in _chain(self._error)
        )
        if self._proxy is not None and not any(isinstance(error, ssl.SSLError) for error in _chain(self._error)):
            exempt = f", or name {urlsplit('//' + self._where).hostname} in NO_PROXY where no proxy is needed"
            told = f"{self._proxy} does not answer ({self._reason}): correct or unset {self._proxy.variable}{exempt}"
        elif nameless:
            told = (
                f"the name {self._where} has no address ({self._reason}): check the scoring URI for typing errors, and "
                "inside a private network, that its DNS zone knows the endpoint"
            )
        else:
            told = f"cannot connect to {self._where} ({self._reason}): check {check}"
        return ConnectionFailed(told, retryable=not nameless)

    def no_way_through_proxy(self, check: str) -> ConnectionFailed:
        proxy = "the proxy" if self._proxy is None else str(self._proxy)
        return ConnectionFailed(f"{proxy} on the way to {self._where} failed ({self._reason}): check {check}")

    def broken(self) -> ConnectionFailed:
        return ConnectionFailed(
            f"the connection to {self._where}{self._way} broke before the answer was whole ({self._reason})"
        )


def foreign_client(name: str) -> InvalidInput:
    """For a client of the user's own whose connections belong to another process."""
    return InvalidInput(
        f"http_client, a {name}, was used before this process was forked, and two processes cannot share its "
        "connections: make it, and the client that uses it, in each process"
    )


def _is_bad_certificate(error: BaseException) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__

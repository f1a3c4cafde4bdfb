"""Says in our errors why no answer came, in the same words whichever library sent the request.

The errors hold plain values only: a library's own error holds the request, with its key and image.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.http_headers import secret_in
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.limits import BrokenReply, ReplyTooLarge
from automl_cv_client.errors import ConnectionFailed, TimedOut, TransportError, UnexpectedReply


class Failure:
    """A failed request, ready to be told; the file of a library decides which sentence is true."""

    def __init__(self, error: Exception, request: Request, limit: float) -> None:
        self._where = urlsplit(request.url).netloc.rpartition("@")[2]
        self._words = clean(f"{type(error).__name__}: {error}", [secret_in(request.headers.get("authorization"))], 300)
        self._error = error
        self._limit = limit

    def of_no_library(self) -> TransportError | UnexpectedReply | None:
        """Our error where the failure is Python's own or one of ``limits``."""
        if isinstance(self._error, TimeoutError):
            return self.too_slow()
        if isinstance(self._error, ReplyTooLarge | BrokenReply):
            return UnexpectedReply(f"{self._where} sent {self._error}")
        if isinstance(self._error, UnicodeError):  # a host that can have no address
            return self.unsendable()
        return None

    def too_slow(self) -> TimedOut:
        return TimedOut(f"no answer from {self._where} within {self._limit:.3g} s")

    def untrusted(self) -> ConnectionFailed:
        return ConnectionFailed(
            f"the certificate of {self._where} is not trusted ({self._words}): set SSL_CERT_FILE to a file with the "
            "certificate of its authority, or of your network's proxy",
            retryable=False,
        )

    def unsendable(self) -> ConnectionFailed:
        return ConnectionFailed(f"the request to {self._where} cannot be sent ({self._words})", retryable=False)

    def no_connection(self, check: str) -> ConnectionFailed:
        return ConnectionFailed(f"cannot connect to {self._where} ({self._words}): check {check}")

    def no_way_through_proxy(self, check: str) -> ConnectionFailed:
        return ConnectionFailed(f"the proxy on the way to {self._where} failed ({self._words}): check {check}")

    def broken(self) -> ConnectionFailed:
        return ConnectionFailed(f"the connection to {self._where} broke before the answer was whole ({self._words})")

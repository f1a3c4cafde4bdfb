"""What goes over the wire, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        url: where to.
        body: the bytes to send; empty for GET.
        headers: names in lower case.
        method: ``POST`` or ``GET``.
    """

    url: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"

    def with_headers(self, headers: Mapping[str, str]) -> Request:
        """The same request with more headers."""
        return Request(self.url, self.body, {**self.headers, **headers}, self.method)


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer, whole.

    Attributes:
        status: the HTTP status.
        headers: names in lower case.
        body: the bytes, content encoding undone.
        received_at: seconds since the epoch, to read dates in the headers against.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    received_at: float = 0.0

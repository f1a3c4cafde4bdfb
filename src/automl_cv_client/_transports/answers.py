"""Reads an answer as it comes in, whichever library carries it: within bounds, to this request, without the secret.

The bounds: bytes once its compression is undone, and the ratio of the two.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from automl_cv_client._protocol.excerpts import SHORTEST_SECRET
from automl_cv_client._protocol.http_headers import CLIENT_REQUEST_ID, secret_in
from automl_cv_client._protocol.messages import Reply, Request

LONGEST_REPLY = 512 * 1024 * 1024  # bytes; explanations of many classes reach some 100 MB
_UNPACKED = ((1, math.inf), (32, 100), (LONGEST_REPLY // 2**20, 20))
"""How many MiB a compressed reply may unpack to, and at which ratio at most. Figures shrink 1.3 times, numbers 2 to 3
times; 25 MB of attributions in equal regions, as XRAI gives them, some 80 times; a bomb 1,000 times."""
_PIECE = 256 * 1024


class ReplyTooLarge(Exception):
    """The reply is larger than any reply of the service, or a decompression bomb."""


class BrokenReply(Exception):
    """The reply's compression is broken or of an unknown kind."""


class Body:
    """Collects a reply's pieces, undoing gzip or deflate within bounds.

    We ask for no compression, so a compressed reply is rare; a hostile one of 0.5 MB can hold 500 MB.
    """

    def __init__(self, headers: Mapping[str, str], longest: int = LONGEST_REPLY) -> None:
        self._first = b""
        self._pieces: BytesIO | None = None  # from the second one on; gives out what it holds without a copy
        self._received = 0
        self._size = 0
        self._longest = longest
        self._inflate = _inflater(headers.get("content-encoding", "identity").strip().lower())

    def add(self, piece: bytes) -> None:
        """Take a piece as it came over the wire."""
        self._received += len(piece)
        if self._inflate is None:
            self._keep(piece)
            return
        try:
            while piece:
                self._keep(self._inflate.decompress(piece, _PIECE))
                piece = self._inflate.unconsumed_tail
        except zlib.error as error:
            reason = str(error)
        else:
            return
        raise BrokenReply(f"a compressed body that cannot be read ({reason})")

    def whole(self) -> bytes:
        """The body."""
        if self._inflate is not None and self._received and not self._inflate.eof:
            raise BrokenReply("a compressed body that ends early")
        return self._first if self._pieces is None else self._pieces.getvalue()

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._longest or (self._inflate is not None and self._is_bomb()):
            raise ReplyTooLarge(f"a reply of more than {self._size // 1_000_000} MB from {self._received} bytes")
        if self._pieces is not None:
            self._pieces.write(data)
        elif not self._first:
            self._first = data
        else:
            self._pieces = BytesIO()
            self._pieces.write(self._first)
            self._pieces.write(data)

    def _is_bomb(self) -> bool:
        allowed = next(ratio for mebibytes, ratio in _UNPACKED if self._size <= mebibytes * 2**20)
        return self._size > self._received * allowed


def _inflater(encoding: str) -> Any:
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: recognise gzip and zlib by their headers
    raise BrokenReply(f"a body with the unknown content encoding {encoding[:40]!r}")


_LONGEST_ECHO = 40  # characters; the service cuts our id to as many


class AnswerToAnother(Exception):
    """The answer names a request that is not the one it was read for."""


class Incoming:
    """An answer on its way in.

    Args:
        request: what it is to answer.
        status: its HTTP status.
        headers: names and values as they came; of a name that comes twice the last counts.
        live: whether it comes from a server, and not from a recording, whose answers may name other requests.

    Raises:
        AnswerToAnother: it is one to another request. Nothing else in HTTP/1.1 tells an answer that comes late, or
            twice, from the one that is waited for; the service gives our id back.
    """

    def __init__(
        self, request: Request, status: int, headers: Iterable[tuple[bytes, bytes]], *, live: bool = True
    ) -> None:
        secret = secret_in(request.headers.get("authorization")).encode()
        self.headers = {
            name.decode("latin-1").lower(): without(value, secret).decode("latin-1") for name, value in headers
        }
        self.status = status
        sent, echoed = request.headers.get(CLIENT_REQUEST_ID), self.headers.get(CLIENT_REQUEST_ID)
        if live and sent and echoed and echoed != sent[:_LONGEST_ECHO]:
            raise AnswerToAnother
        self._body = Body(self.headers)
        self.add = self._body.add

    def whole(self) -> Reply:
        """The answer, when all has come."""
        return Reply(self.status, self.headers, self._body.whole(), time.time())


def without(value: bytes, secret: bytes) -> bytes:
    """A header's value, where a server or a proxy gives our key back in it, without the key."""
    return value.replace(secret, b"<secret>") if len(secret) >= SHORTEST_SECRET and secret in value else value

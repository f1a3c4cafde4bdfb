"""Reads an answer as it comes in, whichever library carries it: within bounds, to this request, without the secret."""

from __future__ import annotations

import time
from collections.abc import Iterable

from automl_cv_client._protocol.excerpts import SHORTEST_SECRET
from automl_cv_client._protocol.http_headers import CLIENT_REQUEST_ID, secret_in
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.limits import Body

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

"""What both kinds of gates need: when a group of pictures gives up its turn, and what goes ahead of it."""

from __future__ import annotations

from dataclasses import replace

from automl_cv_client._protocol.headers import CLIENT_REQUEST_ID, new_client_request_id
from automl_cv_client._protocol.messages import Request
from automl_cv_client.errors import TimedOut

FOREVER = 3600.0  # seconds
AWAY = "the endpoint was away, and did not come back in time"
_NO_TURN = "no turn to send in time: the endpoint answers too slowly for the deadline"


class Stopped(Exception):
    """The run is over: this group is not scored any more. Never seen by users."""


class Conversations:
    """Tells a request that is sent again from a new one of the same group."""

    def __init__(self) -> None:
        self._latest: str | None = None

    def goes_on(self, request: Request) -> bool:
        """Whether the request before this one had the same id."""
        before, self._latest = self._latest, request.headers.get(CLIENT_REQUEST_ID)
        return before is not None and before == self._latest


def harmless(request: Request, body: bytes) -> Request:
    """To the same place with the same credential."""
    return replace(request.with_headers({CLIENT_REQUEST_ID: new_client_request_id()}), body=body)


def give_up(stopped: bool, left: float, why: str = _NO_TURN) -> None:
    """Raise Stopped when the run is over, and TimedOut when no seconds are left."""
    if stopped:
        raise Stopped
    if left <= 0:
        raise TimedOut(why)

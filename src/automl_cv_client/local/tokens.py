"""Tokens an endpoint on this machine gives out and takes, as Entra ID and the workspace do: for one use, for a time."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

SCORING = "https://ml.azure.com"
"""What an Entra token for scoring is for."""
WORKSPACE = "workspace"
"""What a token of the mode ``aml_token`` is for: the endpoint that gave it out."""


class Token(NamedTuple):
    """A token given out; times in whole seconds since the epoch."""

    token: str
    expires_on: int
    refresh_after: int


class Tokens:
    """Gives tokens out and knows them again. Thread-safe.

    Args:
        seconds: how long each is good.
        clock: seconds since the epoch.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, float]] = {}

    def issue(self, audience: str) -> Token:
        """A new token for an audience: an address, or ``WORKSPACE``."""
        now = self._clock()
        token = Token(secrets.token_urlsafe(32), int(now + self._seconds), int(now + self._seconds * 0.8))
        with self._lock:
            self._known[token.token] = (_plain(audience), now + self._seconds)
        return token

    def audience_of(self, token: str) -> str | None:
        """What a token is for; None for one that is unknown or has expired."""
        with self._lock:
            audience, end = self._known.get(token, ("", 0.0))
        return audience if self._clock() < end else None

    def is_for(self, token: str, audience: str) -> bool:
        """Whether the token is good for the audience."""
        return self.audience_of(token) == _plain(audience)


def _plain(audience: str) -> str:
    """Scopes and resources name the same thing: ``https://x/.default``, ``https://x/`` and ``https://x``."""
    return audience.removesuffix("/.default").rstrip("/")

"""Keeps connections that wait for their next request."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

LONGEST_IDLE = 60.0
"""Seconds an idle connection is kept."""

MOST_CONNECTIONS = 256
"""Connections of one client at once: many more than a deployment takes, and far from the 1,024 files a process may
open on most systems."""


class IdlePool(Generic[T]):
    """The connection used last is taken first, so that those that are too many grow old and leave. Thread-safe.

    Args:
        longest: seconds a connection may be idle.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._idle: deque[tuple[float, T]] = deque()  # its own operations are atomic: no lock

    def __len__(self) -> int:
        return len(self._idle)

    def take(self) -> T | None:
        """The connection used last, or None."""
        try:
            return self._idle.pop()[1]
        except IndexError:
            return None

    def put(self, connection: T) -> list[T]:
        """Keep a connection; those idle for too long are handed out, to be closed."""
        now = time.monotonic()
        self._idle.append((now, connection))
        old: list[T] = []
        while self._oldest() < now - self._longest:
            try:
                old.append(self._idle.popleft()[1])
            except IndexError:
                break
        return old

    def clear(self) -> Iterator[T]:
        """Take all out."""
        while (connection := self.take()) is not None:
            yield connection

    def _oldest(self) -> float:
        try:
            return self._idle[0][0]
        except IndexError:
            return float("inf")

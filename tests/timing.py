"""A bound on seconds that a real fault breaks each time, and a busy machine not three times in a row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIES = 3


class Stopwatch:
    """Seconds that a block took."""

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.seconds = time.monotonic() - started


def is_within(seconds: float, try_it: Callable[[Stopwatch], None]) -> None:
    """Fail when what ``try_it`` times with its stopwatch takes longer each time."""
    taken = []
    for _ in range(TRIES):
        watch = Stopwatch()
        try_it(watch)
        assert watch.seconds > 0, "nothing was timed"
        if watch.seconds < seconds:
            return
        taken.append(watch.seconds)
    raise AssertionError(f"took {taken} s, never less than {seconds} s")

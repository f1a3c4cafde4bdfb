"""Bounds on seconds: a tight one that a busy machine may miss twice, and one that no try may miss."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIES = 3


class Stopwatch:
    """Seconds that a block took. The garbage of a process full of tests is not collected meanwhile."""

    seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        gc.disable()
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds = time.monotonic() - started
            gc.enable()


def is_within(seconds: float, try_it: Callable[[Stopwatch], None], *, at_most: float) -> None:
    """Fail when what ``try_it`` times takes ``at_most`` seconds or more once, or never less than ``seconds``."""
    taken = []
    for _ in range(TRIES):
        watch = Stopwatch()
        try_it(watch)
        assert 0 < watch.seconds < at_most
        if watch.seconds < seconds:
            return
        taken.append(watch.seconds)
    raise AssertionError(f"took {taken} s, never less than {seconds} s")

"""Ctrl-C once: stop reading and let what is in flight come to its end. Twice: stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """How often the user pressed Ctrl-C."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def interrupts(first: Callable[[], Any], second: Callable[[], Any]) -> Iterator[Interrupts]:
    """Call ``first`` at the first SIGINT within the block and ``second`` at every later one.

    Only the main thread receives signals; elsewhere nothing is changed. Nor is it where SIGINT is ignored, as in what a
    script starts in the background: the Ctrl-C is meant for others.
    """
    seen = Interrupts()
    here = threading.current_thread() is threading.main_thread()
    if not here or signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        yield seen
        return

    def handle(number: int, frame: FrameType | None) -> None:
        seen.count += 1
        (first if seen.count == 1 else second)()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)

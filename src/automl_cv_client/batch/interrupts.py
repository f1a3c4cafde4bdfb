"""Ctrl-C once, SIGTERM or SIGHUP: stop reading and let what is in flight come to its end. Twice: stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDINGS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupts:
    """How often the run was asked to end."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def interrupts(first: Callable[[], Any], second: Callable[[], Any]) -> Iterator[Interrupts]:
    """Call ``first`` at the first SIGINT, SIGTERM or SIGHUP within the block and ``second`` at every later one.

    After the block SIGTERM and SIGHUP end the process, as they would have without it. Only the main thread receives
    signals; elsewhere nothing is changed. Nor is it for SIGINT where that is ignored, as in what a script starts in the
    background: the Ctrl-C is meant for others; nor for the other two where the program does anything of its own.
    """
    seen = Interrupts()
    last = 0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal last
        last = number
        seen.count += 1
        (first if seen.count == 1 else second)()

    before = {number: signal.signal(number, handle) for number in _heard()}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if last in _ENDINGS:
            signal.raise_signal(last)


def _heard() -> list[int]:
    if threading.current_thread() is not threading.main_thread():
        return []
    interrupt = [signal.SIGINT] if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, None) else []
    return interrupt + [ending for ending in _ENDINGS if signal.getsignal(ending) is signal.SIG_DFL]

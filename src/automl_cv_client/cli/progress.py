"""A bar for work of this machine, on a terminal, once it has lasted two seconds."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_SOON = 2.0  # seconds, in which nobody wonders


class Bar:
    """What is done so far."""

    def share(self, done: float) -> None:
        """So much of all, 0 to 1."""

    def count(self, rows: int) -> None:
        """So many rows, of nobody knows how many."""

    def counted(self, rows: Iterable[T]) -> Iterator[T]:
        """The same rows, counted as they go by."""
        for number, row in enumerate(rows, 1):
            self.count(number)
            yield row


@contextmanager
def bar_for(what: str, *, after: float = _SOON) -> Iterator[Bar]:
    """A bar that says what is going on; none where standard error is no terminal.

    Args:
        what: such as ``measuring``.
        after: seconds until it shows.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    drawn = Progress(*columns, console=Console(stderr=True), transient=True)
    task = drawn.add_task(what, total=None, told="")

    class Drawn(Bar):
        def share(self, done: float) -> None:
            drawn.update(task, total=1.0, completed=done, told=f"{done:.0%}")

        def count(self, rows: int) -> None:
            if rows % 100 == 0:
                drawn.update(task, told=f"{rows:,} rows")

    starting = threading.Timer(after, drawn.start)
    starting.daemon = True
    starting.start()
    try:
        yield Drawn()
    finally:
        starting.cancel()
        starting.join()  # it may be starting right now
        drawn.stop()

"""What belongs to one process alone: connections, locks, threads. A forked child begins with its own.

A child made by ``fork()`` (gunicorn --preload, celery's prefork pool, multiprocessing) has a copy of all memory, but
of all threads only the one that forked: a lock that another thread held stays locked for ever, nobody will set the
event that a renewal promised, and a connection has the parent at its other end of the kernel's queue, so that one
process reads the answer to the other's request. Whoever holds such a thing makes it in a method, and hands that
method to :func:`in_each_process`.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

_beginnings: dict[int, tuple[weakref.ref[Any], Callable[[Any], None]]] = {}
_of_the_parent: list[object] = []
_forks = 0


def in_each_process(begin: Callable[[], None]) -> None:
    """Call this method now, and again in every forked child before anything else runs there.

    Args:
        begin: a bound method; its object is not kept alive. In the child only this thread is left.

    >>> class Counter:
    ...     def __init__(self) -> None:
    ...         in_each_process(self.begin)
    ...     def begin(self) -> None:
    ...         self.count = 0
    >>> Counter().count
    0
    """
    owner, function = begin.__self__, begin.__func__  # type: ignore[attr-defined]
    number, forget = id(owner), _beginnings.pop  # bound here: at the interpreter's end a module has no names any more
    _beginnings[number] = weakref.ref(owner, lambda _: forget(number, None)), function
    begin()


class ProcessLock:
    """A lock for all of a process, as one of a module: open in a forked child, whoever held it in the parent."""

    def __init__(self) -> None:
        in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self.acquire, self.release = self._lock.acquire, self._lock.release

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def leave_to_parent(*things: object) -> None:
    """In a child: never finalize these, as that would reach what the parent still uses, such as its event loop."""
    _of_the_parent.extend(things)


def forks() -> int:
    """How often a fork lies between the first process and this one: who remembers it knows its own process again."""
    return _forks


def _after_fork() -> None:
    global _forks
    _forks += 1
    for reference, begin in list(_beginnings.values()):
        owner = reference()
        if owner is not None:
            begin(owner)


if hasattr(os, "register_at_fork"):  # Windows cannot fork
    os.register_at_fork(after_in_child=_after_fork)

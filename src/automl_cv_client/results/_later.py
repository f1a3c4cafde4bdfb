"""Values that are made when somebody first asks for them."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Generic, TypeVar

T = TypeVar("T")

_MAKING = RLock()


class Later(Generic[T]):
    """Calls ``make`` once, at the first call, whoever and however many ask at the same time.

    So ``make`` may use up what it works on, which halves what it costs to turn a reply's objects into records. One
    lock for all: it is held for microseconds, and results with locks of their own could not be copied.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make

    def __call__(self) -> T:
        with _MAKING:
            if self._make is not None:
                self._made = self._make()
                self._make = None
        return self._made

"""Makes the pauses between retries instant, so that tests of failures do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from automl_cv_client._flow import run


@contextmanager
def no_waiting() -> Iterator[list[float]]:
    """While open, no client of this process waits between attempts, nor does a fake endpoint that is slow.

    Yields the list of pauses, in seconds, that would have been made.

    >>> with no_waiting() as pauses:
    ...     pass
    >>> pauses
    []
    """
    pauses: list[float] = []
    before = run.pause, run.pause_async

    def skip(seconds: float, over: object = None) -> None:
        pauses.append(seconds)

    async def skip_async(seconds: float, over: object = None) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)  # others get their turn, as they would

    run.pause, run.pause_async = skip, skip_async
    try:
        yield pauses
    finally:
        run.pause, run.pause_async = before

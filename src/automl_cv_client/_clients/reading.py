"""Reads an async source without holding up those who wait for outcomes: it may be a queue that fills slowly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from automl_cv_client._flow.outcomes import Group


class AsyncReader:
    """Reads one group at a time, and only when asked.

    One task reads the whole source, so that what the source opens in a task (timeouts, cancel scopes) it closes there.

    Args:
        groups: the source.
        tell: called when there is a group, or the end.
    """

    def __init__(self, groups: AsyncGenerator[Group, None], tell: Callable[[], None]) -> None:
        self._groups = groups
        self._tell = tell
        self._wanted = asyncio.Event()
        self._group: Group | None = None
        self._task: asyncio.Task[None] | None = None

    def next(self) -> Group | None:
        """The next group, or None when it is still to come. Raises StopIteration at the end, or the source's error."""
        group, self._group = self._group, None
        if group is not None:
            return group
        if self._task is None:
            self._task = asyncio.create_task(self._read())
        elif self._task.done():
            self._task.result()
            raise StopIteration
        self._wanted.set()
        return None

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async with aclosing(self._groups) as groups:
                async for group in groups:
                    self._group = group
                    self._wanted.clear()
                    self._tell()
                    await self._wanted.wait()
        finally:
            self._tell()

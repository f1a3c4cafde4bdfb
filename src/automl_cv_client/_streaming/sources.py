"""Where a stream's images come from: an iterable, a folder or an async iterable; read in groups, as they are needed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from automl_cv_client._files import folder_images
from automl_cv_client._imaging import ImageInput, describe, items_of
from automl_cv_client.errors import InvalidInput

ImageT = TypeVar("ImageT", bound=ImageInput)
"""What the images are given as. Outcomes keep it: those of a list of paths have a path as ``input``."""

PathT_co = TypeVar("PathT_co", covariant=True)


class FolderPath(Protocol[PathT_co]):
    """The path of a folder, as an ``os.PathLike``. Its images come as what it is made of, which is text."""

    def __fspath__(self) -> PathT_co: ...


# A type checker solves ImageT from any member: a ``str`` is an iterable of ``str``, too.
Images = Iterable[ImageT] | FolderPath[ImageT]
AsyncImages = Iterable[ImageT] | FolderPath[ImageT] | AsyncIterable[ImageT]
Group = list[ImageInput]


def images_of(images: Any) -> Iterator[ImageInput]:
    """The images of an iterable or of a folder. Raises InvalidInput for what is one image, or none."""
    if isinstance(images, str | os.PathLike):
        if not os.path.isdir(images):
            raise InvalidInput(
                f"{describe(images)} is not a folder: give a folder, or images in a list or another iterable"
            )
        return folder_images(images)
    return items_of(images)


def in_groups(images: Iterator[ImageInput], size: int) -> Iterator[Group]:
    """Lists of ``size`` images, the last one shorter, read as they are asked for."""
    group: Group = []
    for image in images:
        group.append(image)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def groups_of(
    images: Iterator[ImageInput] | AsyncIterable[ImageInput], size: int
) -> Iterator[Group] | AsyncGenerator[Group, None]:
    return _in_groups_async(images, size) if isinstance(images, AsyncIterable) else in_groups(images, size)


async def _in_groups_async(images: AsyncIterable[ImageInput], size: int) -> AsyncGenerator[Group, None]:
    group: Group = []
    async for image in images:
        group.append(image)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


class AsyncReader:
    """Reads an async source one group at a time, and only when asked: it may be a queue that fills slowly.

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

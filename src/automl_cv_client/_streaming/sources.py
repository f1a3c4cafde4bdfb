"""Where a stream's images come from: an iterable, a folder or an async iterable; read in groups, as they are needed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from automl_cv_client._files import IMAGE_ENDINGS
from automl_cv_client._imaging import ImageInput, describe
from automl_cv_client.errors import InvalidInput

Images = Iterable[ImageInput] | str | os.PathLike[str]
AsyncImages = Images | AsyncIterable[ImageInput]
Group = list[ImageInput]


def images_of(images: Any) -> Iterator[ImageInput]:
    """The images of an iterable or of a folder. Raises InvalidInput for what is one image, or none."""
    if isinstance(images, str | os.PathLike):
        folder = Path(images)
        if not folder.is_dir():
            raise InvalidInput(
                f"{describe(images)} is not a folder: give a folder, or images in a list or another iterable"
            )
        return folder_images(folder)
    if isinstance(images, bytes | bytearray | memoryview) or not isinstance(images, Iterable) or _is_pixels(images):
        raise InvalidInput(f"{describe(images)} is one image, or none: give a folder, or images in an iterable")
    return iter(images)


def folder_images(folder: Path) -> Iterator[str]:
    """The paths of a folder's images, then of its subfolders', by name; links to folders are not followed.

    A link that leads nowhere counts as an image, which will fail: to leave it out would lose it silently.
    """
    folders = [os.fspath(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if os.path.splitext(entry.name)[1].lower() in IMAGE_ENDINGS and _is_image(entry):
                yield entry.path
        inside = [os.fspath(Path(entry.path)) for entry in found if entry.is_dir(follow_symlinks=False)]
        folders += reversed(inside)


def _is_image(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file. Sockets and pipes are not, which would be waited for in vain."""
    if entry.is_symlink() and not os.path.exists(entry.path):
        return True
    return entry.is_file()


def _is_pixels(images: Any) -> bool:
    """A numpy array or an open file: iterable, and yet one image."""
    return hasattr(images, "__array__") or hasattr(images, "read")


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

"""Explanations of many pictures, in order, a few at a time: each keeps an instance busy for seconds."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from automl_cv_client._clients.explaining import AsyncExplaining, Explaining, checked_parameters
from automl_cv_client._imaging import ImageInput, describe
from automl_cv_client._options import task_of
from automl_cv_client._protocol.xai import XaiParameters, check_explainable
from automl_cv_client.errors import AutoMLVisionError, InvalidInput
from automl_cv_client.results import Classification, MultilabelClassification, Outcome
from automl_cv_client.task import Task

Images = Iterable[ImageInput] | str | os.PathLike[str]
AsyncImages = Images | AsyncIterable[ImageInput]

CONCURRENCY = 2  # what a deployment of one instance takes by default; the third would get 429
_ENDINGS = frozenset((".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))


class ExplainingMany(Explaining):
    """The blocking methods."""

    def explain_many(
        self, images: Images, parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> Generator[Outcome[Classification], None, None]:
        """One :class:`Outcome` a picture, in order: its explained result or its error.

        Pictures are read as their turn comes. Close the iterator (or leave it) to stop.

        Args:
            images: pictures as for :meth:`classify`, in any iterable; or the path of a folder, with its subfolders.
            parameters: as for :meth:`explain`, for all of them.
            concurrency: explanations at once, 1 or more.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
        """
        found = self._explain_many(images, Task.CLASSIFICATION, parameters, concurrency)
        return cast("Generator[Outcome[Classification], None, None]", found)

    def explain_multilabel_many(
        self, images: Images, parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> Generator[Outcome[MultilabelClassification], None, None]:
        """As :meth:`explain_many`, for a multi-label model; see :meth:`explain_multilabel`."""
        found = self._explain_many(images, Task.MULTILABEL, parameters, concurrency)
        return cast("Generator[Outcome[MultilabelClassification], None, None]", found)

    def _explain_many(
        self, images: Images, task: Task, parameters: XaiParameters | None, concurrency: int
    ) -> Generator[Outcome[Any], None, None]:
        wanted, pictures = _checked(images, task, parameters, concurrency)
        return _in_order(lambda picture: self._explain(picture, task, wanted), pictures, concurrency)


class AsyncExplainingMany(AsyncExplaining):
    """The awaited methods."""

    def explain_many(
        self, images: AsyncImages, parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> AsyncGenerator[Outcome[Classification], None]:
        """As :meth:`Client.explain_many`, with ``async for``; ``images`` may be an async iterable, too."""
        found = self._explain_many(images, Task.CLASSIFICATION, parameters, concurrency)
        return cast("AsyncGenerator[Outcome[Classification], None]", found)

    def explain_multilabel_many(
        self, images: AsyncImages, parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> AsyncGenerator[Outcome[MultilabelClassification], None]:
        """As :meth:`Client.explain_multilabel_many`, with ``async for``."""
        found = self._explain_many(images, Task.MULTILABEL, parameters, concurrency)
        return cast("AsyncGenerator[Outcome[MultilabelClassification], None]", found)

    def _explain_many(
        self, images: AsyncImages, task: Task, parameters: XaiParameters | None, concurrency: int
    ) -> AsyncGenerator[Outcome[Any], None]:
        wanted, pictures = _checked(images, task, parameters, concurrency)
        return _async_in_order(lambda picture: self._explain(picture, task, wanted), pictures, concurrency)


def _checked(images: Any, task: Task, parameters: XaiParameters | None, concurrency: int) -> tuple[XaiParameters, Any]:
    check_explainable(task_of(task))
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise InvalidInput(f"concurrency must be a whole number, 1 or more, not {concurrency!r}")
    if isinstance(images, str | os.PathLike):
        images = _pictures_in(Path(images))
    elif isinstance(images, bytes | bytearray | memoryview) or not isinstance(images, Iterable | AsyncIterable):
        raise InvalidInput(f"{describe(images)} is no list of pictures: give a folder, or pictures in an iterable")
    return checked_parameters(parameters), images


def _pictures_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InvalidInput(f"{describe(folder)} is no folder: give a folder, or pictures in a list")
    return sorted(str(file) for file in folder.rglob("*") if file.suffix.lower() in _ENDINGS)


def _in_order(
    explain: Callable[[Any], Any], pictures: Iterable[Any], concurrency: int
) -> Generator[Outcome[Any], None, None]:
    waiting: deque[Future[Outcome[Any]]] = deque()
    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="automl-cv-explain")
    try:
        for index, picture in enumerate(pictures):
            waiting.append(threads.submit(_outcome, explain, index, picture))
            if len(waiting) >= concurrency:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _outcome(explain: Callable[[Any], Any], index: int, picture: Any) -> Outcome[Any]:
    try:
        return Outcome(index, picture, explain(picture))
    except AutoMLVisionError as error:
        return Outcome(index, picture, error=error)


async def _async_in_order(
    explain: Callable[[Any], Awaitable[Any]], pictures: Any, concurrency: int
) -> AsyncGenerator[Outcome[Any], None]:
    waiting: deque[asyncio.Task[Outcome[Any]]] = deque()
    index = 0
    try:
        async for picture in _each(pictures):
            waiting.append(asyncio.create_task(_async_outcome(explain, index, picture)))
            index += 1
            if len(waiting) >= concurrency:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _each(pictures: Any) -> AsyncIterator[Any]:
    if isinstance(pictures, AsyncIterable):
        async for picture in pictures:
            yield picture
    else:
        one: Iterator[Any] = iter(pictures)
        for picture in one:
            yield picture


async def _async_outcome(explain: Callable[[Any], Awaitable[Any]], index: int, picture: Any) -> Outcome[Any]:
    try:
        return Outcome(index, picture, await explain(picture))
    except AutoMLVisionError as error:
        return Outcome(index, picture, error=error)

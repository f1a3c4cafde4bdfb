"""Many images: any iterable or a folder, read as their turn comes, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import closing
from typing import Any, Unpack, cast

from automl_cv_client._clients.base import AsyncConnected, Connected
from automl_cv_client._streaming.sources import AsyncImages, Images, images_of
from automl_cv_client._streaming.stream import AsyncStream, Stream
from automl_cv_client._streaming.streams import ManyOptions, async_stream_for, stream_for
from automl_cv_client.results import Classification, Detections, Instances, MultilabelClassification, Outcome, Result
from automl_cv_client.task import Task, task_of


class Many(Connected):
    """The blocking methods."""

    def classify_many(
        self, images: Images, **options: Unpack[ManyOptions]
    ) -> Generator[Outcome[Classification], None, None]:
        """One :class:`Outcome` an image: its result or its error. One bad image does not harm the others.

        Images are read as their turn comes, so ``images`` may be endless; close the iterator (or leave it) to
        stop. What ``images`` raises is raised when the images before it have their outcomes. A request that fails
        for a passing reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        ``images`` is read in your thread, as database cursors want it; so outcomes wait while it waits for its next
        image. For a queue that fills slowly take :class:`AsyncClient`.

        Args:
            images: images as for :meth:`classify`, in any iterable; or the path of a folder, searched with its
                subfolders in the order of their names.
            options: ``concurrency``, ``ordered``, ``per_request``, ``bytes_per_second``; see :class:`ManyOptions`.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.
        """
        return cast("Generator[Outcome[Classification], None, None]", self._many(images, Task.CLASSIFICATION, options))

    def classify_multilabel_many(
        self, images: Images, *, threshold: float = 0.5, **options: Unpack[ManyOptions]
    ) -> Generator[Outcome[MultilabelClassification], None, None]:
        """As :meth:`classify_many`, for a multi-label model; ``threshold`` as in :meth:`classify_multilabel`."""
        found = self._many(images, Task.MULTILABEL, options, threshold)
        return cast("Generator[Outcome[MultilabelClassification], None, None]", found)

    def detect_many(self, images: Images, **options: Unpack[ManyOptions]) -> Generator[Outcome[Detections], None, None]:
        """As :meth:`classify_many`, for detection."""
        return cast("Generator[Outcome[Detections], None, None]", self._many(images, Task.DETECTION, options))

    def segment_many(self, images: Images, **options: Unpack[ManyOptions]) -> Generator[Outcome[Instances], None, None]:
        """As :meth:`classify_many`, for instance segmentation."""
        return cast("Generator[Outcome[Instances], None, None]", self._many(images, Task.SEGMENTATION, options))

    def score_many(
        self, images: Images, task: Task | str, *, threshold: float = 0.5, **options: Unpack[ManyOptions]
    ) -> Generator[Outcome[Result], None, None]:
        """As :meth:`classify_many`, for a task held in a variable."""
        return self._many(images, task_of(task), options, threshold)

    def _many(
        self, images: Images, task: Task, options: ManyOptions, threshold: float = 0.5
    ) -> Generator[Outcome[Any], None, None]:
        return outcomes(stream_for(self._settings, self._backend, images_of(images), task, threshold, **options))


class AsyncMany(AsyncConnected):
    """The awaited methods."""

    def classify_many(
        self, images: AsyncImages, **options: Unpack[ManyOptions]
    ) -> AsyncGenerator[Outcome[Classification], None]:
        """As :meth:`Client.classify_many`, with ``async for``; ``images`` may be an async iterable, too."""
        return cast("AsyncGenerator[Outcome[Classification], None]", self._many(images, Task.CLASSIFICATION, options))

    def classify_multilabel_many(
        self, images: AsyncImages, *, threshold: float = 0.5, **options: Unpack[ManyOptions]
    ) -> AsyncGenerator[Outcome[MultilabelClassification], None]:
        """As :meth:`Client.classify_multilabel_many`, with ``async for``."""
        found = self._many(images, Task.MULTILABEL, options, threshold)
        return cast("AsyncGenerator[Outcome[MultilabelClassification], None]", found)

    def detect_many(
        self, images: AsyncImages, **options: Unpack[ManyOptions]
    ) -> AsyncGenerator[Outcome[Detections], None]:
        """As :meth:`Client.detect_many`, with ``async for``."""
        return cast("AsyncGenerator[Outcome[Detections], None]", self._many(images, Task.DETECTION, options))

    def segment_many(
        self, images: AsyncImages, **options: Unpack[ManyOptions]
    ) -> AsyncGenerator[Outcome[Instances], None]:
        """As :meth:`Client.segment_many`, with ``async for``."""
        return cast("AsyncGenerator[Outcome[Instances], None]", self._many(images, Task.SEGMENTATION, options))

    def score_many(
        self, images: AsyncImages, task: Task | str, *, threshold: float = 0.5, **options: Unpack[ManyOptions]
    ) -> AsyncGenerator[Outcome[Result], None]:
        """As :meth:`Client.score_many`, with ``async for``."""
        return self._many(images, task_of(task), options, threshold)

    def _many(
        self, images: AsyncImages, task: Task, options: ManyOptions, threshold: float = 0.5
    ) -> AsyncGenerator[Outcome[Any], None]:
        source = images if isinstance(images, AsyncIterable) else images_of(images)
        return async_outcomes(async_stream_for(self._settings, self._backend, source, task, threshold, **options))


def outcomes(stream: Stream) -> Generator[Outcome[Any], None, None]:
    """What comes out of a stream, until it is dry; closed when the caller stops asking."""
    with closing(stream):
        while ready := stream.take():
            yield from ready


async def async_outcomes(stream: AsyncStream) -> AsyncGenerator[Outcome[Any], None]:
    """As :func:`outcomes`, awaited."""
    try:
        while ready := await stream.take():
            for outcome in ready:
                yield outcome
    finally:
        await stream.close()

"""Many images: any iterable or a folder, read as their turn comes, each with an outcome of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator
from contextlib import closing
from typing import Any, overload

from automl_cv_client._clients.base import AsyncConnected, Connected
from automl_cv_client._clients.capacity import asked, asked_async, check_askable
from automl_cv_client._frames import forget_locals
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._streaming.options import CONCURRENCY, Concurrency, StreamOptions
from automl_cv_client._streaming.runs import async_stream_for, stream_for
from automl_cv_client._streaming.sources import AsyncImages, Images, ImageT, images_of
from automl_cv_client._streaming.stream import AsyncStream, Stream
from automl_cv_client.results import (
    Classification,
    Detections,
    Instances,
    MultilabelClassification,
    Outcome,
    Result,
)
from automl_cv_client.task import (
    ClassificationTask,
    DetectionTask,
    MultilabelTask,
    SegmentationTask,
    Task,
    TaskInput,
    task_of,
)


class Many(Connected):
    """The blocking methods."""

    def classify_many(
        self,
        images: Images[ImageT],
        *,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Classification, ImageT], None, None]:
        """Score many images with a multi-class model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        ``images`` is read in your thread, as database cursors want it; so outcomes wait while it waits for its next
        image. Leave the loop, or close the iterator, to stop. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`classify`, in any iterable; or the path of a folder, which is searched with its
                subfolders in the order of their names.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Classification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.classify_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.CLASSIFICATION, options)

    def classify_multilabel_many(
        self,
        images: Images[ImageT],
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[MultilabelClassification, ImageT], None, None]:
        """Score many images with a multi-label model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        ``images`` is read in your thread, as database cursors want it; so outcomes wait while it waits for its next
        image. Leave the loop, or close the iterator, to stop. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`classify_multilabel`, in any iterable; or the path of a folder, which is
                searched with its subfolders in the order of their names.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[MultilabelClassification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.classify_multilabel_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.MULTILABEL, options, threshold)

    def detect_many(
        self,
        images: Images[ImageT],
        *,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Detections, ImageT], None, None]:
        """Score many images with an object detection model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        ``images`` is read in your thread, as database cursors want it; so outcomes wait while it waits for its next
        image. Leave the loop, or close the iterator, to stop. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`detect`, in any iterable; or the path of a folder, which is searched with its
                subfolders in the order of their names.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Detections]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.detect_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.DETECTION, options)

    def segment_many(
        self,
        images: Images[ImageT],
        *,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Instances, ImageT], None, None]:
        """Score many images with a segmentation model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        ``images`` is read in your thread, as database cursors want it; so outcomes wait while it waits for its next
        image. Leave the loop, or close the iterator, to stop. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`segment`, in any iterable; or the path of a folder, which is searched with its
                subfolders in the order of their names.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Instances]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.segment_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.SEGMENTATION, options)

    @overload
    def score_many(
        self,
        images: Images[ImageT],
        task: ClassificationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Classification, ImageT], None, None]: ...

    @overload
    def score_many(
        self,
        images: Images[ImageT],
        task: MultilabelTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[MultilabelClassification, ImageT], None, None]: ...

    @overload
    def score_many(
        self,
        images: Images[ImageT],
        task: DetectionTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Detections, ImageT], None, None]: ...

    @overload
    def score_many(
        self,
        images: Images[ImageT],
        task: SegmentationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Instances, ImageT], None, None]: ...

    @overload
    def score_many(
        self,
        images: Images[ImageT],
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Result, ImageT], None, None]: ...

    def score_many(
        self,
        images: Images[ImageT],
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Generator[Outcome[Result, ImageT], None, None]:
        """Score many images for a task held in a variable: one :class:`Outcome` per image, its result or error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        ``images`` is read in your thread, as database cursors want it; so outcomes wait while it waits for its next
        image. Leave the loop, or close the iterator, to stop. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`score`, in any iterable; or the path of a folder, which is searched with its
                subfolders in the order of their names.
            task: what the endpoint does: a :class:`Task`, or AutoML's name of it.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Result]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.score_many("photos/", task):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, task_of(task), options, threshold)

    def _many(
        self, images: Images[ImageT], task: Task, options: StreamOptions, threshold: float = 0.5
    ) -> Generator[Outcome[Any, ImageT], None, None]:
        source = images_of(images)
        check_askable(self, options)
        options.check_dialect(self._settings)
        checked_threshold(threshold)
        return outcomes(
            lambda: stream_for(self._settings, self._backend, source, task, threshold, asked(self, options))
        )


class AsyncMany(AsyncConnected):
    """The awaited methods."""

    def classify_many(
        self,
        images: AsyncImages[ImageT],
        *,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Classification, ImageT], None]:
        """Score many images with a multi-class model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        No outcome waits for the next image of an async iterable. Leave the loop and ``aclose()`` the iterator, or
        cancel the task, to stop: requests in flight are cancelled. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`classify`, in any iterable or async iterable; or the path of a folder, which is
                searched with its subfolders in the order of their names.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Classification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.classify_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.CLASSIFICATION, options)

    def classify_multilabel_many(
        self,
        images: AsyncImages[ImageT],
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[MultilabelClassification, ImageT], None]:
        """Score many images with a multi-label model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        No outcome waits for the next image of an async iterable. Leave the loop and ``aclose()`` the iterator, or
        cancel the task, to stop: requests in flight are cancelled. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`classify_multilabel`, in any iterable or async iterable; or the path of a
                folder, which is searched with its subfolders in the order of their names.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[MultilabelClassification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.classify_multilabel_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.MULTILABEL, options, threshold)

    def detect_many(
        self,
        images: AsyncImages[ImageT],
        *,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Detections, ImageT], None]:
        """Score many images with an object detection model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        No outcome waits for the next image of an async iterable. Leave the loop and ``aclose()`` the iterator, or
        cancel the task, to stop: requests in flight are cancelled. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`detect`, in any iterable or async iterable; or the path of a folder, which is
                searched with its subfolders in the order of their names.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Detections]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.detect_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.DETECTION, options)

    def segment_many(
        self,
        images: AsyncImages[ImageT],
        *,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Instances, ImageT], None]:
        """Score many images with a segmentation model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        No outcome waits for the next image of an async iterable. Leave the loop and ``aclose()`` the iterator, or
        cancel the task, to stop: requests in flight are cancelled. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`segment`, in any iterable or async iterable; or the path of a folder, which is
                searched with its subfolders in the order of their names.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Instances]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.segment_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, Task.SEGMENTATION, options)

    @overload
    def score_many(
        self,
        images: AsyncImages[ImageT],
        task: ClassificationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Classification, ImageT], None]: ...

    @overload
    def score_many(
        self,
        images: AsyncImages[ImageT],
        task: MultilabelTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[MultilabelClassification, ImageT], None]: ...

    @overload
    def score_many(
        self,
        images: AsyncImages[ImageT],
        task: DetectionTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Detections, ImageT], None]: ...

    @overload
    def score_many(
        self,
        images: AsyncImages[ImageT],
        task: SegmentationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Instances, ImageT], None]: ...

    @overload
    def score_many(
        self,
        images: AsyncImages[ImageT],
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Result, ImageT], None]: ...

    def score_many(
        self,
        images: AsyncImages[ImageT],
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        ordered: bool = True,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncGenerator[Outcome[Result, ImageT], None]:
        """Score many images for a task held in a variable: one :class:`Outcome` per image, its result or error.

        Images are read as their turn comes, so ``images`` may be endless. One bad image does not harm the others. What
        ``images`` raises is raised when the images before it have their outcomes. A request that fails for a passing
        reason is sent up to 10 times, unless the client's ``RetryPolicy`` names a number of attempts.

        No outcome waits for the next image of an async iterable. Leave the loop and ``aclose()`` the iterator, or
        cancel the task, to stop: requests in flight are cancelled. For small batches, or a queue, see :meth:`stream`.

        Args:
            images: images as for :meth:`score`, in any iterable or async iterable; or the path of a folder, which is
                searched with its subfolders in the order of their names.
            task: what the endpoint does: a :class:`Task`, or AutoML's name of it.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            ordered: hand out outcomes in the order of the images, or as they come.
            per_request: images per request, up to 100. More helps with many small images; when the server drops one,
                or fails, they are sent again one by one.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Yields:
            Outcomes of kind ``Outcome[Result]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.score_many("photos/", task):
            ...     print(outcome.input, outcome.ok)
        """
        options = StreamOptions(concurrency, ordered, per_request, bytes_per_second)
        return self._many(images, task_of(task), options, threshold)

    def _many(
        self, images: AsyncImages[ImageT], task: Task, options: StreamOptions, threshold: float = 0.5
    ) -> AsyncGenerator[Outcome[Any, ImageT], None]:
        source = images if isinstance(images, AsyncIterable) else images_of(images)
        check_askable(self, options)
        options.check_dialect(self._settings)
        checked_threshold(threshold)

        async def begin() -> AsyncStream:
            resolved = await asked_async(self, options)
            return async_stream_for(self._settings, self._backend, source, task, threshold, resolved)

        return async_outcomes(begin)


def outcomes(begin: Callable[[], Stream]) -> Generator[Outcome[Any], None, None]:
    """What comes out of a stream, which begins with the first one asked for; closed when the caller stops asking."""
    try:
        with closing(begin()) as stream:
            try:
                while ready := stream.take():
                    yield from ready
            except KeyboardInterrupt:  # who pressed Ctrl-C does not wait for answers that nobody will read
                stream.close(0)
                raise
    except Exception as error:
        forget_locals(error)
        raise


async def async_outcomes(begin: Callable[[], Awaitable[AsyncStream]]) -> AsyncGenerator[Outcome[Any], None]:
    """As :func:`outcomes`, awaited."""
    try:
        stream = await begin()
        try:
            while ready := await stream.take():
                for outcome in ready:
                    yield outcome
        finally:
            await stream.close()
    except Exception as error:
        forget_locals(error)
        raise

"""A stream that is kept for many batches, and how much an endpoint takes at once."""

from __future__ import annotations

from functools import partial
from typing import Any, overload

from automl_cv_client._clients.base import AsyncConnected, Connected
from automl_cv_client._clients.capacity import Measuring, asked, asked_async, check_askable
from automl_cv_client._imaging import ImageInput
from automl_cv_client._streaming.options import CONCURRENCY, Concurrency, StreamOptions
from automl_cv_client._streaming.runs import AsyncRun, Run, async_stream_for, stream_for
from automl_cv_client.results import Capacity, Classification, Detections, Instances, MultilabelClassification, Result
from automl_cv_client.task import (
    ClassificationTask,
    DetectionTask,
    MultilabelTask,
    SegmentationTask,
    Task,
    TaskInput,
    task_of,
)


class Streams(Connected):
    """The blocking methods."""

    @overload
    def stream(
        self,
        task: ClassificationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Run[Classification]: ...

    @overload
    def stream(
        self,
        task: MultilabelTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Run[MultilabelClassification]: ...

    @overload
    def stream(
        self,
        task: DetectionTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Run[Detections]: ...

    @overload
    def stream(
        self,
        task: SegmentationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Run[Instances]: ...

    @overload
    def stream(
        self,
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Run[Result]: ...

    def stream(
        self,
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> Run[Any]:
        """Begin a stream that is kept: ``run.score(images)`` scores batch after batch, from one or several threads.

        For queue workers, web backends and engines that hand over some images at a time. All batches share one limit of
        requests in flight, pace and verdict on the endpoint: nothing is found out anew for each batch. Batches that are
        scored at the same time take turns, so a web request beside a long batch waits for one answer at most.

        Args:
            task: what the endpoint does: a :class:`Task`, or AutoML's name of it.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            per_request: images per request, up to 100.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Returns:
            The :class:`Run`. Close it, or use it in a ``with`` block.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.

        Example:
            >>> with client.stream("image-object-detection") as run:
            ...     outcomes = run.score(["img1.jpg", "img2.jpg"])
        """
        options = StreamOptions(concurrency, True, per_request, bytes_per_second)
        check_askable(self, options)
        ask = partial(asked, self, options)
        return Run(self._settings, self._backend, task_of(task), threshold, options, ask)

    def find_capacity(
        self,
        image: ImageInput,
        *,
        task: TaskInput = Task.DETECTION,
        seconds: float = 12.0,
        concurrency: int = CONCURRENCY,
    ) -> Capacity:
        """Measure how many requests the endpoint takes at once, by scoring one image over and over.

        It begins with 2 requests in flight and adds one per round of answers until one is refused (429) or answers
        become slow; then it watches whether that holds. It costs what the scored images cost. What is found is
        remembered for streams of this client that begin within some minutes.

        Args:
            image: an image as for :meth:`detect`, of the size that will be scored.
            task: what the endpoint does: a :class:`Task`, or AutoML's name of it.
            seconds: how long to measure.
            concurrency: requests in flight at most.

        Returns:
            The :class:`Capacity`.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: nothing can succeed: the credential is refused, or the endpoint is gone.
            AutoMLVisionError: the image cannot be scored.

        Example:
            >>> capacity = client.find_capacity("img.jpg")
            >>> outcomes = client.detect_many("photos/", concurrency=capacity.requests_at_once)
        """
        measuring = Measuring(image, seconds)
        options = StreamOptions(concurrency, ordered=False)
        stream = stream_for(self._settings, self._backend, measuring.images(), task_of(task), 0.5, options)
        try:
            while outcomes := stream.take():
                measuring.add(outcomes, stream.traffic)
        finally:
            stream.close()
        return measuring.capacity(stream.traffic)


class AsyncStreams(AsyncConnected):
    """The awaited methods."""

    @overload
    def stream(
        self,
        task: ClassificationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncRun[Classification]: ...

    @overload
    def stream(
        self,
        task: MultilabelTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncRun[MultilabelClassification]: ...

    @overload
    def stream(
        self,
        task: DetectionTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncRun[Detections]: ...

    @overload
    def stream(
        self,
        task: SegmentationTask,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncRun[Instances]: ...

    @overload
    def stream(
        self,
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncRun[Result]: ...

    def stream(
        self,
        task: TaskInput,
        *,
        threshold: float = 0.5,
        concurrency: Concurrency = CONCURRENCY,
        per_request: int = 1,
        bytes_per_second: float | None = None,
    ) -> AsyncRun[Any]:
        """Begin a stream that is kept: ``await run.score(images)`` scores batch after batch, from one or several tasks.

        For queue workers, web backends and engines that hand over some images at a time. All batches share one limit of
        requests in flight, pace and verdict on the endpoint: nothing is found out anew for each batch. Batches that are
        scored at the same time take turns, so a web request beside a long batch waits for one answer at most.

        Args:
            task: what the endpoint does: a :class:`Task`, or AutoML's name of it.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            concurrency: requests in flight at most, up to 256; how many really are is found out, beginning with 2 or
                where the last stream of this client stood some minutes ago. ``"ask"`` for as many as Resource Manager
                says that the deployment takes.
            per_request: images per request, up to 100.
            bytes_per_second: a bound on what is sent; the service's own quota is 5 MB/s per endpoint.

        Returns:
            The :class:`AsyncRun`. Close it, or use it in an ``async with`` block.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.

        Example:
            >>> async with client.stream("image-object-detection") as run:
            ...     outcomes = await run.score(["img1.jpg", "img2.jpg"])
        """
        options = StreamOptions(concurrency, True, per_request, bytes_per_second)
        check_askable(self, options)
        return AsyncRun(
            self._settings, self._backend, task_of(task), threshold, options, partial(asked_async, self, options)
        )

    async def find_capacity(
        self,
        image: ImageInput,
        *,
        task: TaskInput = Task.DETECTION,
        seconds: float = 12.0,
        concurrency: int = CONCURRENCY,
    ) -> Capacity:
        """Measure how many requests the endpoint takes at once, by scoring one image over and over.

        It begins with 2 requests in flight and adds one per round of answers until one is refused (429) or answers
        become slow; then it watches whether that holds. It costs what the scored images cost. What is found is
        remembered for streams of this client that begin within some minutes.

        Args:
            image: an image as for :meth:`detect`, of the size that will be scored.
            task: what the endpoint does: a :class:`Task`, or AutoML's name of it.
            seconds: how long to measure.
            concurrency: requests in flight at most.

        Returns:
            The :class:`Capacity`.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: nothing can succeed: the credential is refused, or the endpoint is gone.
            AutoMLVisionError: the image cannot be scored.

        Example:
            >>> capacity = await client.find_capacity("img.jpg")
            >>> outcomes = client.detect_many("photos/", concurrency=capacity.requests_at_once)
        """
        measuring = Measuring(image, seconds)
        options = StreamOptions(concurrency, ordered=False)
        stream = async_stream_for(self._settings, self._backend, measuring.images(), task_of(task), 0.5, options)
        try:
            while outcomes := await stream.take():
                measuring.add(outcomes, stream.traffic)
        finally:
            await stream.close()
        return measuring.capacity(stream.traffic)

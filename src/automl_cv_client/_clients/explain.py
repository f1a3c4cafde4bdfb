"""Why a classification came out as it did, for one image or many; the two classification tasks only."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from typing import Any, cast, overload

from automl_cv_client._clients.base import AsyncConnected, Connected
from automl_cv_client._clients.many import async_outcomes, outcomes
from automl_cv_client._flow.explaining import explain_one
from automl_cv_client._imaging import ImageInput
from automl_cv_client._protocol.xai import XaiParameters, check_explainable
from automl_cv_client._streaming.options import StreamOptions
from automl_cv_client._streaming.runs import async_stream_for, stream_for
from automl_cv_client._streaming.sources import AsyncImages, Images, ImageT, images_of
from automl_cv_client._streaming.stream import AsyncStream
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import ExplainedClassification, MultilabelClassification, Outcome
from automl_cv_client.task import ClassificationTask, MultilabelTask, Task, TaskInput, task_of

CONCURRENCY = 8
"""Explanations at once at most, by default. How many really are is found out, beginning with 2."""


class Explain(Connected):
    """The blocking methods."""

    @overload
    def explain(
        self,
        image: ImageInput,
        parameters: XaiParameters | None = None,
        *,
        task: ClassificationTask = Task.CLASSIFICATION,
    ) -> ExplainedClassification: ...

    @overload
    def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: MultilabelTask
    ) -> MultilabelClassification: ...

    @overload
    def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: TaskInput
    ) -> ExplainedClassification | MultilabelClassification: ...

    def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: TaskInput = Task.CLASSIFICATION
    ) -> ExplainedClassification | MultilabelClassification:
        """Classify one image with a multi-class model, and explain its most probable class.

        An explanation takes seconds to minutes, so one attempt may take 200 s even when the client's ``timeout`` is
        shorter; ``deadline`` bounds the whole call as ever. Models explain that AutoML itself trained.

        Args:
            image: as for :meth:`classify`: a path, bytes, a file object, a PIL image, an array or a data URI.
            parameters: what to explain and how; by default the service's figure by ``xrai``.
            task: for a task given by name; a multi-label one gives what :meth:`explain_multilabel` gives.

        Returns:
            The classification with its :class:`Explanation` in ``.explanation``: ``overlay()``, ``attributions``,
            ``visualization``, as asked for.

        Raises:
            UnsupportedTask: detection or segmentation, which the service does not explain; nothing was sent.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed. TransportError: no answer came.
            UnexpectedReply: also when the endpoint answers with plain scores, without an explanation.

        Example:
            >>> parameters = XaiParameters(algorithm="guided_gradcam", attributions=True)
            >>> found = client.explain("img.jpg", parameters)
            >>> found.explanation.attributions.shape
            (3, 224, 224)
        """
        return cast(ExplainedClassification, self._explain(image, task, parameters))

    def explain_multilabel(
        self, image: ImageInput, parameters: XaiParameters | None = None
    ) -> MultilabelClassification:
        """Classify one image with a multi-label model, and explain each label that is present.

        Present is a label with a probability strictly above ``confidence_score_threshold_multilabel``. The service
        does not name the classes it explains; the client tells them by that rule.

        Args:
            image: as for :meth:`classify`: a path, bytes, a file object, a PIL image, an array or a data URI.
            parameters: what to explain and how; by default the service's figure by ``xrai``.

        Returns:
            The classification with one :class:`Explanation` per label that is present, in ``.explanations``.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed. TransportError: no answer came.
            UnexpectedReply: also when the endpoint answers with plain scores, without explanations.

        Warns:
            ManyClassesWarning: the threshold is low, or more than five classes were explained.

        Example:
            >>> parameters = XaiParameters(algorithm="guided_gradcam", confidence_score_threshold_multilabel=0.4)
            >>> found = client.explain_multilabel("img.jpg", parameters)
            >>> len(found.explanations) == len(found.above(0.4))
            True
        """
        return cast(MultilabelClassification, self._explain(image, Task.MULTILABEL, parameters))

    def _explain(self, image: ImageInput, task: TaskInput, parameters: XaiParameters | None) -> Any:
        return self._run(explain_one(image, task_of(task), _checked(parameters), self._settings))

    @overload
    def explain_many(
        self,
        images: Images[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: ClassificationTask = Task.CLASSIFICATION,
        concurrency: int = CONCURRENCY,
    ) -> Generator[Outcome[ExplainedClassification, ImageT], None, None]: ...

    @overload
    def explain_many(
        self,
        images: Images[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: MultilabelTask,
        concurrency: int = CONCURRENCY,
    ) -> Generator[Outcome[MultilabelClassification, ImageT], None, None]: ...

    @overload
    def explain_many(
        self,
        images: Images[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: TaskInput,
        concurrency: int = CONCURRENCY,
    ) -> Generator[Outcome[ExplainedClassification | MultilabelClassification, ImageT], None, None]: ...

    def explain_many(
        self,
        images: Images[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: TaskInput = Task.CLASSIFICATION,
        concurrency: int = CONCURRENCY,
    ) -> Generator[Outcome[Any, ImageT], None, None]:
        """Explain many images with a multi-class model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, and outcomes come in their order. Leave the loop to stop.

        Args:
            images: images as for :meth:`classify`, in any iterable; or the path of a folder, with its
                subfolders.
            parameters: as for :meth:`explain`, for all of them.
            task: for a task given by name; a multi-label one gives what :meth:`explain_multilabel_many` gives.
            concurrency: explanations at once at most; how many really are is found out, beginning with 2.

        Yields:
            Outcomes of kind ``Outcome[ExplainedClassification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.explain_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        return self._explain_many(images, task_of(task), parameters, concurrency)

    def explain_multilabel_many(
        self, images: Images[ImageT], parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> Generator[Outcome[MultilabelClassification, ImageT], None, None]:
        """Explain many images with a multi-label model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, and outcomes come in their order. Leave the loop to stop.

        Args:
            images: images as for :meth:`classify`, in any iterable; or the path of a folder, with its
                subfolders.
            parameters: as for :meth:`explain_multilabel`, for all of them.
            concurrency: explanations at once at most; how many really are is found out, beginning with 2.

        Yields:
            Outcomes of kind ``Outcome[MultilabelClassification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> for outcome in client.explain_multilabel_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        return self._explain_many(images, Task.MULTILABEL, parameters, concurrency)

    def _explain_many(
        self, images: Images[ImageT], task: Task, parameters: XaiParameters | None, concurrency: int
    ) -> Generator[Outcome[Any, ImageT], None, None]:
        check_explainable(task)
        wanted = _checked(parameters)
        source, options = images_of(images), StreamOptions(concurrency)
        return outcomes(lambda: stream_for(self._settings, self._backend, source, task, 0.5, options, explain=wanted))


class AsyncExplain(AsyncConnected):
    """The awaited methods."""

    @overload
    async def explain(
        self,
        image: ImageInput,
        parameters: XaiParameters | None = None,
        *,
        task: ClassificationTask = Task.CLASSIFICATION,
    ) -> ExplainedClassification: ...

    @overload
    async def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: MultilabelTask
    ) -> MultilabelClassification: ...

    @overload
    async def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: TaskInput
    ) -> ExplainedClassification | MultilabelClassification: ...

    async def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: TaskInput = Task.CLASSIFICATION
    ) -> ExplainedClassification | MultilabelClassification:
        """Classify one image with a multi-class model, and explain its most probable class.

        An explanation takes seconds to minutes, so one attempt may take 200 s even when the client's ``timeout`` is
        shorter; ``deadline`` bounds the whole call as ever. Models explain that AutoML itself trained.

        Args:
            image: as for :meth:`classify`: a path, bytes, a file object, a PIL image, an array or a data URI.
            parameters: what to explain and how; by default the service's figure by ``xrai``.
            task: for a task given by name; a multi-label one gives what :meth:`explain_multilabel` gives.

        Returns:
            The classification with its :class:`Explanation` in ``.explanation``: ``overlay()``, ``attributions``,
            ``visualization``, as asked for.

        Raises:
            UnsupportedTask: detection or segmentation, which the service does not explain; nothing was sent.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed. TransportError: no answer came.
            UnexpectedReply: also when the endpoint answers with plain scores, without an explanation.

        Example:
            >>> parameters = XaiParameters(algorithm="guided_gradcam", attributions=True)
            >>> found = await client.explain("img.jpg", parameters)
            >>> found.explanation.attributions.shape
            (3, 224, 224)
        """
        return cast(ExplainedClassification, await self._explain(image, task, parameters))

    async def explain_multilabel(
        self, image: ImageInput, parameters: XaiParameters | None = None
    ) -> MultilabelClassification:
        """Classify one image with a multi-label model, and explain each label that is present.

        Present is a label with a probability strictly above ``confidence_score_threshold_multilabel``. The service
        does not name the classes it explains; the client tells them by that rule.

        Args:
            image: as for :meth:`classify`: a path, bytes, a file object, a PIL image, an array or a data URI.
            parameters: what to explain and how; by default the service's figure by ``xrai``.

        Returns:
            The classification with one :class:`Explanation` per label that is present, in ``.explanations``.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed. TransportError: no answer came.
            UnexpectedReply: also when the endpoint answers with plain scores, without explanations.

        Warns:
            ManyClassesWarning: the threshold is low, or more than five classes were explained.

        Example:
            >>> parameters = XaiParameters(algorithm="guided_gradcam", confidence_score_threshold_multilabel=0.4)
            >>> found = await client.explain_multilabel("img.jpg", parameters)
            >>> len(found.explanations) == len(found.above(0.4))
            True
        """
        return cast(MultilabelClassification, await self._explain(image, Task.MULTILABEL, parameters))

    async def _explain(self, image: ImageInput, task: TaskInput, parameters: XaiParameters | None) -> Any:
        return await self._run(explain_one(image, task_of(task), _checked(parameters), self._settings))

    @overload
    def explain_many(
        self,
        images: AsyncImages[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: ClassificationTask = Task.CLASSIFICATION,
        concurrency: int = CONCURRENCY,
    ) -> AsyncGenerator[Outcome[ExplainedClassification, ImageT], None]: ...

    @overload
    def explain_many(
        self,
        images: AsyncImages[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: MultilabelTask,
        concurrency: int = CONCURRENCY,
    ) -> AsyncGenerator[Outcome[MultilabelClassification, ImageT], None]: ...

    @overload
    def explain_many(
        self,
        images: AsyncImages[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: TaskInput,
        concurrency: int = CONCURRENCY,
    ) -> AsyncGenerator[Outcome[ExplainedClassification | MultilabelClassification, ImageT], None]: ...

    def explain_many(
        self,
        images: AsyncImages[ImageT],
        parameters: XaiParameters | None = None,
        *,
        task: TaskInput = Task.CLASSIFICATION,
        concurrency: int = CONCURRENCY,
    ) -> AsyncGenerator[Outcome[Any, ImageT], None]:
        """Explain many images with a multi-class model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, and outcomes come in their order. Leave the loop to stop.

        Args:
            images: images as for :meth:`classify`, in any iterable or async iterable; or the path of a folder, with its
                subfolders.
            parameters: as for :meth:`explain`, for all of them.
            task: for a task given by name; a multi-label one gives what :meth:`explain_multilabel_many` gives.
            concurrency: explanations at once at most; how many really are is found out, beginning with 2.

        Yields:
            Outcomes of kind ``Outcome[ExplainedClassification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.explain_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        return self._explain_many(images, task_of(task), parameters, concurrency)

    def explain_multilabel_many(
        self, images: AsyncImages[ImageT], parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> AsyncGenerator[Outcome[MultilabelClassification, ImageT], None]:
        """Explain many images with a multi-label model: one :class:`Outcome` per image, its result or its error.

        Images are read as their turn comes, and outcomes come in their order. Leave the loop to stop.

        Args:
            images: images as for :meth:`classify`, in any iterable or async iterable; or the path of a folder, with its
                subfolders.
            parameters: as for :meth:`explain_multilabel`, for all of them.
            concurrency: explanations at once at most; how many really are is found out, beginning with 2.

        Yields:
            Outcomes of kind ``Outcome[MultilabelClassification]``.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            BatchError: while iterating, when nothing more can succeed: the credential was revoked, or the endpoint
                is gone.

        Example:
            >>> async for outcome in client.explain_multilabel_many("photos/"):
            ...     print(outcome.input, outcome.ok)
        """
        return self._explain_many(images, Task.MULTILABEL, parameters, concurrency)

    def _explain_many(
        self, images: AsyncImages[ImageT], task: Task, parameters: XaiParameters | None, concurrency: int
    ) -> AsyncGenerator[Outcome[Any, ImageT], None]:
        check_explainable(task)
        source = images if isinstance(images, AsyncIterable) else images_of(images)
        wanted, options = _checked(parameters), StreamOptions(concurrency)

        async def begin() -> AsyncStream:
            return async_stream_for(self._settings, self._backend, source, task, 0.5, options, explain=wanted)

        return async_outcomes(begin)


def _checked(parameters: XaiParameters | None) -> XaiParameters:
    """The parameters, or the service's own defaults. Raises InvalidInput for anything else, such as a dict."""
    if parameters is None:
        return XaiParameters()
    if not isinstance(parameters, XaiParameters):
        raise InvalidInput(f"parameters must be XaiParameters(…), not {type(parameters).__name__}")
    return parameters

"""Why a classification came out as it did, for one image or many; the two classification tasks only."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from typing import Any, cast

from automl_cv_client._clients.base import AsyncConnected, Connected
from automl_cv_client._clients.many import async_outcomes, outcomes
from automl_cv_client._flow.explaining import explain_one
from automl_cv_client._imaging import ImageInput
from automl_cv_client._protocol.xai import XaiParameters, check_explainable
from automl_cv_client._streaming.options import StreamOptions
from automl_cv_client._streaming.runs import async_stream_for, stream_for
from automl_cv_client._streaming.sources import AsyncImages, Images, images_of
from automl_cv_client._streaming.stream import AsyncStream
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Classification, MultilabelClassification, Outcome
from automl_cv_client.task import Task, task_of

CONCURRENCY = 8
"""Explanations at once at most, by default. How many really are is found out, beginning with 2."""


class Explain(Connected):
    """The blocking methods."""

    def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: Task | str = Task.CLASSIFICATION
    ) -> Classification:
        """The classification of an image with the reason for its most probable class, ``.explanation``.

        An explanation takes seconds to minutes, so one attempt may take 200 s even when the client's ``timeout`` is
        shorter; ``deadline`` bounds the whole call as ever.

        Args:
            image: as for :meth:`classify`.
            parameters: what to explain and how; by default the service's figure by ``xrai``.
            task: for a task held in a variable; a multi-label one gives what :meth:`explain_multilabel` gives.

        Raises:
            UnsupportedTask: detection or segmentation, which the service does not explain; nothing was sent.
            UnexpectedReply: also when the endpoint answers with plain scores, as models cannot explain that AutoML
                did not train. Other errors as :meth:`classify`.
        """
        return cast(Classification, self._explain(image, task, parameters))

    def explain_multilabel(
        self, image: ImageInput, parameters: XaiParameters | None = None
    ) -> MultilabelClassification:
        """The labels of an image with the reason for each that is present, ``.explanations``.

        Present is a label with a probability strictly above ``confidence_score_threshold_multilabel``. The service
        does not name the classes it explains; they are found again by that rule. Arguments and errors as
        :meth:`explain`.

        Warns:
            ManyClassesWarning: the threshold is low, or more than five classes were explained.
        """
        return cast(MultilabelClassification, self._explain(image, Task.MULTILABEL, parameters))

    def _explain(self, image: ImageInput, task: Task | str, parameters: XaiParameters | None) -> Any:
        return self._run(explain_one(image, task_of(task), _checked(parameters), self._settings))

    def explain_many(
        self, images: Images, parameters: XaiParameters | None = None, *, concurrency: int = CONCURRENCY
    ) -> Generator[Outcome[Classification], None, None]:
        """One :class:`Outcome` an image, in order: its explained result or its error.

        Images are read as their turn comes. Close the iterator (or leave it) to stop.

        Args:
            images: images as for :meth:`classify`, in any iterable; or the path of a folder, with its subfolders.
            parameters: as for :meth:`explain`, for all of them.
            concurrency: explanations at once at most; how many really are is found out, beginning with 2.

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
        check_explainable(task)
        wanted = _checked(parameters)
        source, options = images_of(images), StreamOptions(concurrency)
        return outcomes(lambda: stream_for(self._settings, self._backend, source, task, 0.5, options, explain=wanted))


class AsyncExplain(AsyncConnected):
    """The awaited methods."""

    async def explain(
        self, image: ImageInput, parameters: XaiParameters | None = None, *, task: Task | str = Task.CLASSIFICATION
    ) -> Classification:
        """As :meth:`Client.explain`, awaited."""
        return cast(Classification, await self._explain(image, task, parameters))

    async def explain_multilabel(
        self, image: ImageInput, parameters: XaiParameters | None = None
    ) -> MultilabelClassification:
        """As :meth:`Client.explain_multilabel`, awaited."""
        return cast(MultilabelClassification, await self._explain(image, Task.MULTILABEL, parameters))

    async def _explain(self, image: ImageInput, task: Task | str, parameters: XaiParameters | None) -> Any:
        return await self._run(explain_one(image, task_of(task), _checked(parameters), self._settings))

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

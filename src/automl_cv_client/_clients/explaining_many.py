"""Explanations of many images, in order, a few at a time: each keeps an instance busy for seconds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Generator
from typing import Any, cast

from automl_cv_client._clients.explaining import AsyncExplaining, Explaining, checked_parameters
from automl_cv_client._clients.many import async_outcomes, outcomes
from automl_cv_client._protocol.xai import XaiParameters, check_explainable
from automl_cv_client._streaming.sources import AsyncImages, Images, images_of
from automl_cv_client._streaming.streams import async_explaining_stream_for, explaining_stream_for
from automl_cv_client.results import Classification, MultilabelClassification, Outcome
from automl_cv_client.task import Task

CONCURRENCY = 8
"""Explanations at once at most, by default. How many really are is found out, beginning with 2."""


class ExplainingMany(Explaining):
    """The blocking methods."""

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
        wanted = checked_parameters(parameters)
        return outcomes(
            explaining_stream_for(self._settings, self._backend, images_of(images), task, wanted, concurrency)
        )


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
        check_explainable(task)
        source = images if isinstance(images, AsyncIterable) else images_of(images)
        return async_outcomes(
            async_explaining_stream_for(
                self._settings, self._backend, source, task, checked_parameters(parameters), concurrency
            )
        )

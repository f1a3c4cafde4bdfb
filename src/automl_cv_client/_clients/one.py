"""One image, or several in one request: the four tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast, overload

from automl_cv_client._clients.base import AsyncConnected, Connected
from automl_cv_client._flow import scoring
from automl_cv_client._imaging import ImageInput
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._options import is_several
from automl_cv_client.results import (
    Classification,
    Detections,
    Instances,
    MultilabelClassification,
    Outcome,
    Result,
)
from automl_cv_client.task import Task, task_of

ImageT = TypeVar("ImageT", bound=ImageInput)  # a list[Path] is no list[ImageInput], as lists can be written to


class One(Connected):
    """The blocking methods."""

    def classify(self, image: ImageInput, *, deployment: str | None = None) -> Classification:
        """The probability of every class, for a multi-class model.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (RGB), or a data URI.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's choice.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint said no. TransportError: no answer came.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.
        """
        return cast(Classification, self._score_one(image, Task.CLASSIFICATION, deployment=deployment))

    def classify_multilabel(
        self, image: ImageInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> MultilabelClassification:
        """The probability of every label, for a multi-label model. Arguments and errors as :meth:`classify`.

        Args:
            image: as for :meth:`classify`.
            threshold: the probability above which :meth:`MultilabelClassification.above` counts a label as present.
            deployment: as for :meth:`classify`.
        """
        return cast(MultilabelClassification, self._score_one(image, Task.MULTILABEL, threshold, deployment))

    def detect(self, image: ImageInput, *, deployment: str | None = None) -> Detections:
        """The objects in the image, each with label, score and box. Arguments and errors as :meth:`classify`."""
        return cast(Detections, self._score_one(image, Task.DETECTION, deployment=deployment))

    def segment(self, image: ImageInput, *, deployment: str | None = None) -> Instances:
        """The objects in the image with their outlines. Arguments and errors as :meth:`classify`."""
        return cast(Instances, self._score_one(image, Task.SEGMENTATION, deployment=deployment))

    @overload
    def score(
        self,
        images: list[ImageInput] | tuple[ImageInput, ...],
        task: Task | str,
        *,
        threshold: float = 0.5,
        deployment: str | None = None,
    ) -> list[Outcome[Result]]: ...
    @overload
    def score(
        self, images: list[ImageT], task: Task | str, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Result]]: ...
    @overload
    def score(
        self, images: ImageInput, task: Task | str, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Result: ...
    def score(
        self,
        images: ImageInput | Sequence[ImageInput],
        task: Task | str,
        *,
        threshold: float = 0.5,
        deployment: str | None = None,
    ) -> Result | list[Outcome[Result]]:
        """Score one image, or several in one request, for a task held in a variable.

        Args:
            images: one image as for :meth:`classify`; or a list or tuple of them, sent together.
            task: :class:`Task`, or AutoML's name of it such as ``"image-object-detection"``.
            threshold: for multi-label, as in :meth:`classify_multilabel`.
            deployment: as for :meth:`classify`.

        Returns:
            For one image its result. For a list one :class:`Outcome` an image, in order: an image that cannot be
            read, here or by the server, is an error in its own place and does not harm the others.
        """
        kind, limit = task_of(task), checked_threshold(threshold)
        if is_several(images):
            several = cast("Sequence[ImageInput]", images)
            return self._run(scoring.score_together(several, kind, self._settings_for(deployment), limit))
        return self._score_one(cast(ImageInput, images), kind, limit, deployment)

    def _score_one(self, image: Any, task: Task, threshold: float = 0.5, deployment: str | None = None) -> Result:
        return self._run(scoring.score_one(image, task, self._settings_for(deployment), checked_threshold(threshold)))


class AsyncOne(AsyncConnected):
    """The awaited methods."""

    async def classify(self, image: ImageInput, *, deployment: str | None = None) -> Classification:
        """As :meth:`Client.classify`, awaited."""
        return cast(Classification, await self._score_one(image, Task.CLASSIFICATION, deployment=deployment))

    async def classify_multilabel(
        self, image: ImageInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> MultilabelClassification:
        """As :meth:`Client.classify_multilabel`, awaited."""
        return cast(MultilabelClassification, await self._score_one(image, Task.MULTILABEL, threshold, deployment))

    async def detect(self, image: ImageInput, *, deployment: str | None = None) -> Detections:
        """As :meth:`Client.detect`, awaited."""
        return cast(Detections, await self._score_one(image, Task.DETECTION, deployment=deployment))

    async def segment(self, image: ImageInput, *, deployment: str | None = None) -> Instances:
        """As :meth:`Client.segment`, awaited."""
        return cast(Instances, await self._score_one(image, Task.SEGMENTATION, deployment=deployment))

    @overload
    async def score(
        self,
        images: list[ImageInput] | tuple[ImageInput, ...],
        task: Task | str,
        *,
        threshold: float = 0.5,
        deployment: str | None = None,
    ) -> list[Outcome[Result]]: ...
    @overload
    async def score(
        self, images: list[ImageT], task: Task | str, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Result]]: ...
    @overload
    async def score(
        self, images: ImageInput, task: Task | str, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Result: ...
    async def score(
        self,
        images: ImageInput | Sequence[ImageInput],
        task: Task | str,
        *,
        threshold: float = 0.5,
        deployment: str | None = None,
    ) -> Result | list[Outcome[Result]]:
        """As :meth:`Client.score`, awaited."""
        kind, limit = task_of(task), checked_threshold(threshold)
        if is_several(images):
            several = cast("Sequence[ImageInput]", images)
            return await self._run(scoring.score_together(several, kind, self._settings_for(deployment), limit))
        return await self._score_one(cast(ImageInput, images), kind, limit, deployment)

    async def _score_one(self, image: Any, task: Task, threshold: float = 0.5, deployment: str | None = None) -> Result:
        return await self._run(
            scoring.score_one(image, task, self._settings_for(deployment), checked_threshold(threshold))
        )

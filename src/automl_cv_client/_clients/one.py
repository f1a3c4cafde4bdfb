"""One image, or several in one request: the four tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, overload

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
from automl_cv_client.task import (
    ClassificationTask,
    DetectionTask,
    MultilabelTask,
    SegmentationTask,
    Task,
    TaskInput,
    task_of,
)

Several = Sequence[ImageInput]
"""Images that are scored together, in a list or tuple. A ``str`` is a sequence, too, so one image comes first below."""


class One(Connected):
    """The blocking methods."""

    def classify(self, image: ImageInput, *, deployment: str | None = None) -> Classification:
        """Classify one image with a multi-class model: the probability of every class, of which one applies.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            A :class:`Classification`: ``label``, ``score``, ``top(n)``, ``as_dict()``.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> found = client.classify("img.jpg")
            >>> print(found.label, f"{found.score:.2f}")
            espresso 0.99
        """
        return cast(Classification, self._score_one(image, Task.CLASSIFICATION, deployment=deployment))

    def classify_multilabel(
        self, image: ImageInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> MultilabelClassification:
        """Classify one image with a multi-label model: the probability of every label; any number applies.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            threshold: probability, 0 to 1, above which ``above()`` counts a label as present.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            A :class:`MultilabelClassification`: ``above()``, ``top(n)``, ``as_dict()``.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> for label, score in client.classify_multilabel("img.jpg", threshold=0.3).above():
            ...     print(label, f"{score:.2f}")
            cup 0.96
            dining table 0.71
        """
        return cast(MultilabelClassification, self._score_one(image, Task.MULTILABEL, threshold, deployment))

    def detect(self, image: ImageInput, *, deployment: str | None = None) -> Detections:
        """Find the objects in one image: each with label, score and box.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            A :class:`Detections`, a sequence of :class:`Detection` in the server's order; empty when nothing was found.
            ``detection.pixel_box`` is in pixels of the upright image.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> for detection in client.detect("img.jpg").above(0.9):
            ...     print(detection)
            cup 0.96 at (173, 23, 415, 254)
        """
        return cast(Detections, self._score_one(image, Task.DETECTION, deployment=deployment))

    def segment(self, image: ImageInput, *, deployment: str | None = None) -> Instances:
        """Find the objects in one image with their outlines: each with label, score, box and polygons.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            An :class:`Instances`, a sequence of :class:`Instance` in the server's order; empty when nothing was found.
            ``instance.mask()`` is its mask at the upright image's size.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> for instance in client.segment("img.jpg").above(0.9):
            ...     print(instance.label, instance.mask().shape)
            cup (400, 600)
        """
        return cast(Instances, self._score_one(image, Task.SEGMENTATION, deployment=deployment))

    @overload
    def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: ClassificationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Classification: ...

    @overload
    def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: MultilabelTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> MultilabelClassification: ...

    @overload
    def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: DetectionTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Detections: ...

    @overload
    def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: SegmentationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Instances: ...

    @overload
    def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: TaskInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Result: ...

    @overload
    def score(
        self, images: Several, task: ClassificationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Classification]]: ...

    @overload
    def score(
        self, images: Several, task: MultilabelTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[MultilabelClassification]]: ...

    @overload
    def score(
        self, images: Several, task: DetectionTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Detections]]: ...

    @overload
    def score(
        self, images: Several, task: SegmentationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Instances]]: ...

    @overload
    def score(
        self, images: Several, task: TaskInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Result]]: ...
    def score(
        self,
        images: ImageInput | Several,
        task: TaskInput,
        *,
        threshold: float = 0.5,
        deployment: str | None = None,
    ) -> Result | list[Outcome[Result]] | list[Outcome[Any]]:
        """Score one image, or several in one request, for a task given by name.

        Args:
            images: one image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3), or
                a data URI; URLs where ``ImagePolicy(urls=…)`` allows them.
                Or a list or tuple of images, sent together.
            task: a :class:`Task`, AutoML's name of it such as ``"image-object-detection"``, or the name of its method,
                ``"detect"``.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            For one image its result, of the task's own type. For a list one :class:`Outcome` per image, in order: an
            image that cannot be read, here or by the server, is an error in its own place and does not harm the others.

        Raises:
            InvalidInput: there is no such task.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> outcomes = client.score(["img.jpg", b"no image"], "image-object-detection")
            >>> print([outcome.ok for outcome in outcomes])
            [True, False]
        """
        kind, limit = task_of(task), checked_threshold(threshold)
        if is_several(images):
            several = cast("Sequence[ImageInput]", images)
            return self._run(scoring.score_together(several, kind, self._settings_for(deployment), limit))
        return self._score_one(cast(ImageInput, images), kind, limit, deployment)

    def _score_one(self, image: Any, task: Task, threshold: float = 0.5, deployment: str | None = None) -> Result:
        settings = self._settings_for(deployment)
        return self._run(scoring.score_one(image, task, settings, checked_threshold(threshold)))


class AsyncOne(AsyncConnected):
    """The awaited methods."""

    async def classify(self, image: ImageInput, *, deployment: str | None = None) -> Classification:
        """Classify one image with a multi-class model: the probability of every class, of which one applies.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            A :class:`Classification`: ``label``, ``score``, ``top(n)``, ``as_dict()``.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> found = await client.classify("img.jpg")
            >>> print(found.label, f"{found.score:.2f}")
            espresso 0.99
        """
        return cast(Classification, await self._score_one(image, Task.CLASSIFICATION, deployment=deployment))

    async def classify_multilabel(
        self, image: ImageInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> MultilabelClassification:
        """Classify one image with a multi-label model: the probability of every label; any number applies.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            threshold: probability, 0 to 1, above which ``above()`` counts a label as present.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            A :class:`MultilabelClassification`: ``above()``, ``top(n)``, ``as_dict()``.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> for label, score in (await client.classify_multilabel("img.jpg", threshold=0.3)).above():
            ...     print(label, f"{score:.2f}")
            cup 0.96
            dining table 0.71
        """
        return cast(MultilabelClassification, await self._score_one(image, Task.MULTILABEL, threshold, deployment))

    async def detect(self, image: ImageInput, *, deployment: str | None = None) -> Detections:
        """Find the objects in one image: each with label, score and box.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            A :class:`Detections`, a sequence of :class:`Detection` in the server's order; empty when nothing was found.
            ``detection.pixel_box`` is in pixels of the upright image.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> for detection in (await client.detect("img.jpg")).above(0.9):
            ...     print(detection)
            cup 0.96 at (173, 23, 415, 254)
        """
        return cast(Detections, await self._score_one(image, Task.DETECTION, deployment=deployment))

    async def segment(self, image: ImageInput, *, deployment: str | None = None) -> Instances:
        """Find the objects in one image with their outlines: each with label, score, box and polygons.

        Args:
            image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3, RGB), or a data
                URI; URLs where ``ImagePolicy(urls=…)`` allows them.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            An :class:`Instances`, a sequence of :class:`Instance` in the server's order; empty when nothing was found.
            ``instance.mask()`` is its mask at the upright image's size.

        Raises:
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> for instance in (await client.segment("img.jpg")).above(0.9):
            ...     print(instance.label, instance.mask().shape)
            cup (400, 600)
        """
        return cast(Instances, await self._score_one(image, Task.SEGMENTATION, deployment=deployment))

    @overload
    async def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: ClassificationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Classification: ...

    @overload
    async def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: MultilabelTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> MultilabelClassification: ...

    @overload
    async def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: DetectionTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Detections: ...

    @overload
    async def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: SegmentationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Instances: ...

    @overload
    async def score(  # type: ignore[overload-overlap]
        self, images: ImageInput, task: TaskInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> Result: ...

    @overload
    async def score(
        self, images: Several, task: ClassificationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Classification]]: ...

    @overload
    async def score(
        self, images: Several, task: MultilabelTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[MultilabelClassification]]: ...

    @overload
    async def score(
        self, images: Several, task: DetectionTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Detections]]: ...

    @overload
    async def score(
        self, images: Several, task: SegmentationTask, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Instances]]: ...

    @overload
    async def score(
        self, images: Several, task: TaskInput, *, threshold: float = 0.5, deployment: str | None = None
    ) -> list[Outcome[Result]]: ...
    async def score(
        self,
        images: ImageInput | Several,
        task: TaskInput,
        *,
        threshold: float = 0.5,
        deployment: str | None = None,
    ) -> Result | list[Outcome[Result]] | list[Outcome[Any]]:
        """Score one image, or several in one request, for a task given by name.

        Args:
            images: one image: a path, bytes, a binary file object, a PIL image, a numpy array (height × width × 3), or
                a data URI; URLs where ``ImagePolicy(urls=…)`` allows them.
                Or a list or tuple of images, sent together.
            task: a :class:`Task`, AutoML's name of it such as ``"image-object-detection"``, or the name of its method,
                ``"detect"``.
            threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
            deployment: ask this deployment, this once; by default the client's, or the endpoint's traffic rules choose.

        Returns:
            For one image its result, of the task's own type. For a list one :class:`Outcome` per image, in order: an
            image that cannot be read, here or by the server, is an error in its own place and does not harm the others.

        Raises:
            InvalidInput: there is no such task.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed; its subclasses tell 401, 403, 404, 413, 424, 429 and 5xx.
            TransportError: no answer came: no connection, or ``timeout`` or ``deadline`` ran out.
            UnexpectedReply: the answer is not one of this task. ImageDropped: the server could not read the image.

        Example:
            >>> outcomes = await client.score(["img.jpg", b"no image"], "image-object-detection")
            >>> print([outcome.ok for outcome in outcomes])
            [True, False]
        """
        kind, limit = task_of(task), checked_threshold(threshold)
        if is_several(images):
            several = cast("Sequence[ImageInput]", images)
            return await self._run(scoring.score_together(several, kind, self._settings_for(deployment), limit))
        return await self._score_one(cast(ImageInput, images), kind, limit, deployment)

    async def _score_one(self, image: Any, task: Task, threshold: float = 0.5, deployment: str | None = None) -> Result:
        settings = self._settings_for(deployment)
        return await self._run(scoring.score_one(image, task, settings, checked_threshold(threshold)))

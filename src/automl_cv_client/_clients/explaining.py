"""Why a classification came out as it did, for the two classification tasks."""

from __future__ import annotations

from typing import Any, cast

from automl_cv_client._clients.connected import AsyncConnected, Connected
from automl_cv_client._flow.explaining import explain_one
from automl_cv_client._imaging import ImageInput
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Classification, MultilabelClassification
from automl_cv_client.task import Task, task_of


class Explaining(Connected):
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
        return self._run(explain_one(image, task_of(task), checked_parameters(parameters), self._settings))


class AsyncExplaining(AsyncConnected):
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
        return await self._run(explain_one(image, task_of(task), checked_parameters(parameters), self._settings))


def checked_parameters(parameters: XaiParameters | None) -> XaiParameters:
    """The parameters, or the service's own defaults. Raises InvalidInput for anything else, such as a dict."""
    if parameters is None:
        return XaiParameters()
    if not isinstance(parameters, XaiParameters):
        raise InvalidInput(f"parameters must be XaiParameters(…), not {type(parameters).__name__}")
    return parameters

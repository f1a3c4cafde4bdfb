"""What a model is to the container: images in, the service's JSON objects out.

Another demo model joins by offering ``score``; an explanation of a classification joins by
offering ``explain`` and being entered in ``explainer_for``. A classifier of the user's own is in ``own_classifier``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from automl_cv_client.local.classification import Classifier
from automl_cv_client.local.detection import Detector
from automl_cv_client.local.explainers import ClassificationExplainer, OcclusionExplainer
from automl_cv_client.local.multilabel import MultilabelClassifier
from automl_cv_client.local.segmentation import Segmenter
from automl_cv_client.local.xai_request import XaiRequest
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

JsonObject = dict[str, Any]


class Scorer(Protocol):
    """Scores images for one task. Called from several threads at once."""

    def score(self, images: list[Image]) -> list[JsonObject]:
        """One object per image, in order, of the shape §2 of the contract gives the task.

        Images have mode RGB and at least one pixel. Coordinates are fractions of the image.
        """
        ...


class Explainer(Protocol):
    """Explains classifications. Called from several threads at once."""

    def method(self, request: XaiRequest) -> str:
        """What is really done for a request, in ASCII: goes into the reply's header ``x-automl-cv-explainer``."""
        ...

    def explain(self, images: list[Image], request: XaiRequest) -> list[JsonObject]:
        """The scoring objects, each with ``visualizations`` and ``attributions`` (§5 of the contract)."""
        ...


def scorer_for(task: Task) -> Scorer:
    """The demo model of a task. Cheap: model files are read at the first ``score``."""
    scorers: dict[Task, type[Scorer]] = {
        Task.CLASSIFICATION: Classifier,
        Task.MULTILABEL: MultilabelClassifier,
        Task.DETECTION: Detector,
        Task.SEGMENTATION: Segmenter,
    }
    return scorers[task]()


def explainer_for(task: Task) -> Explainer | None:
    """What explains a task, or None: then a request for an explanation is answered with plain scores.

    Plain scores are what the service itself answers for detection and segmentation.
    """
    if task is Task.CLASSIFICATION:
        return ClassificationExplainer()
    return OcclusionExplainer(MultilabelClassifier(), multilabel=True) if task is Task.MULTILABEL else None

"""What a model is to everything around it: images in, the service's JSON objects out. Demo models and users' own.

Another demo model joins by offering what :class:`Model` asks for, and by its entry in ``demo_model``. A family of
exported models joins in ``recognition.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from automl_cv_client.local.classification import Classifier
from automl_cv_client.local.detection import Detector, MultilabelClassifier
from automl_cv_client.local.images import Reader
from automl_cv_client.local.segmentation import Segmenter
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

    from automl_cv_client.local.xai_request import XaiRequest

JsonObject = dict[str, Any]


class Model(Protocol):
    """Scores images for one task. Called from several threads at once.

    Attributes:
        name: for people: of the demo model, or of the file.
        reader: how it reads image files.
    """

    @property
    def name(self) -> str: ...
    @property
    def reader(self) -> Reader: ...

    def score(self, images: list[Image]) -> list[JsonObject]:
        """One object per image, in order, of the shape §2 of the contract gives the task.

        Images have mode RGB and at least one pixel. Coordinates are fractions of the image.
        """
        ...

    def explainer(self) -> Explainer | None:
        """What explains its answers, or None: then a request for an explanation is answered with plain scores.

        Plain scores are what the service itself answers for detection and segmentation.
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


def demo_model(task: Task) -> Model:
    """The demo model of a task. Cheap: model files are read at the first ``score``."""
    models: dict[Task, type[Model]] = {
        Task.CLASSIFICATION: Classifier,
        Task.MULTILABEL: MultilabelClassifier,
        Task.DETECTION: Detector,
        Task.SEGMENTATION: Segmenter,
    }
    return models[task]()

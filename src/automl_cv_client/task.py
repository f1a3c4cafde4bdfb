"""The four tasks of AutoML for Images, by their AutoML names."""

from __future__ import annotations

from enum import StrEnum

from automl_cv_client.errors import InvalidInput


class Task(StrEnum):
    """What a deployed model does. The value is AutoML's own name of the task.

    ``Task.CLASSIFICATION`` is ``"image-classification"``, ``Task.MULTILABEL`` ``"image-classification-multilabel"``,
    ``Task.DETECTION`` ``"image-object-detection"``, ``Task.SEGMENTATION`` ``"image-instance-segmentation"``.
    """

    CLASSIFICATION = "image-classification"
    MULTILABEL = "image-classification-multilabel"
    DETECTION = "image-object-detection"
    SEGMENTATION = "image-instance-segmentation"

    @property
    def method(self) -> str:
        """The client method that scores this task, e.g. ``"detect"``."""
        return _METHODS[self]

    @property
    def explainable(self) -> bool:
        """Whether the service can explain this task: the two classification tasks only."""
        return self in (Task.CLASSIFICATION, Task.MULTILABEL)


_METHODS = {
    Task.CLASSIFICATION: "classify",
    Task.MULTILABEL: "classify_multilabel",
    Task.DETECTION: "detect",
    Task.SEGMENTATION: "segment",
}


def task_of(task: Task | str) -> Task:
    """The task by itself or by AutoML's name. Raises InvalidInput, naming the four."""
    try:
        return Task(task)
    except ValueError:
        names = ", ".join(one.value for one in Task)
    raise InvalidInput(f"unknown task {task!r}: use one of {names}")

"""The four tasks of AutoML for Images, by their AutoML names."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

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
_BY_METHOD = {method: task for task, method in _METHODS.items()}

ClassificationTask = Literal[Task.CLASSIFICATION, "image-classification", "classify"]
MultilabelTask = Literal[Task.MULTILABEL, "image-classification-multilabel", "classify_multilabel"]
DetectionTask = Literal[Task.DETECTION, "image-object-detection", "detect"]
SegmentationTask = Literal[Task.SEGMENTATION, "image-instance-segmentation", "segment"]
"""What names a task, for overloads whose result's type depends on it."""

TaskName = Literal[
    "image-classification",
    "image-classification-multilabel",
    "image-object-detection",
    "image-instance-segmentation",
    "classify",
    "classify_multilabel",
    "detect",
    "segment",
]
"""The names of tasks: AutoML's own, and those of the client's methods."""

TaskInput = Task | TaskName | str
"""A task as callers give it. A ``str`` is checked at the call; the literals are there for editors to complete."""


def as_commands(text: str) -> str:
    """The text with the client's methods named as they are typed on the command line.

    >>> as_commands("use classify or classify_multilabel")
    'use classify or classify-multilabel'
    """
    typed = text.replace(Task.MULTILABEL.method, Task.MULTILABEL.method.replace("_", "-"))
    return typed.replace("explain_multilabel", "explain --multilabel")


def task_of(task: TaskInput) -> Task:
    """The task by itself, by AutoML's name, or by the name of its method. Raises InvalidInput, naming them.

    >>> task_of("image-object-detection") is task_of("detect") is Task.DETECTION
    True
    """
    try:
        return _BY_METHOD.get(task) or Task(task)
    except (ValueError, TypeError):
        names = ", ".join(member.value for member in Task)
    raise InvalidInput(f"unknown task {task!r}: use one of {names}; or {', '.join(_BY_METHOD)}")

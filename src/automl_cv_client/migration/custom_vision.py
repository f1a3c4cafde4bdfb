"""Custom Vision's predictions: of its prediction API and SDK, its exported containers, and the first API versions."""

from __future__ import annotations

from typing import Any, overload

from automl_cv_client._numbers import checked_threshold
from automl_cv_client.errors import UnsupportedTask
from automl_cv_client.geometry import Box
from automl_cv_client.migration.documents import Document, Fields, decoded, distinct
from automl_cv_client.migration.images import Exif, OldImage, image_info, upright
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detection,
    Detections,
    MultilabelClassification,
    Result,
)
from automl_cv_client.task import ClassificationTask, DetectionTask, MultilabelTask, Task, TaskInput, task_of

_SERVICE = "Custom Vision"
_FAR = 2.0  # in fractions of the image: no box reaches so far beyond the edge, but one in pixels does


@overload
def from_custom_vision(
    prediction: Document, task: ClassificationTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Classification: ...
@overload
def from_custom_vision(
    prediction: Document, task: MultilabelTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> MultilabelClassification: ...
@overload
def from_custom_vision(
    prediction: Document, task: DetectionTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Detections: ...
@overload
def from_custom_vision(
    prediction: Document, task: TaskInput, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Result: ...
def from_custom_vision(
    prediction: Document, task: TaskInput, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Result:
    """Read one stored prediction of Custom Vision.

    Args:
        prediction: its JSON, decoded or as text, or the object that ``detect_image`` or ``classify_image`` returned.
        task: ``"detect"`` for an object detection project; for a classification project ``"classify"`` or
            ``"classify_multilabel"``, which a prediction does not tell apart.
        image: the image it speaks of, or its (width, height): a prediction holds fractions and no size.
        threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
        exif: for a photo that is stored sideways: whether Custom Vision ``"applied"`` its orientation or ``"ignored"``
            it. If ``"unknown"``, objects in such a photo are an error.

    Returns:
        The result of the task. Ids and tag types are in ``extra``, and ``call.answered_by`` is ``"Custom Vision"``.

    Raises:
        UnexpectedReply: it is no prediction, one of another kind of project, or an error message of the service.
        InvalidInput: an argument cannot be used. ImageError: the image cannot be read.
        UnsupportedTask: Custom Vision has no segmentation.

    Example:
        >>> stored = '{"predictions": [{"tagName": "cup", "probability": 0.96, "boundingBox":'
        >>> stored += ' {"left": 0.3, "top": 0.1, "width": 0.4, "height": 0.5}}]}'
        >>> print(from_custom_vision(stored, "detect", (600, 400))[0])
        cup 0.96 at (180, 40, 420, 240)
    """
    kind, limit = task_of(task), checked_threshold(threshold)
    if kind is Task.SEGMENTATION:
        raise UnsupportedTask("Custom Vision finds boxes, not outlines: read its predictions with task 'detect'")
    fields = Fields(decoded(prediction, _SERVICE), _SERVICE)
    if fields.get("predictions") is None:
        fields.refuse_message()
    found = fields.objects("predictions")
    common: dict[str, Any] = {
        "image": image_info(image),
        "call": CallInfo(answered_by=_SERVICE),
        "extra": fields.others("predictions"),
    }
    if kind is Task.DETECTION:
        return upright(Detections(**common, objects=tuple(map(_detection, found))), exif)
    for item in found:
        if item.get("boundingBox") is not None:
            item.wrong("it has a boundingBox: this is a prediction of an object detection project, task 'detect'")
    if not found:
        fields.wrong("it has no predictions: a classification names at least one class")
    labels = distinct([item.label("tagName", "tag") for item in found], fields)
    probs = tuple(item.score("probability") for item in found)
    if kind is Task.CLASSIFICATION:
        return Classification(**common, labels=labels, probs=probs)
    return MultilabelClassification(**common, labels=labels, probs=probs, threshold=limit)


def _detection(fields: Fields) -> Detection:
    if fields.get("boundingBox") is None:
        fields.wrong("it has no boundingBox: a prediction of a classification project? Use 'classify'")
    return Detection(
        label=fields.label("tagName", "tag"),
        score=fields.score("probability"),
        box=_fractions(fields.within("boundingBox")),
        extra=fields.others("tagName", "tag", "probability", "boundingBox") or None,
    )


def _fractions(fields: Fields) -> Box:
    box = fields.rectangle("left", "top", "width", "height")
    if max(map(abs, box)) > _FAR:
        edges = ", ".join(f"{edge:g}" for edge in box)
        fields.wrong(f"its edges ({edges}) must be fractions of the image, 0 to 1; these look like pixels")
    return box

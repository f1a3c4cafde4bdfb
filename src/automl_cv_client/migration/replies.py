"""Replies of the scoring script itself, as SDK v1's ``Webservice.run``, ``invoke`` or a POST gave them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast, overload

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._protocol.replies import WrongShape, read_rows, result_of
from automl_cv_client._text import shortened
from automl_cv_client.errors import AutoMLVisionError, ImageDropped, UnexpectedReply
from automl_cv_client.migration.documents import Document, decoded, excerpt
from automl_cv_client.migration.images import Exif, OldImage, checked_exif, image_info, is_one_image, upright
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detections,
    Failed,
    Instances,
    MultilabelClassification,
    Outcome,
    Result,
    Scored,
)
from automl_cv_client.task import (
    ClassificationTask,
    DetectionTask,
    MultilabelTask,
    SegmentationTask,
    TaskInput,
    task_of,
)

_SERVICE = "the endpoint"

Several = Sequence[OldImage]
"""The images of one request, in order."""


@overload
def from_reply(  # type: ignore[overload-overlap]
    reply: Document, task: ClassificationTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Classification: ...
@overload
def from_reply(  # type: ignore[overload-overlap]
    reply: Document, task: MultilabelTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> MultilabelClassification: ...
@overload
def from_reply(  # type: ignore[overload-overlap]
    reply: Document, task: DetectionTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Detections: ...
@overload
def from_reply(  # type: ignore[overload-overlap]
    reply: Document, task: SegmentationTask, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Instances: ...
@overload
def from_reply(  # type: ignore[overload-overlap]
    reply: Document, task: TaskInput, image: OldImage, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> Result: ...
@overload
def from_reply(
    reply: Document,
    task: ClassificationTask,
    image: Sequence[OldImage],
    *,
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> list[Outcome[Classification]]: ...
@overload
def from_reply(
    reply: Document, task: MultilabelTask, image: Several, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> list[Outcome[MultilabelClassification]]: ...
@overload
def from_reply(
    reply: Document, task: DetectionTask, image: Several, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> list[Outcome[Detections]]: ...
@overload
def from_reply(
    reply: Document,
    task: SegmentationTask,
    image: Sequence[OldImage],
    *,
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> list[Outcome[Instances]]: ...
@overload
def from_reply(
    reply: Document, task: TaskInput, image: Several, *, threshold: float = 0.5, exif: Exif = "unknown"
) -> list[Outcome[Result]]: ...
def from_reply(
    reply: Document,
    task: TaskInput,
    image: OldImage | Several,
    *,
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> Result | list[Outcome[Any]]:
    """Read a stored reply of an endpoint.

    Every form of the service's servers is read, as for a call: lists, the bare object of old scoring scripts, JSON in a
    JSON string, Hugging Face models.

    Args:
        reply: its text, decoded JSON, or what ``str()`` made of that.
        task: what the model does: a :class:`Task`, AutoML's name of it, or the name of its method.
        image: the image it speaks of, or its (width, height): a reply holds fractions and no size. For a request
            with several images the list of them, in order.
        threshold: for multi-label: probability, 0 to 1, above which a label counts as present.
        exif: for a photo that is stored sideways and was sent as it was: whether the model ``"applied"`` its
            orientation (YOLOv5) or ``"ignored"`` it (the others). If ``"unknown"``, objects in such a photo fail.

    Returns:
        For one image its result, of the task's own type. For a list one :class:`Outcome` per image, in order.

    Raises:
        UnexpectedReply: it is not a reply of this task; its message quotes an error that the script returned.
        ImageDropped: the reply is empty: the server could not read the image. With a list, a reply of fewer rows than
            images cannot be told apart, and every outcome says so.
        InvalidInput: an argument cannot be used. ImageError: the image cannot be read.

    Example:
        >>> stored = '[{"boxes": [{"label": "cup", "score": 0.96, "box": {"topX": 0.3, "topY": 0.1, "bottomX": 0.7,'
        >>> stored += ' "bottomY": 0.6}}]}]'
        >>> print(from_reply(stored, "detect", (600, 400))[0])
        cup 0.96 at (180, 40, 420, 240)
    """
    kind, limit = task_of(task), checked_threshold(threshold)
    checked_exif(exif)
    rows = _rows(reply, task)

    def result(row: dict[str, object], info: ImageInfo) -> Result:
        return upright(result_of(kind, row, info, CallInfo(), limit), exif)

    if is_one_image(image):
        info = image_info(cast(OldImage, image))
        _refuse_other_number(len(rows), 1, reply)
        return result(rows[0], info)
    images = cast(Several, image)
    outcomes: list[Outcome[Result]] = []
    for index, given in enumerate(images):
        try:
            _refuse_other_number(len(rows), len(images), reply)
            outcomes.append(Scored(index, given, result(rows[index], image_info(given))))
        except AutoMLVisionError as error:
            outcomes.append(Failed(index, given, error=error))
    return outcomes


def _rows(reply: Document, task: TaskInput) -> list[dict[str, object]]:
    if isinstance(reply, str | bytes) and not reply.strip():
        return []  # the old score.py, which could not read the image
    value = decoded(reply, _SERVICE)
    try:
        return read_rows(json.dumps(value).encode(), task_of(task))
    except WrongShape as error:
        said = f" (it said: {shortened(error.said, 300)})" if error.said else ""
        problem = f"{error}{said}"
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"the reply is not JSON ({shortened(str(error), 100)})"
    raise UnexpectedReply(f"a stored reply of {_SERVICE}: {problem}", excerpt=excerpt(value))


def _refuse_other_number(rows: int, images: int, reply: Document) -> None:
    """Raise ImageDropped or UnexpectedReply for a reply that has not a row for each image."""
    if rows == images:
        return
    if not rows:
        raise ImageDropped("the reply is empty: the server could not read the image; score it again")
    problem = f"the reply has {rows} rows for {images} image{'s' * (images > 1)}"
    if rows < images:
        raise ImageDropped(f"{problem}: the server left out what it could not read, not saying which: score again")
    raise UnexpectedReply(f"{problem}: give the images of the request, in its order", excerpt=excerpt(reply))

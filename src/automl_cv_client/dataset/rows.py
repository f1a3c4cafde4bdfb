"""The four kinds of training rows: what one line of a JSONL file says of one image. Values only, no I/O.

The format is Microsoft's "Data schemas to train computer vision models with automated machine learning". Rows are
frozen; keys they do not know are kept and written back. Whether the values make sense (a box inside the image, a
polygon with three corners) is not their business: see ``check``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from automl_cv_client.annotations import AnnotatedImage, Annotation
from automl_cv_client.dataset.urls import path_of
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.training import FORMATS as FORMATS
from automl_cv_client.geometry import Box, Segment, Size
from automl_cv_client.task import Task

_TRUTH = {"0": False, "1": True, "false": False, "true": True}


def _is_strict(info: ValidationInfo) -> bool:
    return bool(info.context)


def _pixels(value: Any) -> Any:
    """400 for ``400``, ``400.0``, ``"400"`` and ``"400px"``: the schema allows a string or a number."""
    text = value.strip().lower().removesuffix("px").strip() if isinstance(value, str) else value
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _truth(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, str) and not _is_strict(info):
        return _TRUTH.get(value.strip().lower(), value)
    return bool(value) if value in (0, 1) else value


def _segments(value: Any, info: ValidationInfo) -> Any:
    """A flat list of numbers is one segment: a common slip, and unmistakable."""
    if not isinstance(value, list | tuple):
        return value
    flat = bool(value) and not any(isinstance(part, list | tuple) for part in value)
    segments = [value] if flat and not _is_strict(info) else value
    return tuple(tuple(part) if isinstance(part, list) else part for part in segments)


Pixels = Annotated[int, BeforeValidator(_pixels), Field(gt=0)]
Crowd = Annotated[bool, BeforeValidator(_truth)]
Share = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]


class _Part(BaseModel, frozen=True):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        populate_by_name=True,
        coerce_numbers_to_str=True,
        defer_build=True,
    )


class ImageDetails(_Part, frozen=True):
    """What a row says of its image file; each part may be missing.

    Attributes:
        format: the file's kind, one of ``FORMATS``.
        width: in pixels; read from ``400`` or ``"400px"``, written as a number.
        height: in pixels.
    """

    format: str | None = None
    width: Pixels | None = None
    height: Pixels | None = None


class BoxLabel(_Part, frozen=True):
    """One labelled box, in fractions of the image: 0 is the left or top edge, 1 the right or bottom one.

    Attributes:
        label: its class.
        left: ``topX`` in the file. top: ``topY``. right: ``bottomX``. bottom: ``bottomY``.
        crowd: ``isCrowd``: the box surrounds a crowd of objects, and metrics skip it.
    """

    label: Name
    left: Share = Field(alias="topX")
    top: Share = Field(alias="topY")
    right: Share = Field(alias="bottomX")
    bottom: Share = Field(alias="bottomY")
    crowd: Crowd = Field(default=False, alias="isCrowd")

    @property
    def box(self) -> Box:
        """The box, normalised as everywhere in this package."""
        return Box(self.left, self.top, self.right, self.bottom)

    def annotated(self) -> Annotation:
        """The label as a plain value, as drawings, evaluation and the formats of other tools take it."""
        return Annotation(self.label, None, self.box, crowd=self.crowd)


class PolygonLabel(_Part, frozen=True):
    """One labelled outline, in fractions of the image.

    Attributes:
        label: its class.
        crowd: ``isCrowd``: the outline surrounds a crowd of objects, and metrics skip it.
        polygon: segments of the one instance, each flat ``(x1, y1, x2, y2, …)``, read by the even-odd rule.
    """

    label: Name
    crowd: Crowd = Field(default=False, alias="isCrowd")
    polygon: Annotated[tuple[tuple[Share, ...], ...], BeforeValidator(_segments)]

    @property
    def box(self) -> Box:
        """The smallest box around all segments; empty at the origin when there is no point."""
        xs = [x for segment in self.polygon for x in segment[0::2]]
        ys = [y for segment in self.polygon for y in segment[1::2]]
        return Box(min(xs), min(ys), max(xs), max(ys)) if xs and ys else Box(0.0, 0.0, 0.0, 0.0)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments that have at least three points: the others enclose nothing."""
        return tuple(segment for segment in self.polygon if len(segment) >= 6)

    def annotated(self) -> Annotation:
        """The label as a plain value, as drawings, evaluation and the formats of other tools take it."""
        return Annotation(self.label, None, self.box, self.segments, self.crowd)


class Row(_Part, frozen=True):
    """What the four kinds share.

    Attributes:
        image_url: where the image is: an ``azureml://`` URL, or a path.
        image_details: format and size, when the row tells them.
    """

    task: ClassVar[Task]
    image_url: Name
    image_details: ImageDetails | None = None

    def to_json(self) -> dict[str, Any]:
        """The row under the schema's own keys, ready for ``json.dumps``."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def classes(self) -> list[str]:
        """The classes named, one for each label, in order; a class named twice is there twice."""
        raise NotImplementedError

    def annotated(self) -> AnnotatedImage:
        """Labels or objects as plain values, as drawings, evaluation and the formats of other tools take them.

        ``source`` is the path in ``image_url``: without the datastore or the host, and without a query.
        """
        details = self.image_details
        size = None
        if details is not None and details.width is not None and details.height is not None:
            size = Size(details.width, details.height)
        return AnnotatedImage(self.task, size, _path_in(self.image_url), *self._content())

    def _content(self) -> tuple[tuple[tuple[str, None], ...], tuple[Annotation, ...]]:
        """Labels of the whole image, and objects."""
        return tuple((label, None) for label in self.classes()), ()


class ClassificationRow(Row, frozen=True):
    """One class for the image."""

    task = Task.CLASSIFICATION
    label: Name

    def classes(self) -> list[str]:
        """The one class."""
        return [self.label]


class MultilabelRow(Row, frozen=True):
    """Any number of labels for the image, none included."""

    task = Task.MULTILABEL
    label: tuple[Name, ...]

    def classes(self) -> list[str]:
        """The labels, in order."""
        return list(self.label)


class DetectionRow(Row, frozen=True):
    """The boxes in the image; an empty list for an image without objects."""

    task = Task.DETECTION
    label: tuple[BoxLabel, ...]

    def classes(self) -> list[str]:
        """The class of each object, in order."""
        return [item.label for item in self.label]

    def _content(self) -> tuple[tuple[tuple[str, None], ...], tuple[Annotation, ...]]:
        return (), tuple(item.annotated() for item in self.label)


class SegmentationRow(Row, frozen=True):
    """The outlined instances in the image; an empty list for an image without objects."""

    task = Task.SEGMENTATION
    label: tuple[PolygonLabel, ...]

    def classes(self) -> list[str]:
        """The class of each object, in order."""
        return [item.label for item in self.label]

    def _content(self) -> tuple[tuple[tuple[str, None], ...], tuple[Annotation, ...]]:
        return (), tuple(item.annotated() for item in self.label)


ROW_KINDS: dict[Task, type[Row]] = {
    kind.task: kind for kind in (ClassificationRow, MultilabelRow, DetectionRow, SegmentationRow)
}


def _path_in(image_url: str) -> str:
    try:
        return path_of(image_url)
    except InvalidInput:  # malformed, which ``check`` tells
        return image_url


def task_of_row(row: Mapping[str, Any]) -> Task | None:
    """The task a decoded row is for; None when it does not tell: an empty list, or no usable label."""
    label = row.get("label")
    if isinstance(label, str | int | float):
        return Task.CLASSIFICATION
    if not isinstance(label, list) or not label:
        return None
    if not isinstance(label[0], dict):
        return Task.MULTILABEL
    return (
        Task.SEGMENTATION if any("polygon" in entry for entry in label if isinstance(entry, dict)) else Task.DETECTION
    )

"""The shapes of a reply as today's service writes them, one object an image, for pydantic to check.

Unknown keys pass through. Numbers may be NaN or infinite: the server writes them with Python's ``json.dumps``. A list
is given up at its first wrong item: an error of pydantic's has 400 bytes, and a wrong reply may have a million.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Annotated, Any

from pydantic import ConfigDict, FailFast, Strict, TypeAdapter

from automl_cv_client.task import Task

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict  # pydantic needs this one there

_LOOSE = ConfigDict(extra="allow", coerce_numbers_to_str=True)  # labels may be numbers

Number = Annotated[float, Strict()]  # not "0.5" and not true


class WireBox(TypedDict):
    """Fractions of the image's width and height."""

    topX: Number
    topY: Number
    bottomX: Number
    bottomY: Number


class WireDetection(TypedDict):
    __pydantic_config__ = _LOOSE  # type: ignore[misc]

    label: str
    score: Number
    box: WireBox


class WireInstance(TypedDict):
    __pydantic_config__ = _LOOSE  # type: ignore[misc]

    label: str
    score: Number
    box: WireBox
    polygon: Annotated[tuple[Annotated[tuple[Number, ...], FailFast()], ...], FailFast()]


class DetectionRow(TypedDict):
    __pydantic_config__ = _LOOSE  # type: ignore[misc]

    boxes: Annotated[list[WireDetection], FailFast()]


class PlainDetection(TypedDict):
    __pydantic_config__ = ConfigDict(extra="ignore", coerce_numbers_to_str=True)  # type: ignore[misc]

    label: str
    score: Number
    box: WireBox


class PlainDetectionRow(TypedDict):
    __pydantic_config__ = _LOOSE  # type: ignore[misc]

    boxes: Annotated[list[PlainDetection], FailFast()]


class SegmentationRow(TypedDict):
    __pydantic_config__ = _LOOSE  # type: ignore[misc]

    boxes: Annotated[list[WireInstance], FailFast()]


class ClassificationRow(TypedDict):
    __pydantic_config__ = _LOOSE  # type: ignore[misc]

    probs: Annotated[tuple[Number, ...], FailFast()]
    labels: Annotated[tuple[str, ...], FailFast()]


Row = dict[str, Any]
"""One image's object, checked against one of the classes above."""

_ROWS: dict[Task, Any] = {
    Task.CLASSIFICATION: ClassificationRow,
    Task.MULTILABEL: ClassificationRow,
    Task.DETECTION: DetectionRow,
    Task.SEGMENTATION: SegmentationRow,
}


_FAILING_FAST: Any = Annotated


@cache
def adapter(task: Task) -> TypeAdapter[list[Row]]:
    """The checker of a whole reply of this task. Built at the first reply: it costs milliseconds."""
    rows: Any = list.__class_getitem__(_ROWS[task])
    return TypeAdapter(_FAILING_FAST[rows, FailFast()])


@cache
def plain_adapter() -> TypeAdapter[list[Row]]:
    """As :func:`adapter` of detection, but forgets unknown keys of objects and boxes, for two thirds of the CPU."""
    rows: Any = Annotated[list[PlainDetectionRow], FailFast()]
    return TypeAdapter(rows)


_KEYS_OF_AN_OBJECT = len(PlainDetection.__annotations__) + len(WireBox.__annotations__)


def has_unknown_keys(body: bytes, rows: list[Row]) -> bool:
    """Whether objects in this body have keys that :func:`plain_adapter` forgot; True when in doubt.

    Every key is followed by a colon, and a colon that follows none is inside a text. So when there are no more
    colons than known keys, there are no other keys.
    """
    known = sum(len(row) + _KEYS_OF_AN_OBJECT * len(row["boxes"]) for row in rows)
    return body.count(b":") > known

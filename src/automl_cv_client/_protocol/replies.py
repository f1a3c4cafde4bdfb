"""Reads replies of status 200: bytes in, rows and results out; no I/O.

A wrong reply costs no more than a right one of its size: reading stops at the first error, and a body of very many
small values is walked through before it is parsed (``outline.py``).

JSON oddities: NaN and infinity are numbers, of a key that comes twice the last counts, a byte-order mark is
skipped, a lone surrogate or more than some 200 levels of nesting are refused.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import Annotated, Any

from pydantic import ConfigDict, FailFast, Strict, TypeAdapter, ValidationError

from automl_cv_client._protocol import forms
from automl_cv_client.geometry import Box
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detection,
    Detections,
    ImageInfo,
    Instance,
    Instances,
    MultilabelClassification,
    Result,
)
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


_PER_VALUE = 32  # bytes of a number, in a list
_PER_BRACKET = 450  # bytes of an empty object or list, parsed
_PER_KEY = 150  # bytes, with its text and its share of the dictionary
_ALLOWANCE = 8_000_000  # bytes
_SMALL = 80_000  # bytes of a body that takes 20 MB at most, parsed, whatever it holds
_SPOTS, _SPOT, _MOST_APART = 20, 256, 100_000  # at least so many, of so many bytes, so many bytes apart
_USUAL = 4  # bytes a character: polygons and probabilities take 2


class WrongShape(ValueError):
    """The body is not a reply of the task; the text says what it is and what to do.

    Attributes:
        said: what the server says in it, as it stands there; None where it says nothing.
    """

    def __init__(self, problem: str, said: str | None = None) -> None:
        super().__init__(problem)
        self.said = said


def nothing() -> None:
    """The step of a reader whom nobody stops."""


def read_rows(body: bytes, task: Task, *, strict: bool = False, step: Callable[[], None] = nothing) -> list[Row]:
    """The rows of a reply, one an image the server could read, in request order.

    Args:
        body: the reply's bytes.
        task: what was asked for.
        strict: accept only today's form, without unknown keys.
        step: called before each part of the work; what it raises ends the reading.

    Raises:
        WrongShape: anything else.
    """
    refuse_wrong_outline(body, task, step)
    rows = _read_common_form(body, task)
    if rows is None:
        step()
        rows = _read_other_form(body, task, strict, step)
    for row in rows:
        _check(row, task, strict)
    return rows


def refuse_wrong_outline(body: bytes, task: Task, step: Callable[[], None] = nothing) -> None:
    """Raises WrongShape for a body that would take much memory to parse and is no reply of this task."""
    if not _is_dense(body):
        return
    from automl_cv_client._protocol.outline import OutOfLine, check_outline  # patterns, which take 20 ms to compile

    try:
        check_outline(forms.unwrapped(body), task, step)
    except forms.NotAReply as error:
        problem = f"the reply is {error}"
    except OutOfLine as error:
        problem = f"the reply is not one of {task.value}: {error}"
    else:
        return
    raise WrongShape(problem)


def _is_dense(body: bytes) -> bool:
    """Whether the body holds so many values that parsing it would take much more memory than the body."""
    size = len(body)
    if size <= _SMALL:
        return False
    # Counting costs a third of the parsing, so first a few spots are looked at, where nobody can know.
    apart = min(size // _SPOTS, _MOST_APART)
    first = random.randrange(apart)
    spots = (body[at : at + _SPOT] for at in range(first, size, apart))
    if max(map(_parsed_size, spots)) <= _USUAL * _SPOT:
        return False
    return _parsed_size(body) > size // 2 + _ALLOWANCE


def _parsed_size(text: bytes) -> int:
    """About how many bytes the values of a JSON text take."""
    brackets = text.count(b"{") + text.count(b"[")
    return brackets * _PER_BRACKET + text.count(b":") * _PER_KEY + text.count(b",") * _PER_VALUE


def _read_common_form(body: bytes, task: Task) -> list[Row] | None:
    """The common case at full speed; None when the body has any other form."""
    try:
        if task is Task.DETECTION:
            rows = plain_adapter().validate_json(body)
            if not has_unknown_keys(body, rows):
                return rows
        return adapter(task).validate_json(body)
    except ValidationError:
        return None


def _read_other_form(body: bytes, task: Task, strict: bool, step: Callable[[], None]) -> list[Row]:
    said: str | None = None
    try:
        inside = forms.unwrapped(body)
        if len(inside) != len(body):
            refuse_wrong_outline(inside, task, step)
        rows = forms.in_common_form(inside)
        step()
        valid = adapter(task).validate_python(rows)
    except forms.NotAReply as error:
        problem, said = f"the reply is {error}", error.said
    except ValidationError as error:
        problem, said = _diagnosis(rows, task, error), forms.said_in(rows[0])
    else:
        if not strict:
            return valid
        problem = "the reply has another form than today's servers of AutoML write, and strict=True refuses those"
    raise WrongShape(problem, said)  # out of the handler: pydantic's error holds the whole reply


def _diagnosis(rows: list[Any], task: Task, error: ValidationError) -> str:
    """What the rows are instead, in words."""
    first = rows[0] if rows else None
    keys = first.keys() if isinstance(first, dict) else set()
    if "boxes" in keys and task.explainable:
        return f"this endpoint answers with boxes: use {_methods_for(first)}"
    if "probs" in keys and not task.explainable:
        return "this endpoint answers with class probabilities: use classify or classify_multilabel"
    if "boxes" in keys and task is Task.SEGMENTATION and not _has_polygons(first):
        return "this endpoint answers with boxes but no polygons: use detect"
    if forms.said_in(first) is not None:
        return "the reply is a message, not a score"
    where = error.errors(include_url=False, include_context=False, include_input=False)[0]
    at = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where["loc"])
    return f"the reply is not one of {task.value}: at {at or 'its top'}: {where['msg']}"


def _methods_for(row: Any) -> str:
    if not row["boxes"]:
        return "detect or segment"
    return "segment" if _has_polygons(row) else "detect"


def _has_polygons(row: Any) -> bool:
    boxes = row["boxes"]
    return isinstance(boxes, list) and all(isinstance(wire, dict) and "polygon" in wire for wire in boxes)


_KNOWN = {"boxes", "probs", "labels", "box", "label", "score", "polygon", "visualizations", "attributions"}


def _check(row: Row, task: Task, strict: bool) -> None:
    if task.explainable and (len(row["probs"]) != len(row["labels"]) or not row["probs"]):
        raise WrongShape(f"the reply has {len(row['probs'])} probs for {len(row['labels'])} labels")
    if strict:
        objects = () if task.explainable else row["boxes"]
        unknown = set().union(row, *objects) - _KNOWN | set().union(*(wire["box"] for wire in objects)) - {*_CORNERS}
        if unknown:
            raise WrongShape(f"the reply has unknown keys, and strict=True refuses those: {sorted(unknown)[:8]}")


def result_of(task: Task, row: Row, image: ImageInfo, call: CallInfo, threshold: float = 0.5) -> Result:
    """The result of one row.

    Args:
        task: the row's task.
        row: as :func:`read_rows` gave it.
        image: the row's image.
        call: how the call went.
        threshold: for multi-label: the probability above which a label counts as present.
    """
    return _BUILDERS[task](row, image, call, threshold)


def _classification(row: Row, image: ImageInfo, call: CallInfo, threshold: float) -> Classification:
    return Classification._trusted({**_classes(row, image, call), "explanation": None})


def _multilabel(row: Row, image: ImageInfo, call: CallInfo, threshold: float) -> MultilabelClassification:
    return MultilabelClassification._trusted({**_classes(row, image, call), "threshold": threshold, "explanations": ()})


def _classes(row: Row, image: ImageInfo, call: CallInfo) -> dict[str, Any]:
    extra = forms.without_nulls(_others(row, ("probs", "labels"))) if len(row) > 2 else {}
    return {"image": image, "call": call, "extra": extra, "probs": row["probs"], "labels": row["labels"]}


def _detections(row: Row, image: ImageInfo, call: CallInfo, threshold: float) -> Detections:
    return Detections._made_later(_of_objects(row, image, call), partial(_objects, Detection, row["boxes"], image))


def _instances(row: Row, image: ImageInfo, call: CallInfo, threshold: float) -> Instances:
    return Instances._made_later(_of_objects(row, image, call), partial(_objects, Instance, row["boxes"], image))


def _of_objects(row: Row, image: ImageInfo, call: CallInfo) -> dict[str, Any]:
    return {"image": image, "call": call, "extra": _others(row, ("boxes",))}


def _objects(kind: type[Any], boxes: list[Row], image: ImageInfo) -> tuple[Any, ...]:
    """The records of a row's objects, made of the row's dictionaries in place: a reply holds 100 of them."""
    new, known = tuple.__new__, _OBJECT_KEYS[kind]
    for wire in boxes:
        box = wire["box"]
        extra = None if len(wire) == len(known) and len(box) == len(_CORNERS) else _unknown(wire, known)
        for key in extra or ():
            wire.pop(key)
        wire["box"] = new(Box, (box["topX"], box["topY"], box["bottomX"], box["bottomY"]))
        wire["extra"] = extra
    if kind is Instance:
        for wire in boxes:
            wire["polygons"] = wire.pop("polygon")
    records: tuple[Any, ...] = kind._trusted_many(boxes, {"_image": image})
    return records


_CORNERS = ("topX", "topY", "bottomX", "bottomY")
_OBJECT_KEYS: dict[type[Any], tuple[str, ...]] = {
    Detection: ("label", "score", "box"),
    Instance: ("label", "score", "box", "polygon"),
}


def _unknown(wire: Row, known: tuple[str, ...]) -> dict[str, Any]:
    """What an object and its box have besides the known keys, in the reply's own form."""
    box = _others(wire["box"], _CORNERS)
    return {**_others(wire, known), **({"box": box} if box else {})}


def _others(row: Row, known: tuple[str, ...]) -> dict[str, Any]:
    """The keys of a row besides the known ones; almost always none."""
    return {key: value for key, value in row.items() if key not in known}


_BUILDERS: dict[Task, Callable[[Row, ImageInfo, CallInfo, float], Result]] = {
    Task.CLASSIFICATION: _classification,
    Task.MULTILABEL: _multilabel,
    Task.DETECTION: _detections,
    Task.SEGMENTATION: _instances,
}

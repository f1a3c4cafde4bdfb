"""Reads replies of status 200: bytes in, rows and results out; no I/O.

JSON oddities: NaN and infinity are numbers, of a key that comes twice the last counts, a byte-order mark is
skipped, a lone surrogate or more than some 200 levels of nesting are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import ValidationError

from automl_cv_client._protocol import drift
from automl_cv_client._protocol.wire import Row, adapter, has_unknown_keys, plain_adapter
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


class WrongShape(ValueError):
    """The body is not a reply of the task; the text says what it is and what to do."""


def read_rows(body: bytes, task: Task, *, strict: bool = False) -> list[Row]:
    """The rows of a reply, one an image the server could read, in request order.

    Args:
        body: the reply's bytes.
        task: what was asked for.
        strict: accept only today's form, without unknown keys.

    Raises:
        WrongShape: anything else.
    """
    rows = _read_todays(body, task)
    if rows is None:
        rows = _read_drifted(body, task, strict)
    for row in rows:
        _check(row, strict)
    return rows


def _read_todays(body: bytes, task: Task) -> list[Row] | None:
    """The common case at full speed; None when the body has any other form."""
    try:
        if task is Task.DETECTION:
            rows = plain_adapter().validate_json(body)
            if not has_unknown_keys(body, rows):
                return rows
        return adapter(task).validate_json(body)
    except ValidationError:
        return None


def _read_drifted(body: bytes, task: Task, strict: bool) -> list[Row]:
    problem = ""
    try:
        rows = drift.modernised(body)
        valid = adapter(task).validate_python(rows)
    except drift.NotAReply as error:
        problem = f"the reply is {error}"
    except ValidationError as error:
        problem = _diagnosis(rows, task, error)
    else:
        if not strict:
            return valid
        problem = "the reply has a form of another server version, and strict=True refuses those"
    raise WrongShape(problem)  # out of the handler: pydantic's error holds the whole reply


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
    if "message" in keys:
        return "the reply is a message, not a score"
    where = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where["loc"])
    return f"the reply is not one of {task.value}: at {place or 'its top'}: {where['msg']}"


def _methods_for(row: Any) -> str:
    if not row["boxes"]:
        return "detect or segment"
    return "segment" if _has_polygons(row) else "detect"


def _has_polygons(row: Any) -> bool:
    boxes = row["boxes"]
    return isinstance(boxes, list) and all(isinstance(one, dict) and "polygon" in one for one in boxes)


_KNOWN = {"boxes", "probs", "labels", "box", "label", "score", "polygon", "visualizations", "attributions"}


def _check(row: Row, strict: bool) -> None:
    if "probs" in row and (len(row["probs"]) != len(row["labels"]) or not row["probs"]):
        raise WrongShape(f"the reply has {len(row['probs'])} probs for {len(row['labels'])} labels")
    if strict:
        objects = row.get("boxes", ())
        unknown = set().union(row, *objects) - _KNOWN | set().union(*(one["box"] for one in objects)) - {*_CORNERS}
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
    extra = drift.without_nulls(_others(row, ("probs", "labels"))) if len(row) > 2 else {}
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
    for one in boxes:
        box = one["box"]
        extra = None if len(one) == len(known) and len(box) == len(_CORNERS) else _unknown(one, known)
        for key in extra or ():
            one.pop(key)
        one["box"] = new(Box, (box["topX"], box["topY"], box["bottomX"], box["bottomY"]))
        one["extra"] = extra
    if kind is Instance:
        for one in boxes:
            one["polygons"] = one.pop("polygon")
    records: tuple[Any, ...] = kind._trusted_many(boxes, {"_image": image})
    return records


_CORNERS = ("topX", "topY", "bottomX", "bottomY")
_OBJECT_KEYS: dict[type[Any], tuple[str, ...]] = {
    Detection: ("label", "score", "box"),
    Instance: ("label", "score", "box", "polygon"),
}


def _unknown(one: Row, known: tuple[str, ...]) -> dict[str, Any]:
    """What an object and its box have besides the known keys, in the reply's own form."""
    box = _others(one["box"], _CORNERS)
    return {**_others(one, known), **({"box": box} if box else {})}


def _others(row: Row, known: tuple[str, ...]) -> dict[str, Any]:
    """The keys of a row besides the known ones; almost always none."""
    return {key: value for key, value in row.items() if key not in known}


_BUILDERS: dict[Task, Callable[[Row, ImageInfo, CallInfo, float], Result]] = {
    Task.CLASSIFICATION: _classification,
    Task.MULTILABEL: _multilabel,
    Task.DETECTION: _detections,
    Task.SEGMENTATION: _instances,
}

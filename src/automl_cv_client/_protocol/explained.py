"""Reads replies with explanations: bytes in, rows and results out; no I/O.

A reply of five classes has 25 MB, nearly all of it two values. They are cut out by searching the bytes, as neither
base64 nor an array of numbers can hold a quote or a key, and what is left, some kilobytes, is read like a reply
with plain scores. The cut-out parts stay as they are until somebody looks at them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic_core import from_json

from automl_cv_client._protocol import drift
from automl_cv_client._protocol.replies import WrongShape, read_rows, result_of
from automl_cv_client._protocol.wire import Row
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client.results import CallInfo, Classification, Explanation, ImageInfo, MultilabelClassification
from automl_cv_client.results._float_map import FloatMap
from automl_cv_client.task import Task

KEYS = ("visualizations", "attributions")


class Part(NamedTuple):
    """A value of the reply, ``body[start:end]``: base64 without its quotes, or an array of numbers."""

    body: bytes
    start: int
    end: int


Value = Part | list[Part | None] | None
"""What a key holds: one class' part, those of several classes, or null."""


class _Unusual(Exception):
    """The body is not written as the service writes it: read it the slow way."""


class _Explained(NamedTuple):
    place: int
    figure: Part | None
    numbers: Part | None


def read_explained(body: bytes, task: Task, parameters: XaiParameters, *, strict: bool = False) -> list[Row]:
    """The rows of a reply, each with its explained classes under a key of our own.

    Raises:
        WrongShape: not a reply of the task, plain scores, or explanations that cannot be told apart.
    """
    body = _unwrapped(body)
    try:
        skeleton, values = _cut(body)
        rows = read_rows(skeleton, task, strict=strict)
        if sum(row.get(key) is not None for row in rows for key in KEYS) != len(values):
            raise _Unusual  # a key of that name deeper inside
    except _Unusual:
        skeleton, values = _cut_slowly(body)
        rows = read_rows(skeleton, task, strict=strict)
    for row in rows:
        found = [_value(values, row.pop(key, None)) for key in KEYS]
        row["explained"] = _matched(row, task, parameters, *found)
    return rows


def explained_result(task: Task, row: Row, image: ImageInfo, call: CallInfo, parameters: XaiParameters) -> Any:
    """The result of a row of :func:`read_explained`: a Classification or MultilabelClassification."""
    explained = row.pop("explained")
    plain = result_of(task, row, image, call, parameters.confidence_score_threshold_multilabel)
    assert isinstance(plain, Classification | MultilabelClassification)
    explanations = tuple(_explanation(plain, one, parameters) for one in explained)
    if task is Task.CLASSIFICATION:
        return Classification._trusted({**plain.__dict__, "explanation": explanations[0]})
    return MultilabelClassification._trusted({**plain.__dict__, "explanations": explanations})


def _explanation(
    plain: Classification | MultilabelClassification, one: _Explained, parameters: XaiParameters
) -> Explanation:
    figure = one.figure
    return Explanation._trusted(
        {
            "label": plain.labels[one.place],
            "score": plain.probs[one.place],
            "algorithm": parameters.algorithm,
            "image": plain.image,
            "sent_visualization": None if figure is None else figure.body[figure.start : figure.end],
            "sent_attributions": None if one.numbers is None else FloatMap.of_text(*one.numbers),
        }
    )


def _matched(row: Row, task: Task, parameters: XaiParameters, figures: Value, numbers: Value) -> list[_Explained]:
    """Which classes the parts of a row explain."""
    if task is Task.CLASSIFICATION:
        probs = row["probs"]
        classes = [max(range(len(probs)), key=lambda i: probs[i] if probs[i] == probs[i] else -1.0)]
        parts = [_single(figures), _single(numbers)]
    else:
        classes, parts = _multilabel(row, parameters, figures, numbers)
    explained = [_Explained(*one) for one in zip(classes, *parts, strict=True)]
    asked = parameters.visualizations or parameters.attributions
    if explained and asked and all(one.figure is None and one.numbers is None for one in explained):
        raise WrongShape(
            "with plain scores and no explanation: only models that AutoML itself trained for image classification "
            "explain; use classify or classify_multilabel for this endpoint"
        )
    return explained


def _single(value: Value) -> list[Part | None]:
    if isinstance(value, list):
        if len(value) > 1:
            raise WrongShape(f"with {len(value)} explanations of one class: is it a multi-label model?")
        return value or [None]
    return [value]


def _multilabel(
    row: Row, parameters: XaiParameters, figures: Value, numbers: Value
) -> tuple[list[int], list[list[Part | None]]]:
    """The classes above the threshold, in class order, with a list of parts each.

    The server compares 32-bit numbers, so one just at the threshold may fall on the other side there: its own count
    decides between the two readings. A count that fits neither cannot be told apart, and is refused.
    """
    lists: list[list[Part | None] | None] = [
        [value] if isinstance(value, Part) else value for value in (figures, numbers)
    ]
    told = {len(one) for one in lists if one is not None}
    limit = parameters.confidence_score_threshold_multilabel
    exact = [i for i, prob in enumerate(row["probs"]) if prob > limit]
    short = [i for i, prob in enumerate(row["probs"]) if _float32(prob) > _float32(limit)]
    classes = short if told == {len(short)} else exact
    if told - {len(classes)}:
        counts = " and ".join(map(str, sorted(told)))
        raise WrongShape(
            f"with {counts} explanations for {len(classes)} classes above the threshold {limit:g}, "
            "so it cannot be told which class each explains"
        )
    return classes, [one if one is not None else [None] * len(classes) for one in lists]


def _float32(value: float) -> float:
    if not abs(value) <= 1e38:  # no probability, and perhaps no 32-bit number
        return value
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


def _value(values: list[Value], place: Any) -> Value:
    return None if place is None else values[place]


def _unwrapped(body: bytes) -> bytes:
    """The JSON inside a JSON string, once or twice; other bodies as they are."""
    for _ in range(2):
        if not body[:64].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b'"'):
            break
        try:
            body = from_json(body.removeprefix(b"\xef\xbb\xbf")).encode()
        except ValueError as error:
            reason = str(error)
        else:
            continue
        raise WrongShape(f"the reply is not JSON ({reason[:200]})")
    return body


def _cut(body: bytes) -> tuple[bytes, list[Value]]:
    """The body with each part replaced by its number, and the parts."""
    pieces: list[bytes] = []
    values: list[Value] = []
    done = 0
    for key, start in _places(body):
        if start < done:
            raise _Unusual
        value, end = _read_figures(body, start) if key == KEYS[0] else _read_numbers(body, start)
        pieces += [body[done:start], b"null" if value is None else b"%d" % len(values)]
        if value is not None:
            values.append(value)
        done = end
    pieces.append(body[done:])
    return b"".join(pieces), values


def _places(body: bytes) -> Iterator[tuple[str, int]]:
    """Where the value of each of the two keys begins, in the order of the body."""
    found = []
    for key in KEYS:
        name, place = f'"{key}"'.encode(), -1
        while (place := body.find(name, place + 1)) >= 0:
            start = _next(body, place + len(name))
            if body[start : start + 1] == b":":  # else it is a label of that name
                if body[place - 1 : place] == b"\\":
                    raise _Unusual
                found.append((_next(body, start + 1), key))
    return ((key, start) for start, key in sorted(found))


def _next(body: bytes, place: int) -> int:
    """The first place at or after this one that is not blank."""
    while body[place : place + 1] in (b" ", b"\n", b"\r", b"\t"):
        place += 1
    return place


def _read_figures(body: bytes, start: int) -> tuple[Value, int]:
    if body[start : start + 1] == b"[":
        return _read_list(body, start, _read_text)
    return _read_text(body, start)


def _read_numbers(body: bytes, start: int) -> tuple[Value, int]:
    several = body.startswith((b"[[[[", b"[n", b"[]"), start)
    return _read_list(body, start, _read_array) if several else _read_array(body, start)


def _read_list(body: bytes, start: int, read: Any) -> tuple[list[Part | None], int]:
    parts: list[Part | None] = []
    place = _next(body, start + 1)
    while body[place : place + 1] != b"]":
        part, place = read(body, place)
        parts.append(part)
        place = _next(body, place)
        if body[place : place + 1] == b",":
            place = _next(body, place + 1)
    return parts, place + 1


def _read_text(body: bytes, start: int) -> tuple[Part | None, int]:
    if body.startswith(b"null", start):
        return None, start + 4
    end = body.find(b'"', start + 1)
    if body[start : start + 1] != b'"' or end < 0 or body.find(b"\\", start, end) >= 0:
        raise _Unusual
    return Part(body, start + 1, end), end + 1


def _read_array(body: bytes, start: int) -> tuple[Part | None, int]:
    if body.startswith(b"null", start):
        return None, start + 4
    end = body.find(b"]]]", start)
    if not body.startswith(b"[[[", start) or end < 0:
        raise _Unusual
    return Part(body, start, end + 3), end + 3


def _cut_slowly(body: bytes) -> tuple[bytes, list[Value]]:
    """As :func:`_cut`, for any JSON: read whole, and the parts written again as the service writes them."""
    try:
        rows = drift.modernised(body)
    except drift.NotAReply as error:
        problem = str(error)
    else:
        values: list[Value] = []
        for row in rows:
            for key in KEYS if isinstance(row, dict) else ():
                value = _rewritten(row.get(key), depth=0 if key == KEYS[0] else 3)
                if key in row:
                    row[key] = None if value is None else len(values)
                values += [] if value is None else [value]
        return json.dumps(rows).encode(), values
    raise WrongShape(f"the reply is {problem}")


def _rewritten(value: Any, depth: int) -> Value:
    if isinstance(value, list) and (_depth(value) > depth or not value or value[0] is None):
        return [_rewritten_part(one) for one in value]
    return _rewritten_part(value)


def _rewritten_part(value: Any) -> Part | None:
    if value is None:
        return None
    text = (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")
    return Part(text, 0, len(text))


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, next((one for one in value if one is not None), None)
    return depth

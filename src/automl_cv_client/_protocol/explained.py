"""Reads replies with explanations: bytes in, rows and results out; no I/O. Says which class each part explains."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from automl_cv_client._numbers import rank
from automl_cv_client._protocol.forms import NotAReply, unwrapped
from automl_cv_client._protocol.parts import KEYS, Part, Unusual, Value, Values, cut, cut_slowly
from automl_cv_client._protocol.replies import Row, WrongShape, nothing, read_rows, refuse_wrong_outline, result_of
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client.results import CallInfo, Classification, Explanation, ImageInfo, MultilabelClassification
from automl_cv_client.results._float_map import FloatMap
from automl_cv_client.task import Task


class _Explained(NamedTuple):
    number: int  # of the class
    figure: Part | None
    numbers: Part | None


def read_explained(
    body: bytes,
    task: Task,
    parameters: XaiParameters,
    *,
    strict: bool = False,
    step: Callable[[], None] = nothing,
) -> list[Row]:
    """The rows of a reply, each with its explained classes under a key of our own; ``step`` as for ``read_rows``.

    Raises:
        WrongShape: not a reply of the task, plain scores, or explanations that cannot be told apart.
    """
    rows, values = _skeletons(body, task, strict, step)
    for row in rows:
        figures, numbers = (None if (mark := row.pop(key, None)) is None else values[mark] for key in KEYS)
        row["explained"] = _matched(row, task, parameters, figures, numbers)
    return rows


def _skeletons(body: bytes, task: Task, strict: bool, step: Callable[[], None]) -> tuple[list[Row], Values]:
    """The rows with a mark in the place of each value."""
    try:
        body = unwrapped(body)
        try:
            skeleton, values = cut(body)
            rows = read_rows(skeleton, task, strict=strict, step=step)
            marks = [row[key] for row in rows for key in KEYS if row.get(key) is not None]
            if len(marks) == len(values) and all(isinstance(mark, str) and mark in values for mark in marks):
                return rows, values  # else there is a key of that name deeper inside, or twice
        except Unusual:
            pass
        refuse_wrong_outline(body, task, step)
        step()
        skeleton, values = cut_slowly(body)
    except NotAReply as error:
        problem, said = str(error), error.said
    else:
        return read_rows(skeleton, task, strict=strict, step=step), values
    raise WrongShape(f"the reply is {problem}", said)


def explained_result(task: Task, row: Row, image: ImageInfo, call: CallInfo, parameters: XaiParameters) -> Any:
    """The result of a row of :func:`read_explained`: a Classification or MultilabelClassification."""
    explained = row.pop("explained")
    plain = result_of(task, row, image, call, parameters.confidence_score_threshold_multilabel)
    assert isinstance(plain, Classification | MultilabelClassification)
    explanations = tuple(_explanation(plain, part, parameters) for part in explained)
    if task is Task.CLASSIFICATION:
        return Classification._trusted({**plain.__dict__, "explanation": explanations[0]})
    return MultilabelClassification._trusted({**plain.__dict__, "explanations": explanations})


def _explanation(
    plain: Classification | MultilabelClassification, part: _Explained, parameters: XaiParameters
) -> Explanation:
    figure = part.figure
    return Explanation._trusted(
        {
            "label": plain.labels[part.number],
            "score": plain.probs[part.number],
            "algorithm": parameters.algorithm,
            "image": plain.image,
            "sent_visualization": None if figure is None else figure.body[figure.start : figure.end],
            "sent_attributions": None if part.numbers is None else FloatMap.of_text(*part.numbers),
        }
    )


def _matched(row: Row, task: Task, parameters: XaiParameters, figures: Value, numbers: Value) -> list[_Explained]:
    """Which classes the parts of a row explain."""
    if task is Task.CLASSIFICATION:
        probs = row["probs"]
        classes = [min(range(len(probs)), key=lambda i: rank(probs[i]))]
        parts = [_single(figures), _single(numbers)]
    else:
        classes, parts = _multilabel(row, parameters, figures, numbers)
    explained = [_Explained(*parts_of_one) for parts_of_one in zip(classes, *parts, strict=True)]
    asked = parameters.visualizations or parameters.attributions
    if explained and asked and all(part.figure is None and part.numbers is None for part in explained):
        raise WrongShape(
            "with plain scores and no explanation: only models that AutoML itself trained for image classification "
            "explain; use classify or classify_multilabel for this endpoint"
        )
    return explained


def _single(value: Value) -> list[Part | None]:
    if isinstance(value, list):
        if len(value) > 1:
            raise WrongShape(
                f"with {len(value)} explanations, one a class: this is a multi-label model, use explain_multilabel"
            )
        return value or [None]
    return [value]


def _multilabel(
    row: Row, parameters: XaiParameters, figures: Value, numbers: Value
) -> tuple[list[int], list[list[Part | None]]]:
    """The classes above the threshold, in class order, with a list of parts each.

    The server compares 32-bit numbers, so one just at the threshold may fall on the other side there: its own count
    decides between the two readings. A count that fits neither cannot be told apart, and is refused.
    """
    if isinstance(figures, Part) or isinstance(numbers, Part):
        raise WrongShape("with one explanation, of the most probable class: this is a multi-class model, use explain")
    lists = [figures, numbers]
    counts = {len(parts) for parts in lists if parts is not None}
    limit = parameters.confidence_score_threshold_multilabel
    exact = [i for i, prob in enumerate(row["probs"]) if prob > limit]
    short = [i for i, prob in enumerate(row["probs"]) if _float32(prob) > _float32(limit)]
    classes = short if counts == {len(short)} else exact
    if counts - {len(classes)}:
        sent = " and ".join(map(str, sorted(counts)))
        raise WrongShape(
            f"with {sent} explanations for {len(classes)} classes above the threshold {limit:g}, "
            "so it cannot be told which class each explains"
        )
    return classes, [parts if parts is not None else [None] * len(classes) for parts in lists]


def _float32(value: float) -> float:
    if not abs(value) <= 1e38:  # no probability, and perhaps no 32-bit number
        return value
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded

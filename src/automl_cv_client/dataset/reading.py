"""Reads and writes training JSONL as a stream of rows; every error names the file and the line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, cast, overload

from pydantic import ValidationError

from automl_cv_client._files import whole_text
from automl_cv_client.dataset.faults import faults_of
from automl_cv_client.dataset.lines import RawRow, Source, name_of, raw_rows
from automl_cv_client.dataset.rows import (
    ROW_KINDS,
    ClassificationRow,
    DetectionRow,
    MultilabelRow,
    Row,
    SegmentationRow,
    task_of_row,
)
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import (
    ClassificationTask,
    DetectionTask,
    MultilabelTask,
    SegmentationTask,
    Task,
    TaskInput,
    task_of,
)

_MISSING = "key-missing"


class ReadRow(NamedTuple):
    """One row, or the reason why it is none: exactly one of ``row`` and ``problem`` is set.

    Attributes:
        number: of its first line, from 1.
        row: the row, or None.
        problem: what is wrong, in words.
        code: a short name for the kind of problem, such as ``key-missing``.
    """

    number: int
    row: Row | None
    problem: str = ""
    code: str = ""


@overload
def read_jsonl(source: Source, *, task: ClassificationTask, strict: bool = False) -> Iterator[ClassificationRow]: ...
@overload
def read_jsonl(source: Source, *, task: MultilabelTask, strict: bool = False) -> Iterator[MultilabelRow]: ...
@overload
def read_jsonl(source: Source, *, task: DetectionTask, strict: bool = False) -> Iterator[DetectionRow]: ...
@overload
def read_jsonl(source: Source, *, task: SegmentationTask, strict: bool = False) -> Iterator[SegmentationRow]: ...
@overload
def read_jsonl(source: Source, *, task: TaskInput | None = None, strict: bool = False) -> Iterator[Row]: ...
def read_jsonl(source: Source, *, task: TaskInput | None = None, strict: bool = False) -> Iterator[Any]:
    """The rows of a training file, one at a time.

    Args:
        source: the file's path, or its lines.
        task: what the rows must be for; recognised from the first row that tells, when left out.
        strict: accept only what the schema says: no trailing commas, no numbers in quotes, no row over several
            lines, no box outside its image. Without it such rows are read as they are meant.

    Yields:
        Rows of the task's own type, such as :class:`DetectionRow`, in the order of the file.

    Raises:
        InvalidInput: a row cannot be read. The message names the file, the line, the key and what is wrong there.
    """
    name = name_of(source)
    for number, row, problem, _ in read_rows(source, task=task, strict=strict):
        if row is None:
            raise InvalidInput(f"{name}, line {number}: {problem}")
        if strict:
            for fault in faults_of(row):
                if fault.severity == "error":
                    raise InvalidInput(f"{name}, line {number}: {fault.message}")
        yield row


def read_rows(source: Source, *, task: TaskInput | None = None, strict: bool = False) -> Iterator[ReadRow]:
    """As :func:`read_jsonl`, but a row that cannot be read is told as a problem, and reading goes on."""
    raw = raw_rows(source, strict=strict)
    ahead: list[RawRow] = []
    kind = None if task is None else task_of(task)
    while kind is None and (first := next(raw, None)) is not None:
        ahead.append(first)
        kind = task_of_row(first.value) if isinstance(first.value, dict) else None
    for raw_row in chain(ahead, raw):
        # Empty lists all the way: a detection file without objects is likelier than one without labels.
        yield _read(raw_row, kind or Task.DETECTION, strict)


def recognise_task(source: str | os.PathLike[str]) -> Task:
    """The task a training file is for, from the first row that tells.

    Args:
        source: the file's path.

    Returns:
        The task.

    Raises:
        InvalidInput: the file cannot be read, or no row tells.
    """
    for raw in raw_rows(source):
        task = task_of_row(raw.value) if isinstance(raw.value, dict) else None
        if task is not None:
            return task
    raise InvalidInput(f"{name_of(source)}: no row tells the task: give it, as in task='image-object-detection'")


def write_jsonl(rows: Iterable[Row | dict[str, Any]], path: str | os.PathLike[str]) -> int:
    """Write rows to a file, one per line. The file is there whole or not at all.

    Args:
        rows: rows, or dictionaries under the schema's own keys such as ``to_training_row`` returns.
        path: where to; an existing file is replaced once the last row is written.

    Returns:
        How many rows were written.
    """
    count = 0
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    with whole_text(Path(path)) as file:
        for row in rows:
            values = row.to_json() if isinstance(row, Row) else row
            file.write(encode(values) + "\n")
            count += 1
    return count


def row_of(values: dict[str, Any], task: TaskInput | None = None) -> Row:
    """A row of decoded JSON.

    Args:
        values: the object under the schema's own keys.
        task: what the row must be for; by default what its label tells.

    Returns:
        A row of the task's own type.

    Raises:
        InvalidInput: it is no row; the message names the key.
    """
    kind = task_of_row(values) if task is None else task_of(task)
    read = _read(RawRow(1, values), kind or Task.DETECTION, strict=False)
    if read.row is None:
        raise InvalidInput(f"not a training row: {read.problem}")
    return read.row


def _read(raw: RawRow, task: Task, strict: bool) -> ReadRow:
    if raw.problem:
        return ReadRow(raw.number, None, raw.problem, raw.code)
    code, problem = _wrong_shape(raw.value, task)
    if problem:
        return ReadRow(raw.number, None, problem, code)
    try:
        if strict:  # through JSON, where a list may stand for a tuple
            text = json.dumps(raw.value)
            return ReadRow(raw.number, ROW_KINDS[task].model_validate_json(text, strict=True, context="strict"))
        return ReadRow(raw.number, ROW_KINDS[task].model_validate(raw.value))
    except ValidationError as error:
        first = cast("dict[str, Any]", error.errors(include_url=False)[0])
        return ReadRow(raw.number, None, _in_words(first), _MISSING if first["type"] == "missing" else "value-wrong")


def _wrong_shape(value: Any, task: Task) -> tuple[str, str]:
    """The kind of problem and its words; both empty when the shape is right."""
    if not isinstance(value, dict):
        return "not-a-row", f"a row must be a JSON object, not {_kind(value)}"
    missing = [key for key in ("image_url", "label") if key not in value]
    if missing:
        return _MISSING, f"the key {missing[0]!r} is missing"
    told = task_of_row(value)
    if told is not None and told is not task:
        return "task-mixed", f"this row is for {told.value}, the file is for {task.value}: one file holds one task"
    return "", ""


def _in_words(error: dict[str, Any]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    if error["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {error['msg'][0].lower()}{error['msg'][1:]}; it is {_shown(error['input'])}"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool) or value is None else _kind(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a string", type(None): "null"}.get(type(value), "a number")

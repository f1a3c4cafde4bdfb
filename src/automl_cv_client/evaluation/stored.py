"""Stores results in a JSONL file and reads them back: one image a line, with its result or its error.

{"image_url": "…/1.jpg", "task": "image-object-detection", "result": {…}}
{"image_url": "…/2.jpg", "error": "ImageError: the image is truncated"}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from automl_cv_client._files import whole_text
from automl_cv_client.errors import AutoMLVisionError, InvalidInput
from automl_cv_client.results import KINDS, Failed, Outcome, Result, Scored
from automl_cv_client.task import Task, TaskInput, task_of


def write_results(answers: Iterable[tuple[str, Result | Outcome[Result]]], path: str | os.PathLike[str]) -> int:
    """Write ``(image, result or outcome)`` pairs to a JSONL file, whole or not at all.

    Args:
        answers: the pairs; an image is named by its path or URL.
        path: where to.

    Returns:
        How many pairs were written.
    """
    count = 0
    with whole_text(Path(path)) as file:
        for image, answer in answers:
            file.write(json.dumps(_record(image, answer), ensure_ascii=False) + "\n")
            count += 1
    return count


def read_results(
    path: str | os.PathLike[str], task: TaskInput | None = None
) -> Iterator[tuple[str, Result | AutoMLVisionError]]:
    """The pairs of a file that ``write_results`` or a batch job made, as a stream.

    Args:
        path: the file.
        task: of the results, where the lines do not tell it.

    Yields:
        The image with its result, or with the error that was stored in its place.

    Raises:
        InvalidInput: the file cannot be read; the message names the line.
    """
    name = Path(path).name
    kind = None if task is None else task_of(task)
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _answer(line, kind, f"{name}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
    else:
        return
    raise InvalidInput(f"cannot read {name}: {reason}")


def _record(image: str, answer: Result | Outcome[Result]) -> dict[str, Any]:
    error = answer.error if isinstance(answer, Scored | Failed) else None
    if error is not None:
        return {"image_url": image, "error": f"{type(error).__name__}: {error}"}
    result = answer.unwrap() if isinstance(answer, Scored | Failed) else answer
    return {"image_url": image, "task": result.task.value, "result": result.model_dump(mode="json")}


def _answer(line: str, task: Task | None, place: str) -> tuple[str, Result | AutoMLVisionError]:
    try:
        record = json.loads(line)
        image = str(record["image_url"] if "image_url" in record else record["input"])
        if record.get("result") is None:
            return image, AutoMLVisionError(_reason(record.get("error")))
        kind = KINDS[Task(str(record.get("task", task)))]
        return image, kind.model_validate_json(json.dumps(record["result"]))
    except ValidationError as error:
        reason = f"not a stored result: {error.error_count()} values are wrong"
    except (ValueError, KeyError, TypeError, AttributeError):
        reason = 'not a stored result: expected {"image_url": …, "task": …, "result": …}'
    raise InvalidInput(f"{place}: {reason}")


def _reason(error: Any) -> str:
    """Why there is no result; a batch job tells it in several parts."""
    if isinstance(error, dict):
        return ": ".join(str(error[key]) for key in ("kind", "message") if error.get(key))
    return str(error or "no result was stored")

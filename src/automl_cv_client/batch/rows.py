"""Flat rows of a record, for CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from automl_cv_client.results import KINDS
from automl_cv_client.task import Task

_FIRST = {"input": str, "status": str, "label": str, "score": float}
_BOX = {"left": float, "top": float, "right": float, "bottom": float}
_LAST = {"error": str}

COLUMNS: dict[Task, dict[str, type]] = {
    Task.CLASSIFICATION: {**_FIRST, **_LAST},
    Task.MULTILABEL: {**_FIRST, **_LAST},
    Task.DETECTION: {**_FIRST, **_BOX, **_LAST},
    Task.SEGMENTATION: {**_FIRST, **_BOX, "polygons": str, **_LAST},
}
"""Names of the columns and their types, by task. Coordinates in [0, 1]; polygons as JSON."""


def rows_of(name: str, ok: bool, body: str, task: Task) -> Iterator[dict[str, Any]]:
    """At least one row, with every column of the task."""
    empty = dict.fromkeys(COLUMNS[task]) | {"input": name, "status": "ok" if ok else "error"}
    if not ok:
        error = json.loads(body)
        yield empty | {"error": f"{error['kind']}: {error['message']}"}
        return
    rows = [*_content(body, task)]
    for row in rows or [{}]:
        yield empty | row


def _content(body: str, task: Task) -> Iterator[dict[str, Any]]:
    image = KINDS[task].model_validate_json(body).annotated()
    for label, score in image.present():
        yield {"label": label, "score": score}
    for item in image.objects:
        outline = {} if item.polygons is None else {"polygons": json.dumps(item.polygons)}
        yield {"label": item.label, "score": item.score, **item.box._asdict(), **outline}

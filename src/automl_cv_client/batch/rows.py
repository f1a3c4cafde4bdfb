"""Flat rows of a record, for CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from automl_cv_client.results import Classification, Detections, Instances, MultilabelClassification
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
    found = [*_found(body, task)]
    for row in found or [{}]:
        yield empty | row


def _found(body: str, task: Task) -> Iterator[dict[str, Any]]:
    if task is Task.CLASSIFICATION:
        best = Classification.model_validate_json(body)
        yield {"label": best.label, "score": best.score}
    elif task is Task.MULTILABEL:
        for label, score in MultilabelClassification.model_validate_json(body).above():
            yield {"label": label, "score": score}
    elif task is Task.DETECTION:
        for one in Detections.model_validate_json(body):
            yield {"label": one.label, "score": one.score, **one.box._asdict()}
    else:
        for one in Instances.model_validate_json(body):
            polygons = json.dumps(one.polygons)
            yield {"label": one.label, "score": one.score, **one.box._asdict(), "polygons": polygons}

"""How servers of different models and versions ask and answer (§2); no I/O.

======================  ================================================================================
``1.62``                a list with one object per image
``1.51``                each object with a ``filename``, a path on the server
``1.47``                and classification with null explanations
``legacy``              ``score.py``: the body is an image, or ``{"image": …}``; one bare object, as text/html
``mmdetection``         MMDetection models: as ``1.62``, but one unreadable image fails the whole request
``huggingface``         trained by AutoML: ``{"input_data": ["<base64>"]}``; for each image labels by their rank
``catalogue-hugging…``  Hugging Face models of the model catalogue: for each image a list of label and score
``doubly-encoded``      the list as a JSON string that holds JSON
======================  ================================================================================
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.rows import BadRequest, NotText, Rows, ScoringFailed, document_of, rows_of
from automl_cv_client.local.rules import Wire
from automl_cv_client.task import Task

JsonObject = dict[str, Any]


def check_wire(wire: Wire, task: Task) -> None:
    """Raises InvalidInput for a version that has no such task."""
    if wire in ("huggingface", "catalogue-huggingface") and not task.explainable:
        raise InvalidInput(f"the {wire} flavour is for classification, not for {task.value}")
    if wire == "mmdetection" and task.explainable:
        raise InvalidInput(f"the {wire} flavour is for detection and segmentation, not for {task.value}")


def rows_in(body: bytes, wire: Wire) -> Rows:
    """The rows of a request as this version reads it. Raises as ``read_rows``."""
    frame = document_of(body)
    if "input_data" not in frame:
        raise BadRequest("A value is not provided for the 'input_data' parameter.")
    data = frame["input_data"]
    if wire in ("huggingface", "catalogue-huggingface") and isinstance(data, list):
        data = {"columns": ["image"], "data": data}
    return rows_of(data)


def legacy_row(body: bytes) -> tuple[bytes | None, str]:
    """What the old ``score.py`` is asked: the bytes of an image, or an explainability row in the form of today."""
    try:
        row = document_of(body)
    except (BadRequest, NotText):
        return body, ""  # no JSON object: an image
    if not isinstance(row.get("image"), str):
        raise ScoringFailed("there is no image")
    image = row.pop("image")
    return None, json.dumps({"image_base64": image, **row})


def written(rows: list[JsonObject], wire: Wire, task: Task) -> tuple[bytes, str]:
    """The body of a reply with these rows, and its content type."""
    if wire == "legacy":
        body = json.dumps(_older(rows[0], wire, task)).encode() + b"\n" if rows else b""
        return body, "text/html; charset=utf-8"
    if wire in ("1.51", "1.47"):
        rows = [_older(row, wire, task) for row in rows]
    told: Any = rows
    if wire in ("huggingface", "catalogue-huggingface"):
        ranked = [_ranked(row) for row in rows]
        told = ranked if wire == "catalogue-huggingface" else [_numbered(pairs) for pairs in ranked]
    text = json.dumps(told)
    return (json.dumps(text) if wire == "doubly-encoded" else text).encode(), "application/json"


def _older(row: JsonObject, wire: Wire, task: Task) -> JsonObject:
    nulls = {"visualizations": None, "attributions": None} if wire != "1.51" and task.explainable else {}
    return {
        "filename": f"/server/temporary/tmp{secrets.token_hex(4)}",
        **row,
        **{k: row.get(k, v) for k, v in nulls.items()},
    }


def _ranked(row: JsonObject) -> list[JsonObject]:
    pairs = [{"label": label, "score": score} for label, score in zip(row["labels"], row["probs"], strict=True)]
    return sorted(pairs, key=lambda pair: -pair["score"])


def _numbered(pairs: list[JsonObject]) -> JsonObject:
    return {str(number): pair for number, pair in enumerate(pairs)}

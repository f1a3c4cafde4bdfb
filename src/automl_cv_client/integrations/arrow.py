"""Outcomes as Arrow columns: one schema per task, the same for Ray, Spark and ``batch export --nested``.

One row per image, whatever became of it: errors, request ids and timings are columns, never exceptions. Coordinates are
fractions of the upright image, in float64, as the service sends them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from automl_cv_client._extras import need
from automl_cv_client._imaging import ImageInput
from automl_cv_client._numbers import rank
from automl_cv_client._protocol.statuses import Again, again
from automl_cv_client.errors import AutoMLVisionError, InvalidInput
from automl_cv_client.results import KINDS, Outcome, Result
from automl_cv_client.task import Task, task_of

if TYPE_CHECKING:
    import pyarrow

MOST_CLASSES = 5
"""Of a classification, the classes with the highest probabilities that ``probs`` has; ``result`` has all."""

_OF_ERRORS = ("status", "model_status", "reason", "request_id", "client_request_id", "attempts")


def schema(task: Task | str, *, keep: pyarrow.Schema | None = None) -> pyarrow.Schema:
    """The columns of scored images.

    Args:
        task: what the endpoint does, such as ``"image-object-detection"``.
        keep: columns of the input that come first, as they are.

    Returns:
        ``status`` (``ok`` or ``error``), ``width`` and ``height`` of the upright image, ``result`` (JSON, read back by
        ``Detections.model_validate_json`` and its like), ``error`` and ``call`` as structs, and what the task finds:
        ``label``, ``score`` and ``probs`` (multi-class), ``labels`` (multi-label), or ``objects`` (detection;
        segmentation with ``polygons``).

    Raises:
        InvalidInput: a kept column has the name of one of these.
        ModuleNotFoundError: pyarrow is missing; the message names the extra.

    Example:
        >>> schema("image-object-detection").names
        ['status', 'width', 'height', 'result', 'error', 'call', 'objects']
    """
    need("parquet", "pyarrow")
    import pyarrow as pa

    chosen = task_of(task)
    scored = pa.struct([("label", pa.string()), ("score", pa.float64())])
    box = [(name, pa.float64()) for name in ("label", "score", "left", "top", "right", "bottom")]
    box[0] = ("label", pa.string())
    outline = [("polygons", pa.list_(pa.list_(pa.float64())))] if chosen is Task.SEGMENTATION else []
    of_task = {
        Task.CLASSIFICATION: [("label", pa.string()), ("score", pa.float64()), ("probs", pa.list_(scored))],
        Task.MULTILABEL: [("labels", pa.list_(scored))],
        Task.DETECTION: [("objects", pa.list_(pa.struct(box)))],
        Task.SEGMENTATION: [("objects", pa.list_(pa.struct([*box, *outline])))],
    }[chosen]
    columns = [
        ("status", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("result", pa.string()),
        ("error", pa.struct(_error_fields(pa))),
        ("call", pa.struct(_call_fields(pa))),
        *of_task,
    ]
    kept = [] if keep is None else list(keep)
    taken = sorted({field.name for field in kept} & {name for name, _ in columns})
    if taken:
        raise InvalidInput(f"the input has columns that scoring adds: {', '.join(taken)}: rename or drop them first")
    return pa.schema([*kept, *(pa.field(name, type) for name, type in columns)])


def _error_fields(pa: Any) -> list[tuple[str, Any]]:
    return [
        ("kind", pa.string()),
        ("message", pa.string()),
        ("status", pa.int32()),
        ("model_status", pa.int32()),
        ("reason", pa.string()),
        ("request_id", pa.string()),
        ("client_request_id", pa.string()),
        ("attempts", pa.int32()),
        ("seconds", pa.float64()),
        ("final", pa.bool_()),
    ]


def _call_fields(pa: Any) -> list[tuple[str, Any]]:
    return [
        ("deployment", pa.string()),
        ("request_id", pa.string()),
        ("attempts", pa.int32()),
        ("seconds", pa.float64()),
        ("bytes_sent", pa.int64()),
        ("scores_missing", pa.int32()),
    ]


def row_of(outcome: Outcome[Result], task: Task) -> dict[str, Any]:
    """The columns of one outcome, as plain values."""
    if outcome.ok:
        return _row_of_result(outcome.result, task)
    return {"status": "error", "error": _row_of_error(outcome.error)}


def row_of_record(ok: bool, body: str, task: Task) -> dict[str, Any]:
    """The columns of what a job recorded of an image: its result or its error, as JSON."""
    if ok:
        return _row_of_result(KINDS[task].model_validate_json(body), task)
    record = json.loads(body)
    return {
        "status": "error",
        "error": {
            "kind": record["kind"],
            "message": _text(record["message"]),
            "seconds": record.get("elapsed"),
            "final": record.get("final"),  # None in jobs of older versions, which did not say
            **{name: record.get(name) for name in _OF_ERRORS},
        },
    }


def _row_of_error(error: AutoMLVisionError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "message": _text(getattr(error, "message", str(error))),
        "seconds": getattr(error, "elapsed", None),
        "final": again(error) is Again.NEVER,
        **{name: getattr(error, name, None) for name in _OF_ERRORS},
    }


def _row_of_result(result: Result, task: Task) -> dict[str, Any]:
    image = result.annotated()
    call = result.call
    items = image.objects if not task.explainable else ()
    missing = sum(item.score is None or math.isnan(item.score) for item in items)
    row: dict[str, Any] = {
        "status": "ok",
        "width": result.image.size.width,
        "height": result.image.size.height,
        "result": result.model_dump_json(),
        "call": {
            "deployment": call.deployment,
            "request_id": call.request_id,
            "attempts": call.attempts,
            "seconds": call.elapsed,
            "bytes_sent": result.image.sent_bytes,
            "scores_missing": missing,
        },
    }
    if task is Task.MULTILABEL:
        return {**row, "labels": [_scored(*pair) for pair in image.present()]}
    if task is Task.CLASSIFICATION:
        ranked = sorted(image.labels, key=lambda pair: rank(pair[1] or 0.0))[:MOST_CLASSES]
        best = _scored(*ranked[0])
        return {**row, **best, "probs": [_scored(*pair) for pair in ranked]}
    outlined = task is Task.SEGMENTATION
    objects = [
        {
            **_scored(item.label, item.score),
            **item.box._asdict(),
            **({"polygons": [list(ring) for ring in item.polygons or ()]} if outlined else {}),
        }
        for item in items
    ]
    return {**row, "objects": objects}


def _scored(label: str, score: float | None) -> dict[str, Any]:
    return {"label": _text(label), "score": None if score is None or math.isnan(score) else score}


def _text(text: str) -> str:
    """Arrow holds UTF-8, and labels may hold lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()


def table_of(kept: pyarrow.Table, outcomes: Iterable[Outcome[Result]], task: Task) -> pyarrow.Table:
    """The kept columns and what became of each of their rows."""
    import pyarrow as pa

    whole = schema(task, keep=kept.schema)
    added = pa.schema(list(whole)[len(kept.schema) :])
    scored = pa.Table.from_pylist([row_of(outcome, task) for outcome in outcomes], schema=added)
    for name in added.names:
        kept = kept.append_column(added.field(name), scored.column(name))
    return kept


def kept_columns(table: pyarrow.Table, image: str, id: str | None, keep_images: bool) -> pyarrow.Table:
    """The columns that go on to the output: all but images that are held as values.

    Raises:
        InvalidInput: the image or id column is missing; nothing was sent.
    """
    for name in filter(None, (image, id)):
        if name not in table.column_names:
            raise InvalidInput(f"there is no column {name!r}: the input has {', '.join(table.column_names)}")
    return table if keep_images or _is_path(table.schema.field(image).type) else table.drop_columns([image])


def _is_path(type: Any) -> bool:
    import pyarrow as pa

    value = type.value_type if pa.types.is_dictionary(type) else type
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def images_in(column: pyarrow.ChunkedArray) -> Iterator[ImageInput]:
    """The images of a column: paths, encoded images as bytes, or arrays ``[height, width, channels]``."""
    for chunk in column.chunks:
        if hasattr(chunk, "to_numpy_ndarray") and chunk.null_count == 0:  # tensors of one shape
            yield from chunk.to_numpy_ndarray()
        elif hasattr(chunk, "storage"):  # an extension of an engine's own, such as Ray's tensors
            yield from chunk.to_numpy(zero_copy_only=False)
        else:
            for value in chunk:
                yield value.as_py()  # None becomes an error of its row


def read_images(table: pyarrow.Table, image: str) -> Sequence[ImageInput]:
    """The images of a table, for a batch that is scored at once."""
    return list(images_in(table.column(image)))

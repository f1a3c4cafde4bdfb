"""Reads the body of a scoring request as the service's wrapper does: which forms it takes, which it refuses (§1).

No I/O. The wrapper reads ``input_data`` as a pandas frame in "split" form; what pandas would not take is a
failure of scoring (500), what is no scoring request at all is a bad request (400).
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

_COLUMN = "image"


class BadRequest(Exception):
    """The container answers 400 with this message."""


class ScoringFailed(Exception):
    """The container answers 500, and keeps the message to its log."""


class Rows(NamedTuple):
    """The cells of the column ``image``, in request order; ``first`` is the one labelled 0."""

    cells: list[str]
    first: str


def read_rows(body: bytes) -> Rows:
    """The rows of a scoring request.

    Raises:
        BadRequest: not JSON, not an object, or without ``input_data``.
        ScoringFailed: ``input_data`` has another form than columns and data.
    """
    frame = _input_data(body)
    if not isinstance(frame, dict):
        raise ScoringFailed("input_data is not an object")
    columns, data = frame.get("columns"), frame.get("data")
    if not isinstance(columns, list) or _COLUMN not in columns:
        raise ScoringFailed("there is no column called image")
    if not isinstance(data, list) or not data:
        raise ScoringFailed("there are no rows")
    cells = _cells(data, columns)
    return Rows(cells, cells[_position_of_label_0(frame.get("index"), len(cells))])


def _input_data(body: bytes) -> Any:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request body is not valid JSON.") from error
    if not isinstance(document, dict):
        raise BadRequest("The request body is not a JSON object.")
    if "input_data" not in document:
        raise BadRequest("The request body has no input_data.")
    return document["input_data"]


def _cells(data: list[Any], columns: list[Any]) -> list[str]:
    cells = [_cell(row, columns) for row in data]
    if not all(isinstance(cell, str) for cell in cells):
        raise ScoringFailed("an image is not a string")
    return cells


def _cell(row: Any, columns: list[Any]) -> Any:
    """The image of one row: a bare value stands for a row of one column."""
    values = row if isinstance(row, list) else [row]
    if len(values) != len(columns):
        raise ScoringFailed(f"a row has {len(values)} values for {len(columns)} columns")
    return values[columns.index(_COLUMN)]


def _position_of_label_0(index: Any, rows: int) -> int:
    """Where the row labelled 0 is: the wrapper looks it up to learn the mode of the request."""
    labels = list(range(rows)) if index is None else index
    if not isinstance(labels, list) or len(labels) != rows:
        raise ScoringFailed("the index does not fit the rows")
    if 0 not in labels:
        raise ScoringFailed("no row is labelled 0")
    return labels.index(0)

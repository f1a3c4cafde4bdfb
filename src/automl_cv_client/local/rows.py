"""Reads the body of a scoring request as the service's wrapper does: which forms it takes, which it refuses (§1, §11).

No I/O. The wrapper reads ``input_data`` as a pandas frame in "split" form and decodes every row before it looks at an
image. So whatever pandas, JSON or base64 will not take is a failure of scoring (500) of the whole request, good rows
included; what is no scoring request at all is a bad request (400); and only bytes that are no image are dropped row
by row.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

_COLUMN = "image"
_FRAME = ("columns", "index", "data")  # pandas refuses any other key


class BadRequest(Exception):
    """The container answers 400 with this message."""


class ScoringFailed(Exception):
    """The container answers 500, and keeps the message to its log."""


class NotText(Exception):
    """The container's HTTP server fails on the body, before the scoring script sees it: 500."""


class Rows(NamedTuple):
    """The cells of the column ``image``, in request order; ``first`` is the one labelled 0."""

    cells: list[str]
    first: str


def document_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a POST body.

    Raises:
        BadRequest: not JSON, or not an object.
        NotText: the bytes are no text, as of a gzip body.
    """
    try:
        document = json.loads(body)
    except (UnicodeDecodeError, RecursionError) as error:
        raise NotText from error
    except ValueError as error:
        message = "POST body could not be decoded as JSON." if body else "POST body is empty."
        raise BadRequest(message) from error
    if not isinstance(document, dict):
        raise BadRequest("POST body should be a JSON dictionary.")
    return document


def rows_of(frame: Any) -> Rows:
    """The rows of an ``input_data``. Raises ScoringFailed when it has another form than columns and data."""
    if not isinstance(frame, dict):
        raise ScoringFailed("input_data is not an object")
    if not set(frame) <= set(_FRAME):
        raise ScoringFailed("input_data has another key than columns, index and data")
    columns = frame.get("columns")
    if isinstance(columns, dict):  # pandas takes the keys
        columns = list(columns)
    if not isinstance(columns, list) or _COLUMN not in columns:
        raise ScoringFailed("there is no column called image")
    cells = _cells(frame.get("data"), columns)
    return Rows(cells, cells[_position_of_label_0(frame.get("index"), len(cells))])


def decoded(cell: str) -> bytes:
    """The bytes of base64, as leniently as Python's decoder reads it: characters outside the alphabet are skipped.

    So newlines are harmless, and URL-safe base64 comes out as rubbish. Raises ScoringFailed for text of a length
    that no base64 has, and for letters outside ASCII.
    """
    try:
        return base64.b64decode(cell)
    except ValueError as error:
        raise ScoringFailed("a row is no base64") from error


def _cells(data: Any, columns: list[Any]) -> list[str]:
    """The images, from rows that are bare values, lists in the order of the columns, or objects by column."""
    if isinstance(data, dict):  # a list for each column, which pandas takes too
        data = data.get(_COLUMN)
        columns = [_COLUMN]
    if not isinstance(data, list) or not data:
        raise ScoringFailed("there are no rows")
    if all(isinstance(row, dict) for row in data):
        cells = [row.get(_COLUMN) for row in data]
    elif all(isinstance(row, list) for row in data):
        if max(map(len, data)) != len(columns):
            raise ScoringFailed("the rows are not as long as the list of columns")
        position = columns.index(_COLUMN)
        cells = [row[position] if position < len(row) else None for row in data]  # pandas fills up short rows
    else:  # bare values; a list among them is no string, and refused below
        cells = data if len(columns) == 1 else [None]
    if not all(isinstance(cell, str) for cell in cells):
        raise ScoringFailed("an image is not a string, or rows are of mixed forms")
    return cells


def _position_of_label_0(index: Any, rows: int) -> int:
    """Where the row labelled 0 is: the wrapper looks it up to learn the mode of the request."""
    labels = list(range(rows)) if index is None else index
    if not isinstance(labels, list) or len(labels) != rows:
        raise ScoringFailed("the index does not fit the rows")
    names = [json.dumps(float(label) if type(label) is int else label) for label in labels]  # true is not 1
    if names.count("0.0") != 1:
        raise ScoringFailed("no row is labelled 0, or several are")
    return names.index("0.0")

"""Results as flat rows, and rows as CSV, pandas, polars or arrow tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from automl_cv_client._extras import need
from automl_cv_client._text import harmless
from automl_cv_client.results import (
    Classification,
    Detection,
    Detections,
    Instance,
    Instances,
    MultilabelClassification,
    Result,
)

Row = dict[str, Any]

EXTRAS = {"pandas": "pandas", "pyarrow": "parquet", "shapely": "shapely", "supervision": "supervision"}
"""The extra that brings a library; polars has none."""

_OBJECT = ("image", "index", "label", "score", "left", "top", "right", "bottom", "width", "height")
_CLASS = ("image", "index", "label", "score")


def columns_of(result: Result) -> tuple[str, ...]:
    """The names of the columns of a result's rows."""
    names = _CLASS if isinstance(result, Classification | MultilabelClassification) else _OBJECT
    return (*names, "area") if isinstance(result, Instances) else names


def rows_of(results: Result | Iterable[Result]) -> list[Row]:
    """One row an object, or of classification one a label.

    ``image`` is the path the image came from, or None; ``index`` the object's or label's place in the result;
    ``left`` to ``height`` are pixels of the upright image, and so is ``area``, of outlines, in their square.
    """
    several = [results] if isinstance(results, Result) else results
    return [row for result in several for row in _rows(result)]


def _rows(result: Result) -> Iterable[Row]:
    source = result.image.source
    if isinstance(result, Classification | MultilabelClassification):
        pairs = enumerate(zip(result.labels, result.probs, strict=True))
        return [dict(zip(_CLASS, (source, i, label, score), strict=True)) for i, (label, score) in pairs]
    assert isinstance(result, Detections | Instances)
    return [_object_row(source, i, one) for i, one in enumerate(result)]


def _object_row(source: str | None, index: int, one: Detection) -> Row:
    box = one.pixel_box
    row = dict(zip(_OBJECT, (source, index, one.label, one.score, *box, box.width, box.height), strict=True))
    return {**row, "area": one.area} if isinstance(one, Instance) else row


def csv_of(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> str:
    """Rows as CSV (RFC 4180) that spreadsheets do not take for formulas.

    A text that begins like a formula gets an apostrophe in front, which spreadsheets hide.
    """
    names = list(columns)
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> Any:
    return harmless(value.replace("\0", "")) if isinstance(value, str) else value


def table(rows: list[Row], columns: Iterable[str], library: str) -> Any:
    """The rows as ``pandas.DataFrame``, ``polars.DataFrame`` or ``pyarrow.Table``.

    Raises:
        ModuleNotFoundError: the library is not installed; the message says what to install.
    """
    values = {name: [row.get(name) for row in rows] for name in columns}
    found = optional(library)
    return found.table(values) if library == "pyarrow" else found.DataFrame(values)


def optional(library: str) -> Any:
    """The module of a library that is not always installed. Raises ModuleNotFoundError, saying what to install."""
    need(EXTRAS.get(library), library)
    return import_module(library)

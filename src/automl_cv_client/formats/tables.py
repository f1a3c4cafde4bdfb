"""Results and training rows as flat rows, and rows as CSV, pandas, polars or arrow tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from automl_cv_client._extras import need
from automl_cv_client._text import harmless
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.geometry import Size, even_odd_area, scale_segment
from automl_cv_client.task import Task

Row = dict[str, Any]

EXTRAS = {"pandas": "pandas", "pyarrow": "parquet", "shapely": "shapely", "supervision": "supervision"}
"""The extra that brings a library; polars has none."""

_OBJECT = ("image", "index", "label", "score", "left", "top", "right", "bottom", "width", "height")
_CLASS = ("image", "index", "label", "score")


def columns_of(image: SupportsAnnotated) -> tuple[str, ...]:
    """The names of the columns of a result's rows."""
    task = image.annotated().task
    names = _CLASS if task.explainable else _OBJECT
    return (*names, "area") if task is Task.SEGMENTATION else names


def rows_of(images: SupportsAnnotated | Iterable[SupportsAnnotated]) -> list[Row]:
    """One row an object, or of classification one a label.

    ``image`` is the path the image came from, or None; ``index`` the object's or label's place in the result;
    ``score`` is None for what people labelled; ``left`` to ``height`` are pixels of the upright image, and so is
    ``area``, of outlines, in their square.

    Raises:
        InvalidInput: a training row of objects does not tell its image's size.
    """
    several = [images] if hasattr(images, "annotated") else images
    return [row for image in several for row in _rows(image.annotated())]


def _rows(image: AnnotatedImage) -> Iterable[Row]:
    if image.task.explainable:
        return [
            dict(zip(_CLASS, (image.source, index, label, score), strict=True))
            for index, (label, score) in enumerate(image.labels)
        ]
    return [_object_row(image.source, index, item, image.pixels) for index, item in enumerate(image.objects)]


def _object_row(source: str | None, index: int, item: Annotation, size: Size) -> Row:
    box = item.box.to_pixels(size)
    row = dict(zip(_OBJECT, (source, index, item.label, item.score, *box, box.width, box.height), strict=True))
    if item.polygons is not None:
        row["area"] = even_odd_area([scale_segment(segment, size) for segment in item.polygons])
    return row


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

"""Classes told by folders or by a CSV file, to rows and back."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from automl_cv_client._files import write_text
from automl_cv_client._text import harmless
from automl_cv_client.dataset.rows import ClassificationRow, MultilabelRow, Row
from automl_cv_client.dataset.urls import path_of
from automl_cv_client.errors import InvalidInput


def to_csv(rows: Iterable[Row], path: str | os.PathLike[str], *, separator: str = ",") -> int:
    """Write classification or multi-label rows as CSV; ``from_csv`` reads it back.

    Args:
        rows: of one of the two classification tasks.
        path: where to.
        separator: between the labels of an image.

    Returns:
        How many rows were written.

    Raises:
        InvalidInput: a row is of objects, or a label holds the separator.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["image", "labels"])
    count = 0
    for row in rows:
        if not isinstance(row, ClassificationRow | MultilabelRow):
            raise InvalidInput(f"a CSV file holds labels of whole images; this row is for {row.task.value}")
        labels = row.classes()
        if bad := next((label for label in labels if separator in label), None):
            raise InvalidInput(f"the label {bad[:60]!r} holds the separator {separator!r}: choose another")
        lines.writerow([_quoted(path_of(row.image_url)), _quoted(separator.join(labels))])
        count += 1
    write_text(Path(path), text.getvalue())
    return count


def _quoted(cell: str) -> str:
    """The cell, harmless to a spreadsheet. An apostrophe of its own gets a second one, so that it is read back."""
    return f"'{cell}" if cell.startswith("'") else harmless(cell)

"""Classes told by folders or by a CSV file, to rows and back."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from automl_cv_client._files import write_text
from automl_cv_client._text import harmless, is_formula
from automl_cv_client.dataset.images import image_header
from automl_cv_client.dataset.rows import FORMATS, ClassificationRow, ImageDetails, MultilabelRow, Row
from automl_cv_client.dataset.urls import path_of
from automl_cv_client.errors import InvalidInput


def from_folders(folder: str | os.PathLike[str], *, prefix: str = "") -> Iterator[ClassificationRow]:
    """Classification rows of images that lie in one folder a class: ``folder/cat/1.jpg`` is a cat.

    Args:
        folder: the folder of class folders. Other files, and folders whose name begins with a dot, are passed over.
        prefix: what to put before each ``cat/1.jpg``.

    Raises:
        InvalidInput: there is no such folder, or no image in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InvalidInput(f"no such folder: {root.name!r}")
    found = False
    for home in sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith(".")):
        for file in sorted(home.rglob("*")):
            if file.is_file() and file.suffix.lower().lstrip(".") in FORMATS:
                found = True
                yield _row(file, home.name, prefix + file.relative_to(root).as_posix())
    if not found:
        raise InvalidInput(f"no images in class folders below {root.name!r}")


def from_csv(source: str | os.PathLike[str], *, prefix: str = "", separator: str = ",") -> Iterator[MultilabelRow]:
    """Multi-label rows of a CSV file: a head, then the image's name and its labels in one cell or several.

    Args:
        source: for example ``image,labels`` and then ``1.jpg,"cat,dog"``.
        prefix: what to put before each name.
        separator: between labels of one cell.

    Raises:
        InvalidInput: the file cannot be read; the message names the line.
    """
    name = Path(source).name
    try:
        with Path(source).open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            next(lines, None)
            for cells in lines:
                if not cells or not cells[0].strip():
                    raise InvalidInput(f"{name}, line {lines.line_num}: no image in the first cell")
                labels = [label.strip() for cell in cells[1:] for label in _bare(cell).split(separator)]
                unique = tuple(dict.fromkeys(label for label in labels if label))
                yield MultilabelRow(image_url=prefix + _bare(cells[0].strip()), label=unique)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
    else:
        return
    raise InvalidInput(f"cannot read {name}: {reason}")


def to_csv(rows: Iterable[Row], path: str | os.PathLike[str], *, separator: str = ",") -> int:
    """Write classification or multi-label rows as CSV and return how many; ``from_csv`` reads it back.

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


def _row(file: Path, label: str, url: str) -> ClassificationRow:
    header = image_header(file)
    size = (header[0].width, header[0].height) if header else (None, None)
    details = ImageDetails(format=file.suffix.lower().lstrip("."), width=size[0], height=size[1])
    return ClassificationRow(image_url=url, image_details=details, label=label)


def _quoted(cell: str) -> str:
    """The cell, harmless to a spreadsheet. An apostrophe of its own gets a second one, so that it is read back."""
    return f"'{cell}" if cell.startswith("'") else harmless(cell)


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and (cell[1:].startswith("'") or is_formula(cell[1:])) else cell

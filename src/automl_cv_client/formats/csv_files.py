"""CSV files of labels, read: multi-label lists, a column a class, and Roboflow's boxes."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from automl_cv_client._files import is_image_name
from automl_cv_client._text import is_formula
from automl_cv_client.annotations import AnnotatedImage, Annotation
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import (
    Frame,
    ImageLookup,
    ReadingReport,
    Unreadable,
    image_size,
    labelled_image,
    number,
    read_text,
    shown,
    size_of_file,
)
from automl_cv_client.geometry import Size
from automl_cv_client.task import Task

_FLAGS = {
    "0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True, "no": False, "yes": True, "": False,
}  # fmt: skip
_BOX_COLUMNS = {
    "left": ("xmin", "x_min", "left", "x1"),
    "top": ("ymin", "y_min", "top", "y1"),
    "right": ("xmax", "x_max", "right", "x2"),
    "bottom": ("ymax", "y_max", "bottom", "y2"),
    "label": ("class", "label", "name", "class_name", "category", "labelname"),
    "width": ("width", "image_width", "img_width"),
    "height": ("height", "image_height", "img_height"),
}
_IMAGE_COLUMNS = (
    "filename",
    "file_name",
    "file",
    "image",
    "image_name",
    "image_path",
    "path",
    "image_url",
    "img",
    "id",
)
_OTHER_COLUMNS = ("width", "height", "split", "set", "fold")

Kind = Literal["list", "one-hot", "boxes"]


class Line(NamedTuple):
    """A line that holds something: its number in the file, and its cells."""

    number: int
    cells: list[str]


class Table(NamedTuple):
    """A CSV file, its form known.

    Attributes:
        kind: a list of labels, a column a class, or a box a line.
        head: the names of the columns, stripped; empty where the file has none.
        image: the column of the image's name.
        lines: those after the head.
    """

    kind: Kind
    head: list[str]
    image: int
    lines: list[Line]


def read_table(path: Path) -> Table:
    """A CSV file, separated by commas, semicolons or tabs.

    Raises:
        InvalidInput: it cannot be read, or holds nothing.
    """
    text = read_text(path)
    given = re.match(r"sep=([,;\t|])\r?\n", text)  # Excel's own first line
    text = text[given.end() :] if given else text
    delimiter = given[1] if given else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    lines = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) or (cells and len(cells) > 1):
                lines.append(Line(reader.line_num + bool(given), cells))
    except csv.Error as error:
        reason = f"cannot read {path.name}: line {reader.line_num}: {error}"
    else:
        if not lines:
            raise InvalidInput(f"cannot read {path.name}: it is empty")
        return _table(lines, path.name)
    raise InvalidInput(reason)


def read_csv(
    path: Path, task: Task, report: ReadingReport, separator: str, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The images of a CSV file.

    Args:
        path: the file: a head, then the image's name with its labels, in one cell or several; or with a 0 or 1 in
            each class's column; or with one box (``filename,width,height,class,xmin,ymin,xmax,ymax``).
        task: classification and multi-label read labels, detection boxes.
        report: takes what cannot be read.
        separator: between the labels of one cell.
        find: finds image files, for sizes that the file lacks.
    """
    table = read_table(path)
    if (table.kind == "boxes") != (task is Task.DETECTION):
        held = "boxes" if table.kind == "boxes" else "labels of whole images"
        raise InvalidInput(f"{path.name}: it holds {held}; read it for another task than {task.value}")
    if table.kind == "boxes":
        yield from _boxes(path.name, table, report, find)
        return
    if not table.head:
        report.note("head-missing", "its first line is no head, and is read as the others")
    if table.kind == "list":
        separator = _separator(table, separator, report)
    left_out = [name for name in table.head if name.casefold() in _OTHER_COLUMNS]
    if left_out and table.kind == "one-hot":
        report.note("columns", f"the columns {', '.join(left_out)} are no classes")
    for line in table.lines:
        where = f"{path.name}, line {line.number}"
        name = bare(line.cells[table.image].strip()) if len(line.cells) > table.image else ""
        try:
            if not name:
                raise Unreadable("image-missing", f"no image in the cell {table.image + 1}")
            if "\n" in name:
                raise Unreadable(
                    "image-wrong", f"the name of its image goes over lines, {shown(name)}: close the quote"
                )
            one_hot = table.kind == "one-hot"
            labels = _flagged(table, line) if one_hot else _listed(table, line, separator)
        except Unreadable as error:
            report.passed("image", error.reason, where, error.message)
        else:
            if not is_image_name(name):
                file = find(name) if find else None
                if file is None:
                    report.note("ending-missing", f"{where}: {shown(name)} has no image's ending: give --images DIR")
                name = name if file is None else file.name
            yield labelled_image(task, name, None, labels=labels)


def bare(cell: str) -> str:
    """The cell without the apostrophe that keeps spreadsheets from running it."""
    return cell[1:] if cell.startswith("'") and (cell[1:].startswith("'") or is_formula(cell[1:])) else cell


def _delimiter(text: str) -> str:
    """What separates the head's cells: outside quotes, whichever of comma, semicolon and tab there is most of."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    plain = "".join(part for part in head.split('"')[0::2])
    return max(",;\t", key=lambda letter: (plain.count(letter), letter == ","))


def _table(lines: list[Line], file: str) -> Table:
    """The form of a file, by its head and by all its cells."""
    head = [cell.strip() for cell in lines[0].cells]
    lowered = [name.casefold() for name in head]
    if "region_shape_attributes" in lowered:
        raise InvalidInput(f"{file} is a CSV file of VIA: export the annotations as JSON")
    if all(_column(lowered, side) is not None for side in ("left", "top", "right", "bottom")):
        return Table("boxes", head, _image_column(lowered), lines[1:])
    headless = is_image_name(head[0])
    image = 0 if headless else _image_column(lowered)
    columns = [column for column in range(len(head)) if column != image and lowered[column] not in _OTHER_COLUMNS]
    rows = lines if headless else lines[1:]
    given = [cell.strip().casefold() for line in rows for cell in _cells(line, columns) if cell.strip()]
    flags = sum(cell in _FLAGS for cell in given)
    by_column = len(columns) > 1 and 2 * flags > len(given)
    if given and (by_column or flags == len(given)) and not _names_labels(lowered, columns):
        if headless:
            raise InvalidInput(f"{file}: the head is missing, and with it the names of the classes")
        return Table("one-hot", head, image, rows)
    for column in columns if len(columns) > 1 else ():
        cells = [cell for line in rows for cell in _cells(line, [column]) if cell.strip()]
        if cells and not any(math.isnan(number(cell)) for cell in cells):
            what = f"the column {shown(head[column])}" if not headless else f"column {column + 1}"
            raise InvalidInput(
                f"{file}: {what} holds numbers, and no labels: leave it out, or name the columns of a box"
            )
    return Table("list", [] if headless else head, image, rows)


def _names_labels(lowered: Sequence[str], columns: Sequence[int]) -> bool:
    """Whether the columns are of labels by their name, so that "0" and "1" in them are names of classes."""
    return len(columns) == 1 and lowered[columns[0]] in ("label", "labels", "class", "classes", "category", "tags")


def _cells(line: Line, columns: Sequence[int]) -> Iterator[str]:
    return (line.cells[column] for column in columns if column < len(line.cells))


def _image_column(lowered: Sequence[str]) -> int:
    for name in _IMAGE_COLUMNS:
        if name in lowered:
            return lowered.index(name)
    return 0


def _column(lowered: Sequence[str], meaning: str) -> int | None:
    return next((lowered.index(name) for name in _BOX_COLUMNS[meaning] if name in lowered), None)


def _flagged(table: Table, line: Line) -> list[str]:
    labels = []
    for column, name in enumerate(table.head):
        if column == table.image or name.casefold() in _OTHER_COLUMNS:
            continue
        cell = line.cells[column].strip().casefold() if column < len(line.cells) else None
        if cell is None:
            raise Unreadable("cells-missing", f"{len(line.cells)} cells, and the head has {len(table.head)}")
        if cell not in _FLAGS:
            raise Unreadable("cell-wrong", f"the column {shown(name)} has {shown(cell)}, which is neither 0 nor 1")
        if _FLAGS[cell]:
            labels.append(bare(name))
    if len(line.cells) > len(table.head):
        raise Unreadable("cells-many", f"{len(line.cells)} cells, and the head has {len(table.head)}")
    return labels


def _separator(table: Table, separator: str, report: ReadingReport) -> str:
    """What stands between the labels of a cell: another letter where parts of such cells are labels by themselves."""
    cells = {cell.strip() for line in table.lines for column, cell in enumerate(line.cells) if column != table.image}
    if any(separator in cell for cell in cells):
        return separator
    for other in ";|/":
        joined = [cell for cell in cells if other in cell]
        if not joined:
            continue
        if any(part.strip() in cells for cell in joined for part in cell.split(other)):
            report.note("separator", f"labels of a cell are separated by {other!r}, as in {shown(joined[0])}")
            return other
        report.note("no-separator", f"{shown(joined[0])} is read as one label; labels are separated by {separator!r}")
    return separator


def _listed(table: Table, line: Line, separator: str) -> list[str]:
    cells = [
        cell
        for column, cell in enumerate(line.cells)
        if column != table.image
        and (column >= len(table.head) or table.head[column].casefold() not in _OTHER_COLUMNS or column == 1)
    ]
    labels = [label.strip() for cell in cells for label in bare(cell).split(separator)]
    return list(dict.fromkeys(label for label in labels if label))


def _boxes(name: str, table: Table, report: ReadingReport, find: ImageLookup | None) -> Iterator[AnnotatedImage]:
    """One image for the lines of one file name, in the order of their first lines."""
    lowered = [column.casefold() for column in table.head]
    columns = {meaning: _column(lowered, meaning) for meaning in _BOX_COLUMNS}
    missing = [meaning for meaning in ("left", "top", "right", "bottom", "label") if columns[meaning] is None]
    if missing:
        raise InvalidInput(f"{name}: no column of {missing[0]}: expected one of {', '.join(_BOX_COLUMNS[missing[0]])}")

    def cell(line: Line, meaning: str) -> str:
        column = columns[meaning]
        return line.cells[column].strip() if column is not None and column < len(line.cells) else ""

    of_image: dict[str, list[Line]] = {}
    for line in table.lines:
        image = bare(line.cells[table.image].strip()) if table.image < len(line.cells) else ""
        if image:
            of_image.setdefault(image, []).append(line)
        else:
            report.passed("annotation", "image-missing", f"{name}, line {line.number}", "no image in its cell")
    sides = ("left", "top", "right", "bottom")
    in_pixels = any(number(cell(line, side)) > 1 for line in table.lines for side in sides)
    if not in_pixels:
        report.note("fractions", "boxes are read as fractions of the image: no number of theirs is above 1")
    for image, lines in of_image.items():
        where = f"{name}, line {lines[0].number}"
        size = image_size(cell(lines[0], "width"), cell(lines[0], "height"))
        try:
            size = size or size_of_file(find, image, report, where)
        except InvalidInput as error:
            report.passed("image", "image-ambiguous", where, error.message, annotations=len(lines))
            continue
        if size is None and in_pixels:
            message = f"no width and height for {shown(image)}: give the folder of images (--images DIR)"
            report.passed("image", "size-missing", where, message, annotations=len(lines))
            continue
        objects = []
        for line in lines:
            where = f"{name}, line {line.number}"
            try:
                objects.append(
                    _box(
                        line, cell(line, "label"), [cell(line, side) for side in sides], size, in_pixels, report, where
                    )
                )
            except Unreadable as error:
                report.passed("annotation", error.reason, where, error.message)
        yield labelled_image(Task.DETECTION, image, size, objects)


def _box(
    line: Line, label: str, given: Sequence[str], size: Size | None, in_pixels: bool, report: ReadingReport, where: str
) -> Annotation:
    if not label:
        raise Unreadable("class-missing", "the cell of the class is empty")
    edges = [number(text) for text in given]
    if any(edge != edge for edge in edges):
        raise Unreadable("box-wrong", f"expected four numbers for the box; they are {', '.join(map(shown, given))}")
    if in_pixels and min(edges) >= 0 and max(edges) <= 1 and not all(map(float.is_integer, edges)):
        message = "all its numbers are between 0 and 1, others of the file are pixels: a fraction of the image?"
        raise Unreadable("unit-unclear", message)
    width, height = size if in_pixels and size is not None else (1, 1)
    left, top, right, bottom = edges
    return Annotation(bare(label), None, Frame(width, height, report).box(left, top, right, bottom, where))

"""Recognises what a source of training data is, and converts it: the one door for every format."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from automl_cv_client._files import is_image_name
from automl_cv_client.dataset.converting import Conversion, Location, Lookup, completed
from automl_cv_client.dataset.csv_lists import to_csv
from automl_cv_client.dataset.reading import read_rows, write_jsonl
from automl_cv_client.dataset.rows import Row
from automl_cv_client.dataset.sources import (
    from_coco,
    from_csv,
    from_custom_vision,
    from_cvat,
    from_datumaro,
    from_fiftyone,
    from_folders,
    from_label_studio,
    from_labelme,
    from_via,
    from_voc,
    from_yolo,
)
from automl_cv_client.errors import InvalidInput, PassedOverWarning
from automl_cv_client.formats import to_coco, to_voc, to_yolo
from automl_cv_client.formats.csv_files import read_table
from automl_cv_client.formats.reading import ReadingReport, decoded, files_below
from automl_cv_client.formats.yolo_layout import description, labels_apart
from automl_cv_client.task import Task, TaskInput


class Form(StrEnum):
    """A format that training data is in. The value is its name on the command line."""

    JSONL = "jsonl"
    COCO = "coco"
    VOC = "voc"
    YOLO = "yolo"
    FOLDERS = "folders"
    CSV = "csv"
    CVAT = "cvat"
    DATUMARO = "datumaro"
    LABEL_STUDIO = "label-studio"
    LABELME = "labelme"
    VIA = "via"
    FIFTYONE = "fiftyone"
    CUSTOM_VISION = "custom-vision"


class Recognised(NamedTuple):
    """What a source is.

    Attributes:
        form: its format.
        path: the file or folder to read, which may lie inside the source.
        reason: by what it was recognised, in words.
    """

    form: Form
    path: Path
    reason: str


def recognise(source: Location) -> Recognised:
    """Tell what a source of training data is, by its content and not by its name alone.

    Args:
        source: a file or folder.

    Returns:
        Its form, such as ``coco``, and by what it was recognised.

    Raises:
        InvalidInput: it is not there, it is none of the formats known here, or it could be two of them.

    Example:
        >>> form = recognise("export/data.yaml").form
    """
    path = Path(source)
    if path.is_dir():
        found = list(_in_folder(path))
    elif path.is_file():
        found = [_file(path)]
    else:
        raise InvalidInput(f"{path.name}: there is no such file or folder")
    if len(found) == 1:
        return found[0]
    if not found:
        held = ", ".join(sorted(child.name for child in path.iterdir())[:6])
        raise InvalidInput(
            f"{path.name}: what is it? It holds {held or 'nothing'}: say what it is by --from; in Python, form='coco'"
        )
    both = "; ".join(f"{source.form.value} in {source.path.relative_to(path).as_posix()}" for source in found[:4])
    raise InvalidInput(f"{path.name} holds training data {len(found)} times: {both}: name the one that is meant")


_GLANCE = 64_000  # bytes of the files after one of a format that has one file per image: there may be 100,000
_BEGINNING = 4_000_000  # bytes of a file that are looked at; a COCO file may begin with its annotations


def _file(path: Path, beginning: int = _BEGINNING) -> Recognised:
    ending = path.suffix.lower()
    if ending in (".yaml", ".yml", ".data"):
        return Recognised(Form.YOLO, path, "a description of a YOLO data set")
    if ending in (".csv", ".tsv"):
        return Recognised(Form.CSV, path, "a CSV file")
    try:
        with path.open("rb") as file:
            head = file.read(beginning)
            more = bool(file.read(1))
    except OSError as error:
        reason = error.strerror or "unreadable"
    else:
        if ending == ".xml" or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return _xml(path, head)
        known = _json(path, head, more)
        if known is not None:
            return known
        if ending == ".jsonl":  # whatever is wrong in it, its lines will tell
            return Recognised(Form.JSONL, path, "its name")
        reason = "it is none of the formats known here: say what it is by --from; in Python, form='coco'"
    raise InvalidInput(f"cannot read {path.name}: {reason}")


def _xml(path: Path, head: bytes) -> Recognised:
    root = re.search(rb"<\s*(annotations?)\b", head.replace(b"\0", b""))
    if root is None:
        raise InvalidInput(f"cannot read {path.name}: its root is neither <annotation> (VOC) nor <annotations> (CVAT)")
    if root[1] == b"annotations":
        return Recognised(Form.CVAT, path, "its root <annotations>")
    return Recognised(Form.VOC, path, "its root <annotation>")


_KEYS: tuple[tuple[Form, tuple[str, ...]], ...] = (
    (Form.VIA, ("_via_img_metadata",)),
    (Form.VIA, ("shape_attributes", "regions")),
    (Form.LABELME, ("shapes", "imagePath")),
    (Form.DATUMARO, ("items", "categories")),
    (Form.COCO, ("images", "annotations")),
    (Form.COCO, ("images", "categories")),
    (Form.FIFTYONE, ("samples",)),
    (Form.FIFTYONE, ("classes", "labels")),
)
"""A format has all keys of a line in its outermost objects; the first line that fits counts."""

_LIST_KEYS: tuple[tuple[Form, tuple[str, ...]], ...] = (
    (Form.CUSTOM_VISION, ("originalImageUri",)),
    (Form.CUSTOM_VISION, ("original_image_uri",)),
    (Form.LABEL_STUDIO, ("data", "annotations")),
    (Form.LABEL_STUDIO, ("data", "completions")),
    (Form.LABEL_STUDIO, ("annotation_id", "annotator")),
    (Form.LABEL_STUDIO, ("annotation_id", "lead_time")),
)


def _json(path: Path, head: bytes, more: bool) -> Recognised | None:
    """The format of JSON text, by its keys; JSONL when its first line is a row by itself."""
    try:
        text = decoded(head[: len(head) - len(head) % 4] if more else head, path.name).lstrip()
    except InvalidInput:
        if path.suffix.lower() not in (".json", ".jsonl"):
            return None  # not a text
        if not more:
            raise
        text = head.decode("utf-8", "replace").lstrip()
    if re.match(r'\{\s*"(image_url|image_details|label)"', text):
        return Recognised(Form.JSONL, path, "its lines with image_url")
    first = text.partition("\n")[0]
    try:
        row = json.loads(first)
        if isinstance(row, dict) and "image_url" in row:
            return Recognised(Form.JSONL, path, "its lines with image_url")
    except (ValueError, RecursionError):
        pass
    if text[:1] not in ("{", "["):
        return None
    keys = set(re.findall(r'"(\w{4,40})"\s*:', text))
    tables = (_LIST_KEYS, _KEYS) if text[0] == "[" else (_KEYS, _LIST_KEYS)
    for form, needed in chain(*tables):
        if keys.issuperset(needed):
            return Recognised(form, path, f"its keys {', '.join(needed)}")
    if more and text[0] == "{":  # so many annotations that the other keys come later
        return Recognised(Form.COCO, path, "its size") if "image_id" in keys else None
    return None


def _in_folder(folder: Path) -> Iterator[Recognised]:
    """Everything in a folder that can be read; class folders only where there is nothing else."""
    described = description(folder)
    if described is not None:
        yield Recognised(Form.YOLO, folder, described.name)
        return
    count = 0
    for form, path, reason in _files_in(folder):
        count += 1
        yield Recognised(form, path, reason)
    if count:
        return
    texts = [file for file in files_below(folder) if file.suffix.lower() == ".txt"]
    if any(_is_yolo(file) for file in texts[:50]):
        yield Recognised(Form.YOLO, folder, "text files of numbers")
        return
    if any(is_image_name(file.name) and file.parent != folder for file in files_below(folder)):
        yield Recognised(Form.FOLDERS, folder, "folders with images")


def _files_in(folder: Path) -> Iterator[Recognised]:
    """Files of labels in a folder and below it; VOC and labelme have one an image, and count as one."""
    seen: set[Form] = set()
    for file in files_below(folder):
        ending = file.suffix.lower()
        if ending not in (".xml", ".json", ".jsonl", ".csv"):
            continue
        try:
            found = _file(file, _GLANCE if seen else _BEGINNING)
            if found.form is Form.CSV and not _holds_images(file):
                continue
        except InvalidInput:
            continue
        if found.form in (Form.VOC, Form.LABELME):
            if found.form not in seen:
                yield found._replace(path=folder)
            seen.add(found.form)
        else:
            yield found


def _holds_images(file: Path) -> bool:
    table = read_table(file)
    first = table.lines[0].cells if table.lines else []
    return len(first) > table.image and is_image_name(first[table.image].strip())


def _is_yolo(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            line = opened.readline(20_000).decode("utf-8", "replace").split()
        return len(line) >= 5 and all(float(part) >= 0 for part in line)
    except (OSError, ValueError):
        return False


_READERS: Mapping[Form, Callable[..., Conversion[Any]]] = {
    Form.COCO: from_coco,
    Form.VOC: from_voc,
    Form.FOLDERS: from_folders,
    Form.CSV: from_csv,
    Form.CVAT: from_cvat,
    Form.DATUMARO: from_datumaro,
    Form.LABEL_STUDIO: from_label_studio,
    Form.LABELME: from_labelme,
    Form.VIA: from_via,
    Form.FIFTYONE: from_fiftyone,
    Form.CUSTOM_VISION: from_custom_vision,
}
_WITHOUT_TASK = (Form.VOC, Form.FOLDERS)
_WITH_IMAGES = (
    Form.COCO, Form.VOC, Form.CSV, Form.DATUMARO, Form.LABELME, Form.VIA, Form.FIFTYONE, Form.CUSTOM_VISION,
)  # fmt: skip
_TO: Mapping[Form, Callable[..., Any]] = {Form.COCO: to_coco, Form.VOC: to_voc, Form.YOLO: to_yolo, Form.CSV: to_csv}


def rows_from(
    source: Location,
    *,
    form: Form | str | None = None,
    task: TaskInput | None = None,
    prefix: str = "",
    images: Location | None = None,
    classes: Sequence[str] | Location | None = None,
    split: str | None = None,
    strict: bool = False,
) -> Conversion[Row]:
    """The training rows of a source, whatever it is.

    Args:
        source: a file or folder of any format in ``Form``.
        form: what it is; recognised when left out.
        task: what is wanted of it; the task of its labels when left out, detection where there are objects.
        prefix: what to put before the images' names.
        images: the folder of images, for sizes and endings that the source lacks.
        classes: for YOLO: the names, or a file of them.
        split: for YOLO and folders: the only part wanted, such as ``train``.
        strict: end at the first thing that cannot be read, instead of reporting it with all others.

    Returns:
        The rows, as an iterator; its ``report`` tells what was passed over.

    Raises:
        InvalidInput: it is not recognised, or it cannot be read.

    Example:
        >>> for row in rows_from("export/"):
        ...     print(row.image_url, row.classes())
    """
    kind, path = (_form_of(form), Path(source)) if form is not None else recognise(source)[:2]
    if form is not None and kind not in (Form.YOLO, Form.FOLDERS, Form.VOC, Form.LABELME) and path.is_dir():
        path = _only_file(path, kind)
    if split is not None and kind not in (Form.YOLO, Form.FOLDERS):
        raise InvalidInput(f"split goes with yolo and folders, and the source is {kind.value}")
    if kind is Form.JSONL:
        return _jsonl(path, task, prefix, images, strict)
    if kind is Form.YOLO:
        kind_of = task or Task.DETECTION
        apart = None if images is None else labels_apart(path)
        if images is None or apart is None:
            return from_yolo(path, None, classes, kind_of, prefix=prefix, split=split, strict=strict)
        named = path if classes is None and path.is_file() else classes
        return from_yolo(images, apart, named, kind_of, prefix=prefix, strict=strict)
    options: dict[str, Any] = {"prefix": prefix, "strict": strict}
    if kind in _WITH_IMAGES:
        options["images"] = images if images is not None else _folder_beside(path)
    if kind is Form.FOLDERS:
        options["split"] = split
    if kind is Form.CSV and task is None:
        task = Task.DETECTION if read_table(path).kind == "boxes" else Task.MULTILABEL
    if kind in _WITHOUT_TASK:
        return _READERS[kind](path, **options)
    return _READERS[kind](path, task or Task.DETECTION, **options)


def convert(
    source: Location,
    target: Location,
    *,
    form: Form | str | None = None,
    to: Form | str = Form.JSONL,
    task: TaskInput | None = None,
    prefix: str = "",
    images: Location | None = None,
    classes: Sequence[str] | Location | None = None,
    split: str | None = None,
    strict: bool = False,
) -> ReadingReport:
    """Convert training data from any format in ``Form`` to JSONL, COCO, VOC, YOLO or CSV.

    Args:
        source: a file or folder.
        target: the file, or the folder for VOC and YOLO.
        form: what the source is; recognised when left out.
        to: what the target shall be.
        task: what the rows are for, as for :func:`rows_from`.
        prefix: put before every image's path.
        images: the folder the images are in, for sizes and endings.
        classes: names of the classes, or the file they are in, for YOLO.
        split: one part of a source that is split, such as ``"train"``.
        strict: end at the first thing that cannot be read.

    Returns:
        What was read and what was passed over; nothing else is warned of.

    Raises:
        InvalidInput: the source is not recognised or cannot be read, or the target cannot be written.

    Example:
        >>> print(convert("export/", "train.jsonl").text())
    """
    written = _form_of(to)
    rows = rows_from(
        source, form=form, task=task, prefix=prefix, images=images, classes=classes, split=split, strict=strict
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PassedOverWarning)
        if written is Form.JSONL:
            write_jsonl(rows, target)
        elif written in _TO:
            _TO[written](rows, target)
        else:
            raise InvalidInput(f"{written.value} is not written: use one of {', '.join(['jsonl', *_TO])}")
    return rows.report


def _form_of(form: Form | str) -> Form:
    try:
        return Form(form)
    except ValueError:
        pass
    raise InvalidInput(f"unknown form {form!r}: use one of {', '.join(Form)}")


def _only_file(folder: Path, form: Form) -> Path:
    """The file of a format in a folder. Raises InvalidInput when there is none, or several."""
    files = [found.path for found in _files_in(folder) if found.form is form]
    if len(files) == 1:
        return files[0]
    some = ", ".join(file.relative_to(folder).as_posix() for file in files[:3])
    raise InvalidInput(f"{folder.name}: {len(files)} files are {form.value}{f': {some}: name one' if files else ''}")


def _folder_beside(path: Path) -> Path | None:
    """Where the images of a source probably are: in it, or beside its file in a folder that is its own."""
    if path.is_dir():
        return path.parent if path.name.lower() in ("annotations", "labels") else path
    beside = path.parent.parent if path.parent.name.lower() in ("annotations", "labels") else path.parent
    inner = [name for name in ("images", "data", "JPEGImages") if (beside / name).is_dir()]
    return beside / inner[0] if inner else None


def _jsonl(path: Path, task: TaskInput | None, prefix: str, images: Location | None, strict: bool) -> Conversion[Row]:
    report = ReadingReport(path.name, Form.JSONL, strict=strict)

    def rows() -> Iterator[Row]:
        find = Lookup(images) if images is not None else None
        for number, row, problem, code in read_rows(path, task=task, strict=strict):
            if row is None:
                report.passed("image", code, f"{path.name}, line {number}", problem)
            else:
                yield completed(row, prefix, find, report)

    return Conversion(rows, report)

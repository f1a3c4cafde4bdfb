"""Reads what an Azure ML batch endpoint wrote: ``predictions.csv``, "not a regular CSV", whatever its script returned.

With ``output_action=append_row`` the service appends what ``run(mini_batch)`` returned, as it stands. A data frame
becomes a line with blanks between its cells, quoted where they must be, and no header; an element of a list becomes
its own Python text. So there are five forms in the field, and neither of the two ways that are documented reads more
than half of them:

===============================  ====================================================
data frame, JSON in the cell     ``a/1.jpg "{""boxes"": []}"``
data frame, Python in the cell   ``a/1.jpg "{'boxes': []}"``
list of name and text            ``['a/1.jpg', "{'boxes': []}"]``
list of name and value           ``['a/1.jpg', {'boxes': [], 'score': nan}]``
JSON objects                     ``{"filename": "a/1.jpg", "boxes": []}``
===============================  ====================================================
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import math
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, overload

from automl_cv_client._files import PassedOver, folder_images, is_side_path
from automl_cv_client._image_info import ImageInfo
from automl_cv_client._imaging import ImagePolicy, prepare
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._protocol.replies import WrongShape, read_rows, result_of
from automl_cv_client._text import shortened
from automl_cv_client.batch.endpoint.names import Names, all_files
from automl_cv_client.errors import AutoMLVisionError, ImageError, InvalidInput, UnexpectedReply
from automl_cv_client.geometry import Size
from automl_cv_client.results import KINDS, CallInfo, Failed, MultilabelClassification, Outcome, Result, Scored
from automl_cv_client.task import Task, TaskInput, task_of

Exif = Literal["unknown", "ignored", "applied"]

_NAMES = {
    "nan": math.nan,
    "NaN": math.nan,
    "inf": math.inf,
    "Infinity": math.inf,
    "null": None,
    "true": True,
    "false": False,
}
_WRAPPERS = {"array", "float16", "float32", "float64", "int32", "int64", "str_", "bool_", "list", "tuple"}
"""What numpy writes around its values."""
_NAME_KEYS = ("filename", "file_name", "input", "image", "path", "name")
_LONGEST_LINE = 256_000_000  # characters; a line is one image's result
csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_LINE))


class _Record(NamedTuple):
    """One line of the output: where it stands, whose it is, and what the script said; or what is wrong with it."""

    where: str
    name: str = ""
    value: Any = None
    problem: str = ""


@dataclass(frozen=True)
class BatchOutput(Sequence[Outcome[Result]]):
    """What became of each image of a batch job: a sequence of outcomes, in the order of the folder.

    After the images come the lines that belong to none of them, each as an error that names file and line; so nothing
    that was written is lost. The service hands a script every file of the folder: a line of a file that is no image by
    its name counts as passed over when it is an error, and has an outcome of its own when it is a result.

    Attributes:
        outcomes: one per image, then one per line without an image.
        repeated: lines that were replaced by a later one of the same image: a mini-batch that is retried appends again.
        passed_over: files that have a line and are none of your images: hidden files, thumbnails, texts.
    """

    outcomes: tuple[Outcome[Result], ...]
    repeated: int = 0
    passed_over: int = 0

    def __len__(self) -> int:
        return len(self.outcomes)

    @overload
    def __getitem__(self, index: int) -> Outcome[Result]: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Outcome[Result], ...]: ...
    def __getitem__(self, index: int | slice) -> Outcome[Result] | tuple[Outcome[Result], ...]:
        return self.outcomes[index]


def read_batch_output(
    path: str | os.PathLike[str],
    *,
    task: TaskInput,
    images: str | os.PathLike[str],
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> BatchOutput:
    """Read the output of an Azure ML batch endpoint into results in pixels of your images.

    All forms that scoring scripts write are read, with CRLF, a byte-order mark, gzip, several parts and a last line cut
    off by a cancelled job. Names may be absolute paths, paths below the folder, or the ends of such.

    Args:
        path: ``predictions.csv``, ``.csv.gz``, or a folder with such files: all of them are parts of one output.
        task: of the model, such as ``"image-object-detection"``.
        images: the folder the job read, on this machine: it tells the sizes, and which images have no row.
        threshold: for multi-label: the probability above which a label counts as present.
        exif: what the script did with photos taken sideways: ``"applied"`` when they were turned upright (as the driver
            of ``automl-cv batch-endpoint init`` does, which also says so in its rows), ``"ignored"`` when not. It
            matters only for boxes and polygons of images with an EXIF orientation; if ``"unknown"``, those are errors.

    Returns:
        One outcome per image, then one per line that fits no image. An image without a row is an error, too.

    Raises:
        InvalidInput: there is no such file or folder, or it holds no output; or an argument cannot be used.

    Example:
        >>> for outcome in read_batch_output("predictions.csv", task="image-object-detection", images="photos/"):
        ...     print(outcome.input, outcome.result or outcome.error)
    """
    kind = task_of(task)
    if exif not in ("unknown", "ignored", "applied"):
        raise InvalidInput(f"exif must be 'unknown', 'ignored' or 'applied', not {exif!r}")
    checked_threshold(threshold)
    folder = os.path.abspath(images)
    if not os.path.isdir(folder):
        raise InvalidInput(f"no such folder of images: {shortened(os.path.basename(folder))!r}")
    everything = list(all_files(folder))
    names_span_lines = any(end in name for name in everything for end in "\r\n")
    records = list(_records(_parts(Path(path)), names_span_lines))
    files = Names(everything, (record.name for record in records if not record.problem))
    rows: dict[str, _Record] = {}
    strays: list[_Record] = []
    repeated = 0
    for record in records:
        if record.problem:
            strays.append(record)
            continue
        try:
            file = files.find(record.name)
            problem = "" if file else f"no image below {os.path.basename(folder)!r} has this name"
        except InvalidInput as error:
            file, problem = None, str(error)
        if file is None:
            strays.append(record._replace(problem=problem))
            continue
        name = os.path.join(folder, file)
        repeated += name in rows
        rows[name] = record
    names = list(folder_images(folder, PassedOver()))
    outcomes = [
        _outcome(number, name, rows.pop(name, None), kind, threshold, exif) for number, name in enumerate(names)
    ]
    passed_over = 0
    for name, record in rows.items():
        outcome = _outcome(len(outcomes), name, record, kind, threshold, exif)
        if outcome.ok and not is_side_path(os.path.relpath(name, folder)):
            outcomes.append(outcome)
        else:
            passed_over += 1
    for stray in strays:
        said = f"{stray.where}: {shortened(stray.name)!r}: " if stray.name else f"{stray.where}: "
        outcomes.append(Failed(len(outcomes), stray.name or stray.where, error=UnexpectedReply(said + stray.problem)))
    return BatchOutput(tuple(outcomes), repeated, passed_over)


def _outcome(
    number: int, name: str, record: _Record | None, task: Task, threshold: float, exif: Exif
) -> Outcome[Result]:
    if record is None:
        words = f"{_shown(name)}: the output has no row for it: the batch job lost it, or was stopped before"
        return Failed(number, name, error=UnexpectedReply(words))
    try:
        return Scored(number, name, _result(record, name, task, threshold, exif))
    except AutoMLVisionError as error:
        return Failed(number, name, error=error)


def _shown(name: str) -> str:
    """The last two parts of a path: enough to know an image by."""
    return shortened("/".join(Path(name).parts[-2:]))


def _result(record: _Record, name: str, task: Task, threshold: float, exif: Exif) -> Result:
    info = prepare(name, ImagePolicy()).info
    value, upright = _without_marks(record.value)
    if isinstance(value, dict) and value.get("status") == "ok":
        return _stored(record.where, value.get("result"), info, task, threshold)
    if isinstance(value, dict) and value and set(value) <= {"error", "message", "status"}:
        reason = shortened(_reason(value), 500)
        kind = ImageError if reason.startswith(f"{ImageError.__name__}: ") else UnexpectedReply
        raise kind(f"{record.where}: the scoring script said: {reason}")
    turned = info.orientation != 1 and not task.explainable and not upright
    if turned and exif == "unknown":
        raise UnexpectedReply(
            f"{record.where}: {_shown(name)} carries EXIF orientation {info.orientation}, and the output does not "
            "say whether the script turned it: give --exif applied or ignored, or in Python exif="
        )
    rows = value if isinstance(value, list) else [value]
    try:
        (row,) = read_rows(json.dumps(rows).encode(), task)
    except (WrongShape, ValueError, TypeError, RecursionError) as error:
        problem = str(error) if isinstance(error, WrongShape) else "it is not the result of one image"
    else:
        if turned and exif == "ignored":
            row = _turned(row, info)
        size = {"sent_size": info.size, "sent_bytes": 0, "changes": ()}
        return result_of(task, row, info.model_copy(update=size), CallInfo(), threshold)
    raise UnexpectedReply(f"{record.where}: {problem}", excerpt=shortened(repr(record.value), 500))


def _stored(where: str, given: Any, info: ImageInfo, task: Task, threshold: float) -> Result:
    """A result as this package stores it, in a line as of ``results.jsonl``."""
    try:
        result = KINDS[task].model_validate_json(json.dumps(given))
    except (ValueError, RecursionError):
        problem = f"it is no stored result of {task.value}"
    else:
        if result.image.size == info.size:
            is_multilabel = isinstance(result, MultilabelClassification)
            return result.model_copy(update={"threshold": threshold}) if is_multilabel else result
        problem = f"the result is of an image of {_by(result.image.size)} pixels, and this one has {_by(info.size)}"
    raise UnexpectedReply(f"{where}: {problem}")


def _by(size: Size) -> str:
    return f"{size.width} x {size.height}"


def _reason(value: dict[str, Any]) -> str:
    """What a script says in place of a result; a line of ``results.jsonl`` tells it in parts."""
    said = value.get("error", value.get("message"))
    if isinstance(said, dict):
        return ": ".join(str(said[key]) for key in ("kind", "message") if said.get(key))
    return str(said)


def _without_marks(value: Any) -> tuple[Any, bool]:
    """The value without the file's name and the driver's mark, and whether the driver turned the image upright."""
    if not isinstance(value, dict):
        return value, False
    kept = {key: item for key, item in value.items() if key not in (*_NAME_KEYS, "upright")}
    return kept, value.get("upright") is True


def _turned(row: Any, info: ImageInfo) -> Any:
    """A row in fractions of the stored image, in those of the upright one."""
    frames = info.frames

    def point(x: float, y: float) -> tuple[float, float]:
        return frames.point(x * frames.raw.width, y * frames.raw.height, "raw", "normalised")

    boxes = []
    for item in row["boxes"]:
        corners = item["box"]
        (x1, y1), (x2, y2) = point(corners["topX"], corners["topY"]), point(corners["bottomX"], corners["bottomY"])
        box = {"topX": min(x1, x2), "topY": min(y1, y2), "bottomX": max(x1, x2), "bottomY": max(y1, y2)}
        turned = {**item, "box": {**corners, **box}}
        if "polygon" in item:
            turned["polygon"] = [
                [value for x, y in zip(ring[::2], ring[1::2], strict=False) for value in point(x, y)]
                for ring in item["polygon"]
            ]
        boxes.append(turned)
    return {**row, "boxes": boxes}


_OUTPUT = re.compile(r"\.(csv|jsonl?|txt)(\.gz)?$")


def _parts(path: Path) -> list[Path]:
    """The files of an output, in their order. Raises InvalidInput when there is none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InvalidInput(f"{path}: there is no such file or folder: give predictions.csv, or the folder it is in")
    parts = sorted(
        (file for file in path.rglob("*") if file.is_file() and _OUTPUT.search(file.name.lower())),
        key=lambda file: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file.as_posix())],
    )
    if not parts:
        raise InvalidInput(f"{path}: this folder holds no output of a batch endpoint: look for predictions.csv")
    return parts


def _records(parts: Sequence[Path], names_span_lines: bool) -> Iterator[_Record]:
    for part in parts:
        with part.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
            try:
                yield from _records_of(text, part.name, names_span_lines)
            except (OSError, EOFError) as error:
                yield _Record(part.name, problem=f"the file cannot be read to its end ({error}): download it again")


def _records_of(text: io.TextIOWrapper, name: str, names_span_lines: bool) -> Iterator[_Record]:
    lines = _Lines(text)
    while (line := lines.peek()) is not None:
        where = f"{name}, line {lines.number}"
        if not line.strip():
            lines.take()
        elif line.lstrip().startswith(("[", "{", "(")) and (record := _literal_record(where, line)) is not None:
            lines.take()
            yield record
        else:
            yield _frame_record(where, lines, names_span_lines)


class _Lines:
    """The lines of a file; taken lines can be put back, as only the end of a record tells how many it has."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self.number = 1

    def peek(self) -> str | None:
        if not self._back:
            line = self._text.readline()
            if not line:
                return None
            self._back.append(line)
        return self._back[0]

    def take(self) -> str:
        line = self.peek()
        assert line is not None
        self.number += 1
        return self._back.popleft()

    def put_back(self, lines: Sequence[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.number -= len(lines)


def _literal_record(where: str, line: str) -> _Record | None:
    """A line that is a JSON object or a Python value; None where it is neither: a file name may begin so, too."""
    try:
        return _record_of(where, _value_of(line.strip()))
    except ValueError:
        return None


def _record_of(where: str, value: Any) -> _Record:
    """The record of a value that holds the name of its image: a dictionary, or a list of name and result."""
    if isinstance(value, dict):
        name = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
        if name is None:
            return _Record(where, problem="it names no file: expected a key such as 'filename'")
        return _Record(where, name, value)
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return _cell(where, value[0], value[1])
    return _Record(where, problem="expected a file name and its result")


_CUT_OFF = "the last line is cut off: the job was stopped while it wrote"


def _frame_record(where: str, lines: _Lines, names_span_lines: bool) -> _Record:
    """A record of a data frame, by csv's rules with a blank for the comma.

    A quotation mark that is never closed has taken the next lines along. They are read by themselves, as a result has
    no line ends. But where names have some, not those of the name: what looks like a row may be a part of it.
    """
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while lines.peek() is not None:
            taken.append(lines.take())
            yield taken[-1]

    cells: list[str] = []
    with suppress(csv.Error, StopIteration):
        cells = next(csv.reader(feed(), delimiter=" ", strict=True))
    if not cells:
        damaged = _lines_of_name(taken) if names_span_lines else 1
        lines.put_back(taken[damaged:])
        taken = taken[:damaged]
    is_cut_off = lines.peek() is None and (len(taken) > 1 or not taken[-1].endswith(("\n", "\r")))
    if len(cells) == 2:
        record = _cell(where, *cells)
    elif len(cells) == 1 and not (record := _cell(where, "", cells[0])).problem:  # of a data frame with one column
        record = _record_of(where, record.value)
    else:
        record = _Record(where, problem="it is not a name and a result")
    return record._replace(problem=_CUT_OFF) if record.problem and is_cut_off else record


def _lines_of_name(lines: Sequence[str]) -> int:
    """In how many of these lines the first cell is closed; all, where it is not."""
    text = ""
    for number, line in enumerate(lines, 1):
        text += line
        if len(next(csv.reader(io.StringIO(text, newline=""), delimiter=" "))) > 1:
            return number
    return len(lines)


def _cell(where: str, name: str, cell: Any) -> _Record:
    try:
        value = _value_of(cell) if isinstance(cell, str) else cell
    except ValueError:
        return _Record(where, name, problem="the result is neither JSON nor Python")
    if isinstance(value, str):  # JSON within JSON, as some wrappers write it
        try:
            value = _value_of(value)
        except ValueError:
            return _Record(where, name, {"message": value})
    return _Record(where, name, value)


def _value_of(text: str) -> Any:
    """The value of a text of JSON or Python literals; of Python's also nan, inf and what numpy writes around numbers.

    Raises:
        ValueError: it is neither.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return _literal(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError) as error:
        problem = type(error).__name__
    raise ValueError(problem)


def _literal(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value) if not isinstance(value, bytes | complex):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.Attribute(attr=name) if name in _NAMES:  # np.nan
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_literal(operand)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values) if all(key is not None for key in keys):
            return {_literal(key): _literal(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[value, *_]) if name in _WRAPPERS:
            return _literal(value)
    raise ValueError("not a literal")

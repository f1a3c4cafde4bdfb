"""Writes what is recorded as JSONL, CSV or Parquet: whole, or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, Protocol, get_args

from automl_cv_client._files import whole_file
from automl_cv_client._text import harmless
from automl_cv_client.batch.ledger import Ledger, as_json, finished
from automl_cv_client.batch.rows import COLUMNS, rows_of
from automl_cv_client.errors import BatchError, InvalidInput
from automl_cv_client.integrations.arrow import row_of_record
from automl_cv_client.integrations.arrow import schema as arrow_schema
from automl_cv_client.results import Outcome, Result
from automl_cv_client.task import Task, TaskInput, task_of

Format = Literal["jsonl", "csv", "parquet"]
_ROW_GROUP = 10_000


def export(
    out: str | os.PathLike[str],
    format: Format = "jsonl",
    path: str | os.PathLike[str] | None = None,
    *,
    nested: bool = False,
) -> Path:
    """Write what a job has recorded so far; also while it runs.

    JSONL has one line per image: ``{"input", "status": "ok", "result"}`` or ``{"input", "status": "error", "error"}``.
    CSV and Parquet have a row an object (detection, segmentation), a present label (multi-label) or an image, with
    coordinates in [0, 1]; an image without any has one row, too. Parquet that is ``nested`` has one row per image, with
    the columns that the integrations of Ray and Spark give, so that all three can be read as one table.

    Args:
        out: the folder of the job.
        format: ``"jsonl"``, ``"csv"`` or ``"parquet"`` (extra ``parquet``).
        path: where to; ``<out>/results.<format>`` by default.
        nested: for Parquet: one row per image, ``input`` and :func:`automl_cv_client.integrations.arrow.schema`.

    Returns:
        The path of the file.

    Raises:
        InvalidInput: an argument cannot be used.
        BatchError: no job in this folder, or the file cannot be written; an older file then stays as it was.
    """
    (checked,) = checked_formats((format,), nested)
    target = Path(out) / f"results.{checked}" if path is None else Path(path)
    ledger = Ledger(Path(out), reading=True)
    try:
        if os.path.realpath(target).startswith(os.path.realpath(ledger.path)):  # or a file SQLite has beside it
            raise BatchError(f"cannot write {target}: it is the record of the job; choose another name")
        # Not alone: there may be others, and a run at its end.
        write_export(ledger, Task(ledger.fingerprint()["task"]), checked, target, alone=False, nested=nested)
    finally:
        ledger.close()
    return target


def export_outcomes(
    outcomes: Iterable[Outcome[Result]],
    task: TaskInput,
    path: str | os.PathLike[str],
    format: Format = "jsonl",
    *,
    nested: bool = False,
) -> Path:
    """Write outcomes that belong to no job, such as those of :func:`read_batch_output`, in the form of :func:`export`.

    Args:
        outcomes: one per image; the input of each is a path.
        task: of the results.
        path: where to.
        format: ``"jsonl"``, ``"csv"`` or ``"parquet"`` (extra ``parquet``).
        nested: for Parquet: one row per image, with nested columns.

    Returns:
        The path.

    Raises:
        InvalidInput: an argument cannot be used.
        BatchError: the file cannot be written; an older one then stays as it was.
    """
    (checked,) = checked_formats((format,), nested)
    write_export(_Outcomes(outcomes), task_of(task), checked, Path(path), nested=nested)
    return Path(path)


class _Recorded(Protocol):
    """A ledger, or what has records as it has."""

    def finished(self) -> Iterator[tuple[str, bool, str]]: ...


class _Outcomes:
    def __init__(self, outcomes: Iterable[Outcome[Result]]) -> None:
        self._outcomes = outcomes

    def finished(self) -> Iterator[tuple[str, bool, str]]:
        for outcome in self._outcomes:
            record = finished(outcome.index, outcome)
            yield str(outcome.input), record.ok, record.body


def checked_formats(formats: Iterable[str], nested: bool = False) -> tuple[Format, ...]:
    """The formats by their names. Raises InvalidInput for others, and for Parquet without its library."""
    known: tuple[Format, ...] = get_args(Format)
    names = tuple(formats)
    for name in names:
        if name not in known:
            raise InvalidInput(f"unknown export format {name!r}: use {', '.join(known)}")
    if nested and names != ("parquet",):
        raise InvalidInput(f"only parquet has nested columns, not {', '.join(names)}")
    if "parquet" in names:
        _pyarrow()
    return tuple(name for name in known if name in names)


def write_export(
    ledger: _Recorded, task: Task, format: Format, path: Path, *, alone: bool = True, nested: bool = False
) -> None:
    """Write one file from an open ledger.

    Args:
        ledger: to read from.
        task: of the job.
        format: of the file.
        path: of the file.
        alone: nobody else writes it at the same time, which is so in a run.
        nested: Parquet with one row per image.
    """
    writers: dict[Format, Callable[[IO[bytes], _Recorded, Task], None]] = {
        "jsonl": _write_jsonl,
        "csv": _write_csv,
        "parquet": _write_nested if nested else _write_parquet,
    }
    with _whole_file(path, alone) as file:
        writers[format](file, ledger, task)


def _write_jsonl(file: IO[bytes], ledger: _Recorded, task: Task) -> None:
    for name, ok, body in ledger.finished():
        kind = "result" if ok else "error"
        status = "ok" if ok else "error"
        file.write(f'{{"input": {as_json(name)}, "status": "{status}", "{kind}": {body}}}\n'.encode())


def _write_csv(file: IO[bytes], ledger: _Recorded, task: Task) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(COLUMNS[task])
        for row in _rows(ledger, task):
            writer.writerow([harmless(value) for value in row.values()])
    finally:
        with suppress(OSError):
            text.detach()


def _write_parquet(file: IO[bytes], ledger: _Recorded, task: Task) -> None:
    arrow, parquet = _pyarrow()
    columns = COLUMNS[task]
    schema = arrow.schema(
        [(name, arrow.float64() if kind is float else arrow.string()) for name, kind in columns.items()]
    )
    rows = _rows(ledger, task)
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, _ROW_GROUP)):
            clean = [{name: _text(value) for name, value in row.items()} for row in group]
            writer.write_table(arrow.Table.from_pylist(clean, schema=schema))


def _write_nested(file: IO[bytes], ledger: _Recorded, task: Task) -> None:
    arrow, parquet = _pyarrow()
    schema = arrow_schema(task, keep=arrow.schema([("input", arrow.string())]))
    rows = ({"input": _text(name), **row_of_record(ok, body, task)} for name, ok, body in ledger.finished())
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, _ROW_GROUP)):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))


def _rows(ledger: _Recorded, task: Task) -> Iterator[dict[str, Any]]:
    for name, ok, body in ledger.finished():
        yield from rows_of(name, ok, body, task)


def _text(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        pass
    else:
        return pyarrow, pyarrow.parquet
    raise InvalidInput("Parquet needs pyarrow: pip install 'automl-cv-client[parquet]'")


@contextmanager
def _whole_file(path: Path, alone: bool) -> Iterator[IO[bytes]]:
    """A file that appears under its name once all of it is on the disk; until then an older one stays."""
    real = os.path.realpath(path)
    if os.path.exists(real) and not os.path.isfile(real):
        raise BatchError(f"cannot write {path}: it is there, and no file; choose another name")
    reason = ""
    try:
        with whole_file(path, alone=alone) as file:
            yield file
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        raise BatchError(f"cannot write {path} ({reason}): make room or choose another place, then export again")

"""The record of a job: which images there are, and what became of each. A SQLite file that survives kill -9.

Every image has one row; a row ends in one record, ``ok`` or ``error``. A transaction is on the disk when it
returns (WAL with synchronous FULL), so at a crash only images in work are scored again. Records are kept in a
table of their own: looking through a million names then reads megabytes, not gigabytes.

What a disk or another program has damaged must not end as a job that is short or wrong. SQLite itself notices torn
pages and, asked to, entries that an index has and its table has not. It does not notice a changed digit in a result, or
letter in a name. So every row carries a checksum: a name's own, and a record's over the whole row. Opening a job to
go on with it checks the structure, and that every finished image has its record; names are compared with the source,
or else with their checksums; an export checks each record that it writes.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import Any

from automl_cv_client._protocol.statuses import Again, again
from automl_cv_client._text import printable
from automl_cv_client.errors import BatchError
from automl_cv_client.results import Outcome

_TORN = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_TORN_WORDS = (
    "it is damaged, by the disk or by another program: put a copy in its place, or choose another output folder"
)
_FULL_WORDS = "see that the disk has room and is in order, then run the same command again; what is recorded stays"
TRIES = 3  # of an image, over all runs
_CHUNK = 10_000
_VERSION = 2  # of the schema; another one needs another number, which older versions of the package then refuse
_CHECKED_WHOLE = 256 * 1024 * 1024  # bytes of a ledger up to which records are read at once: a second at most
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS job(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items(
    id INTEGER PRIMARY KEY, name NOT NULL UNIQUE, mark INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_state ON items(state, id);
CREATE TABLE IF NOT EXISTS records(id INTEGER PRIMARY KEY, mark INTEGER NOT NULL, body TEXT NOT NULL);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
"""In one transaction: a kill in the middle leaves an empty file, and no table without its version."""


_FIELDS = (
    "status", "model_status", "reason", "request_id", "client_request_id", "deployment", "attempts", "elapsed",
)  # fmt: skip
"""Of an error, what is kept besides its kind, its message, and whether it is final: it would be the same again."""


class State(IntEnum):
    """What became of an image so far."""

    TO_DO = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Finished:
    """An image's record.

    Attributes:
        id: the image's row.
        ok: whether ``body`` is a result; else an error.
        body: JSON.
        counts: whether an error counts as one of the image's tries; it does not when the endpoint was down.
    """

    id: int
    ok: bool
    body: str
    counts: bool = True


def finished(row: int, outcome: Outcome[Any], not_counted: bool = False) -> Finished:
    """The record of one image: its result as JSON, or its error with status and request ids.

    Args:
        row: of the image in the ledger.
        outcome: what became of it.
        not_counted: the failure was the endpoint's: the image keeps its tries.
    """
    if outcome.ok:
        return Finished(row, True, outcome.result.model_dump_json())
    error = outcome.error
    details = {name: getattr(error, name) for name in _FIELDS if getattr(error, name, None) is not None}
    final = again(error) is Again.NEVER
    body = {"kind": type(error).__name__, "message": getattr(error, "message", str(error)), "final": final, **details}
    return Finished(row, False, as_json(body), counts=not not_counted)


@dataclass(frozen=True, slots=True)
class ToDo:
    """An image to do.

    Attributes:
        id: its row.
        name: its path.
        failed: whether it was tried before.
    """

    id: int
    name: str
    failed: bool


class Ledger:
    """An open ledger. For one thread at a time.

    Args:
        folder: the job's folder, which exists.
        reading: open it to look only; another process may be writing.

    Raises:
        BatchError: it cannot be read or written.
    """

    def __init__(self, folder: Path, *, reading: bool = False) -> None:
        self.path: Path = folder / "ledger.sqlite"
        if reading and not self.path.is_file():
            raise BatchError(f"{folder} holds no batch job: it is the folder that was given as the output")
        with self._clear():
            address, uri = (_reading_uri(self.path), True) if reading else (str(self.path), False)
            self._db = sqlite3.connect(address, timeout=5, isolation_level=None, check_same_thread=False, uri=uri)
        try:
            self._check_version()
            if reading:
                self._check_begun()
            else:
                self._set_up()
        except BaseException:
            self._db.close()
            raise

    def _set_up(self) -> None:
        with self._clear():
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            self._db.create_function("mark_of", 5, _mark_of_row, deterministic=True)

    def _check_version(self) -> None:
        with self._clear():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            (tables,) = self._db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if version > _VERSION:
            raise BatchError(f"{self.path} was written by a newer version of automl-cv-client: upgrade this one")
        if tables and version == 1:
            raise BatchError(f"{self.path} was written by an older version of automl-cv-client: choose another folder")
        if tables and version != _VERSION:
            raise self._damaged(f"its version is {version}")

    def _check_begun(self) -> None:
        with self._clear():
            tables = self._db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('job', 'records')").fetchone()
        if tables[0] < 2 or not self.fingerprint():
            raise BatchError(f"the job in {self.path.parent} has not begun: run it")

    def close(self) -> None:
        """Close the file."""
        with self._clear():
            self._db.close()

    def agree(self, fingerprint: Mapping[str, str]) -> None:
        """Keep a new job's fingerprint; raises BatchError when an old one's differs, naming what does."""
        with self._transaction():
            known = dict(self._db.execute("SELECT name, value FROM job"))
            if not known and self._db.execute("SELECT 1 FROM items LIMIT 1").fetchone():
                raise self._damaged("it has images, and does not say of which job")
            if not known:
                self._db.executemany("INSERT INTO job VALUES (?, ?)", fingerprint.items())
        differing = [name for name, value in fingerprint.items() if known and known.get(name) != value]
        if differing:
            name = differing[0]
            raise BatchError(
                f"{self.path.parent} holds another job: its {name} is {known.get(name)}, this one's is "
                f"{fingerprint[name]}: choose another output folder"
            )

    def check(self) -> None:
        """Raises BatchError when the ledger was damaged since it was written."""
        with self._clear():
            is_small = os.path.getsize(self.path) <= _CHECKED_WHOLE
            problems = [text for (text,) in self._db.execute("PRAGMA integrity_check(items)") if text != "ok"]
            if is_small and not problems:
                problems = [text for (text,) in self._db.execute("PRAGMA quick_check") if text != "ok"]
            strange = self._db.execute(
                "SELECT items.id FROM items LEFT JOIN records USING (id) "
                "WHERE COALESCE(state, 9) NOT IN (0, 1, 2) OR (state > 0 AND records.id IS NULL) LIMIT 1"
            ).fetchone()
            stray = self._db.execute(
                "SELECT records.id FROM records LEFT JOIN items USING (id) WHERE items.id IS NULL LIMIT 1"
            ).fetchone()
        if problems:
            raise self._damaged(problems[0])
        if strange or stray:
            raise self._damaged("an image and its record do not fit")
        if is_small:
            for _ in self.finished():
                pass

    def fingerprint(self) -> dict[str, str]:
        """What the job is."""
        with self._clear():
            return dict(self._db.execute("SELECT name, value FROM job"))

    def add(self, names: Iterable[str]) -> None:
        """Add the names that are not yet known, in order.

        As long as the names come in the order they came in before, whole chunks are compared and nothing is
        looked up: a million known names take less than a second.
        """
        names = iter(names)
        last: int | None = 0
        same = True
        while chunk := [_stored(name) for name in islice(names, _CHUNK)]:
            with self._clear():
                if same:
                    query = "SELECT name, id FROM items WHERE id > ? ORDER BY id LIMIT ?"
                    rows = self._db.execute(query, (last, len(chunk))).fetchall()
                    same = [row[0] for row in rows] == chunk
                    if same:
                        last = rows[-1][1]
            if not same:
                if last is not None:
                    self._check_names(last)
                    last = None
                with self._transaction():
                    self._db.executemany(
                        "INSERT OR IGNORE INTO items(name, mark) VALUES (?, ?)", ((name, _mark(name)) for name in chunk)
                    )
        if last is not None:
            self._check_names(last)

    def _check_names(self, after: int) -> None:
        """The names from a row on, which are not those of the source: each must be as it was written."""
        with self._clear():
            rows = self._db.execute("SELECT name, mark FROM items WHERE id > ? ORDER BY id", (after,))
            damaged = next((name for name, mark in rows if mark != _mark(name)), None)
        if damaged is not None:
            raise self._damaged("a name was changed")

    def reopen_errors(self, *, given_up: bool = False) -> None:
        """Errors that may be retried are to do again; with ``given_up`` all, and their tries are forgotten."""
        with self._transaction():
            if given_up:
                self._db.execute("UPDATE items SET tries = 0 WHERE state = 2")
            self._db.execute("UPDATE items SET state = 0 WHERE state = 2 AND tries < ?", (TRIES,))

    def to_do(self) -> Iterator[ToDo]:
        """The images to do, in order; may be read while others are recorded.

        Those that failed before come last: what crashes the server does not keep new ones from their first try.
        """
        for failed, known in ((False, "NOT EXISTS"), (True, "EXISTS")):
            last = 0
            query = (
                "SELECT id, name FROM items WHERE state = 0 AND id > ? "
                f"AND {known} (SELECT 1 FROM records WHERE records.id = items.id) ORDER BY id LIMIT 500"
            )
            while True:
                with self._clear():
                    rows = self._db.execute(query, (last,)).fetchall()
                if not rows:
                    break
                for row, name in rows:
                    yield ToDo(row, _name(name), failed)
                last = rows[-1][0]

    def record(self, finished: Iterable[Finished]) -> None:
        """Write what became of some images; on the disk when this returns."""
        many = list(finished)
        with self._transaction():
            self._db.executemany(
                "UPDATE items SET state = ?, tries = tries + ? WHERE id = ?",
                ((State.OK if each.ok else State.ERROR, int(each.counts), each.id) for each in many),
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO records "
                "SELECT id, mark_of(id, mark, state, tries, ?1), ?1 FROM items WHERE id = ?2",
                ((each.body, each.id) for each in many),
            )

    def counts(self) -> dict[State, int]:
        """Images by state."""
        with self._clear():
            rows = dict(self._db.execute("SELECT state, COUNT(*) FROM items GROUP BY state"))
        return {state: rows.get(state.value, 0) for state in State}

    def given_up(self) -> int:
        """Images that failed so often that they are not retried."""
        with self._clear():
            query = "SELECT COUNT(*) FROM items WHERE state = 2 AND tries >= ?"
            (count,) = self._db.execute(query, (TRIES,)).fetchone()
        return int(count)

    def finished(self) -> Iterator[tuple[str, bool, str]]:
        """(name, ok, JSON) of every finished image, in order. Raises BatchError for what was damaged or lost."""
        last = count = 0
        expected = self._finished_count()
        query = (
            "SELECT items.id, name, items.mark, state, tries, records.mark, body FROM items JOIN records USING (id) "
            "WHERE items.id > ? AND state > 0 ORDER BY items.id LIMIT 100"
        )
        while True:
            with self._clear():
                rows = self._db.execute(query, (last,)).fetchall()
            if not rows:
                break
            for row, name, name_mark, state, tries, mark, body in rows:
                intact = isinstance(body, str) and mark == _mark_of_row(row, name_mark, state, tries, body)
                if name_mark != _mark(name) or not intact:
                    raise self._damaged(f"what is recorded of image {row} was changed")
                count += 1
                yield _name(name), state == State.OK, body
            last = rows[-1][0]
        if count < min(expected, self._finished_count()):  # a run that begins meanwhile takes failed ones back
            raise self._damaged("records are missing")

    def _finished_count(self) -> int:
        counts = self.counts()
        return counts[State.OK] + counts[State.ERROR]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._clear():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled it back by itself
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _clear(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        reason = ""
        torn = False
        try:
            yield
        except sqlite3.Error as error:
            reason = str(error)
            torn = getattr(error, "sqlite_errorname", "").startswith(_TORN) or "decode" in reason
        if reason:
            raise self._damaged(reason) if torn else BatchError(f"{self._unusable(reason)}: {_FULL_WORDS}")

    def _damaged(self, reason: str) -> BatchError:
        return BatchError(f"{self._unusable(reason)}: {_TORN_WORDS}")

    def _unusable(self, reason: str) -> str:
        return f"the ledger {self.path} cannot be used ({printable(reason)[:200]})"


def _reading_uri(path: Path) -> str:
    """The URI to look at a ledger by: SQLite cannot make its files beside one in a folder that is read-only.

    https://www.sqlite.org/wal.html#read_only_databases
    """
    written_to = os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists()
    return path.absolute().as_uri() + ("" if written_to else "?immutable=1")


def _mark(name: str | bytes) -> int:
    """A checksum, which also tells text from bytes."""
    return zlib.crc32(name) if isinstance(name, bytes) else zlib.crc32(str(name).encode("utf-8", "surrogatepass"), 1)


def _mark_of_row(row: int, name_mark: int, state: int, tries: int, body: str) -> int:
    data = body.encode("utf-8", "surrogatepass")
    return zlib.crc32(data, zlib.crc32(f"{row},{name_mark},{state},{tries}".encode()))


def _stored(name: str) -> str | bytes:
    """A name as SQLite can keep it: file names need not be text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        pass
    else:
        return name
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:  # of no file: half a character, as JSON may have it
        return name.encode("utf-8", "surrogatepass")


def _name(stored: str | bytes) -> str:
    return os.fsdecode(stored)


def as_json(value: object) -> str:
    """One line of JSON; safe for file names that are not text."""
    return json.dumps(value, ensure_ascii=True, default=str)

"""The record of a job: which images there are, and what became of each. A SQLite file that survives kill -9.

Every image has one row; a row ends in one record, ``ok`` or ``error``. A transaction is on the disk when it
returns (WAL with synchronous FULL), so at a crash only images in work are scored again. Records are kept in a
table of their own: looking through a million names then reads megabytes, not gigabytes.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from pathlib import Path

from automl_cv_client.errors import BatchError

_TORN = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_TORN_WORDS = (
    "it is damaged, by the disk or by another program: put a copy in its place, or choose another output folder"
)
_FULL_WORDS = "see that the disk has room and is in order, then run the same command again; what is recorded stays"
TRIES = 3  # of an image, over all runs
_CHUNK = 10_000
_VERSION = 1  # of the schema; another one needs another number, which older versions of the package then refuse
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS job(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items(
    id INTEGER PRIMARY KEY, name NOT NULL UNIQUE, state INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_state ON items(state, id);
CREATE TABLE IF NOT EXISTS records(id INTEGER PRIMARY KEY, body TEXT NOT NULL);
PRAGMA user_version = {_VERSION};
"""


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
        self.path = folder / "ledger.sqlite"
        if reading and not self.path.is_file():
            raise BatchError(f"{folder} holds no batch job: it is the folder that was given as the output")
        with self._clear():
            place, uri = (_reading_place(self.path), True) if reading else (str(self.path), False)
            self._db = sqlite3.connect(place, timeout=5, isolation_level=None, check_same_thread=False, uri=uri)
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

    def _check_version(self) -> None:
        with self._clear():
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise BatchError(f"{self.path} was written by a newer version of automl-cv-client: upgrade this one")

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
            if not known:
                self._db.executemany("INSERT INTO job VALUES (?, ?)", fingerprint.items())
        differing = [name for name, value in fingerprint.items() if known and known.get(name) != value]
        if differing:
            name = differing[0]
            raise BatchError(
                f"{self.path.parent} holds another job: its {name} is {known.get(name)}, this one's is "
                f"{fingerprint[name]}: choose another output folder"
            )

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
        last = 0
        same = True
        while chunk := [_stored(name) for name in islice(names, _CHUNK)]:
            with self._clear():
                if same:
                    query = "SELECT name, id FROM items WHERE id > ? ORDER BY id LIMIT ?"
                    rows = self._db.execute(query, (last, len(chunk))).fetchall()
                    same = [row[0] for row in rows] == chunk
                    last = rows[-1][1] if rows else last
            if not same:
                with self._transaction():
                    self._db.executemany("INSERT OR IGNORE INTO items(name) VALUES (?)", ((name,) for name in chunk))

    def reopen_errors(self, *, given_up: bool = False) -> None:
        """Errors that may be tried again are to do again; with ``given_up`` all, and their tries are forgotten."""
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
                ((State.OK if one.ok else State.ERROR, int(one.counts), one.id) for one in many),
            )
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?)", ((one.id, one.body) for one in many))

    def counts(self) -> dict[State, int]:
        """Images by state."""
        with self._clear():
            rows = dict(self._db.execute("SELECT state, COUNT(*) FROM items GROUP BY state"))
        return {state: rows.get(state.value, 0) for state in State}

    def given_up(self) -> int:
        """Images that failed so often that they are not tried again."""
        with self._clear():
            found = self._db.execute("SELECT COUNT(*) FROM items WHERE state = 2 AND tries >= ?", (TRIES,)).fetchone()
        return int(found[0])

    def finished(self) -> Iterator[tuple[str, bool, str]]:
        """(name, ok, JSON) of every finished image, in order."""
        last = 0
        query = (
            "SELECT items.id, name, state, body FROM items JOIN records USING (id) "
            "WHERE items.id > ? AND state > 0 ORDER BY items.id LIMIT 100"
        )
        while True:
            with self._clear():
                rows = self._db.execute(query, (last,)).fetchall()
            if not rows:
                return
            for _, name, state, body in rows:
                yield _name(name), state == State.OK, body
            last = rows[-1][0]

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
            torn = getattr(error, "sqlite_errorname", "").startswith(_TORN)
        if reason:
            raise BatchError(
                f"the ledger {self.path} cannot be used ({reason}): {_TORN_WORDS if torn else _FULL_WORDS}"
            )


def _reading_place(path: Path) -> str:
    """The URI to look at a ledger by: SQLite cannot make its files beside one in a folder that is read-only.

    https://www.sqlite.org/wal.html#read_only_databases
    """
    written_to = os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists()
    return path.absolute().as_uri() + ("" if written_to else "?immutable=1")


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

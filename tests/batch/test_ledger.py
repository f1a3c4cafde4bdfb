"""What the ledger promises SQLite must be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl_cv_client import errors
from automl_cv_client.batch.ledger import Finished, Ledger, State


def test_a_record_is_on_the_disk_before_record_returns(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    ledger.close()


def test_known_names_are_compared_and_not_written_again(tmp_path: Path) -> None:
    """That is why a million done images resume in less than two seconds."""
    names = [f"{number}.png" for number in range(25_000)]
    ledger = Ledger(tmp_path)
    ledger.add(names)
    statements: list[str] = []
    ledger._db.set_trace_callback(statements.append)
    ledger.add(names)
    assert [statement for statement in statements if not statement.startswith("SELECT")] == []
    ledger.add([*names, "new.png"])
    assert sum(statement.startswith("INSERT") for statement in statements) == 5_001  # the last chunk only
    ledger._db.set_trace_callback(None)
    assert sum(ledger.counts().values()) == 25_001
    ledger.close()


def test_a_second_record_replaces_the_first(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(["a.png"])
    (row,) = ledger.to_do()
    ledger.record([Finished(row.id, False, '{"kind": "ImageError"}')])
    ledger.reopen_errors()
    assert [(image.name, image.failed) for image in ledger.to_do()] == [("a.png", True)]
    ledger.record([Finished(row.id, True, '{"labels": []}')])
    assert [*ledger.finished()] == [("a.png", True, '{"labels": []}')]
    assert ledger.counts() == {State.TO_DO: 0, State.OK: 1, State.ERROR: 0}
    ledger.close()


def test_images_that_failed_before_come_last(tmp_path: Path) -> None:
    """So that what crashes the server at the beginning of each run does not keep the new ones from their turn."""
    ledger = Ledger(tmp_path)
    ledger.add(["a.png", "b.png", "c.png"])
    first = next(ledger.to_do())
    ledger.record([Finished(first.id, False, '{"kind": "ConnectionFailed"}', counts=False)])
    ledger.reopen_errors()
    assert [(image.name, image.failed) for image in ledger.to_do()] == [
        ("b.png", False),
        ("c.png", False),
        ("a.png", True),
    ]
    ledger.close()


def test_a_record_that_cannot_be_written_leaves_the_others_of_its_transaction_out(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(["a.png", "b.png"])
    first, second = ledger.to_do()
    with pytest.raises(errors.BatchError, match="cannot be used"):
        ledger.record([Finished(first.id, True, "{}"), Finished(second.id, True, None)])  # type: ignore[arg-type]
    assert ledger.counts()[State.TO_DO] == 2
    assert [*ledger.finished()] == []
    ledger.record([Finished(first.id, True, "{}")])
    assert ledger.counts()[State.OK] == 1
    ledger.close()

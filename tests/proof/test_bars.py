"""Every bar has tests that hold it, and a row of the page of proof."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.proof.__main__ import PAGE, Held, files_of, held, page, with_row
from tests.proof.bars import BARS

RECORD = """<testsuites><testsuite name="pytest">
<testcase classname="tests.clients.test_soak" name="test_blocking[50000]" time="12.5"><properties>
<property name="bar" value="20"/><property name="figure" value="50,000 calls: +0.1 MB"/></properties></testcase>
<testcase classname="tests.batch.test_kill" name="test_killed" time="1"><properties>
<property name="bar" value="2"/></properties><failure message="lost">...</failure></testcase>
<testcase classname="tests.batch.test_kill" name="test_other" time="1"><properties>
<property name="bar" value="2"/></properties><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize("number", BARS)
def test_tests_hold_it(number: int) -> None:
    assert files_of(number)


def test_the_page_has_a_row_of_each() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (yes|\*\*missed\*\*|not run)", PAGE.read_text(encoding="utf-8"), re.M)
    assert {int(number): bar for number, bar, _ in rows} == BARS
    assert {verdict for _, _, verdict in rows} <= {"yes", "**missed**"}


def test_a_record_becomes_rows(tmp_path: Path) -> None:
    record = tmp_path / "record.xml"
    record.write_text(RECORD, encoding="utf-8")
    bars = held(record)
    assert bars[20] == Held(1, 0, [], 12.5, {"tests/clients/test_soak.py"}, ["50,000 calls: +0.1 MB"])
    text = page(bars, seed=7, seconds=90)
    assert "seed 7" in text
    assert "| yes | 50,000 calls: +0.1 MB; 1 cases in 12 s | `tests/clients/test_soak.py` |" in text
    assert "| **missed**: test_killed | 0 cases in 2 s, 1 skipped | `tests/batch/test_kill.py` |" in text
    assert "| not run |" in text
    again = with_row(text, 2, Held(5, 0, [], 3.0, {"tests/batch/test_kill.py"}))
    assert "| yes | 5 cases in 3 s | `tests/batch/test_kill.py` |" in again
    assert again.count("\n") == text.count("\n")

"""Every benchmark runs, in its smallest form, and prints its table; what it measures then says nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import main, names
from benchmarks.results import Row, is_missed, page, picture, rows_of

ROOT = Path(__file__).parents[2]
SLOW = {"images", "saturation", "xai_attributions"}  # each takes more than a second


def tables(text: str) -> dict[str, list[list[str]]]:
    """The rows of each table, by its title."""
    found: dict[str, list[list[str]]] = {}
    for part in re.split("^## ", text, flags=re.MULTILINE)[1:]:
        title, *lines = part.splitlines()
        found[title] = [line.strip("|").split(" | ") for line in lines if line.startswith("| ")][1:]
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in names()]
)
def test_it_prints_its_table(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)  # where its servers are found
    monkeypatch.setattr(sys, "argv", [name, "--quick"])
    import_module(f"benchmarks.{name}").main()
    said = capsys.readouterr().out
    assert f"`python -m benchmarks.{name}`" in said
    found = tables(said)
    assert found
    for title, rows in found.items():
        assert rows, title
        for row in rows:
            assert len(row) == 4, row
            assert row[0].strip(), row
            assert re.search(r"\d", row[1]), row


def test_all_are_run_by_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        words.append(command[2:])
        return subprocess.CompletedProcess(command, 0, "| item | figure | ratio | bar |\n| a | 1 s | 2.0 | ≤ 1 |\n")

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick"])
    assert main() == 0  # figures of the smallest form say nothing
    assert words == [[f"benchmarks.{name}", "--quick"] for name in names()]
    assert len(words) >= 10
    assert "$(BIN)/python -m benchmarks\n" in (ROOT / "Makefile").read_text()


def test_the_page_of_figures_tells_of_each() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in names() if f"`python -m benchmarks.{name}`" not in page] == []


@pytest.mark.parametrize(
    ("figure", "ratio", "bar", "missed"),
    [
        ("714 µs", "1.70", "≤ 1.75", False),
        ("714 µs", "1.80; 0.68 of its rate", "≤ 1.75", True),
        ("5312/s", "2.9 of httpx, 0.50 of aiohttp", "≥ 3 of httpx", True),
        ("2.5", "", "≤ 2.7", False),
        ("10,000 to 100,000", "+2.1 MB", "≤ +2 MB", True),
        ("0.6% refused", "0.97 of ideal", "≥ 0.93, ≤ 2 %", False),
        ("2.4% refused", "0.97 of ideal", "≥ 0.93, ≤ 2 %", True),
        ("0.1% refused", "38% of the answers", "40 to 60 %", True),
        ("0.1% refused", "48% of the answers", "40 to 60 %", False),
        ("boxes move by 0.61% of the image", "0.5 of the bytes", "≤ 1 %", False),
        ("12 µs", "9", "", False),
    ],
)
def test_a_missed_bar_is_seen(figure: str, ratio: str, bar: str, missed: bool) -> None:
    assert is_missed(Row("a row", figure, ratio, bar)) is missed


def test_what_is_missed_is_told_with_its_reason() -> None:
    printed = {
        "parsing": "## Parsing\n\n| item | figure | ratio | bar |\n|---|---|---|---|\n| <a> | 1 s | 3.0 | ≤ 2 |\n"
    }
    assert rows_of(printed["parsing"]) == [Row("<a>", "1 s", "3.0", "≤ 2")]
    assert "- `parsing`, <a>: 3.0, bar ≤ 2. Because." in page(printed, {"parsing": "Because."})
    assert "&lt;a&gt;" in picture(printed)
    assert ">1.50<" in picture(printed)
    assert "Every bar is met." in page({"parsing": printed["parsing"].replace("3.0", "1.0")}, {})


def test_a_missed_bar_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "parsing"])
    rows = "| item | figure | ratio | bar |\n| a | 1 s | {} | ≤ 1 |\n"
    for ratio, code in (("2.0", 1), ("0.9", 0)):
        done = subprocess.CompletedProcess([], 0, rows.format(ratio))
        monkeypatch.setattr("subprocess.run", lambda *_, done=done, **__: done)
        assert main() == code

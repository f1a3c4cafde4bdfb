"""Every benchmark runs, in its smallest form, and prints its table; what it measures then says nothing."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.__main__ import main, names

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
    monkeypatch.setattr("subprocess.run", lambda command, check: words.append(command[2:]))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick"])
    main()
    assert words == [[f"benchmarks.{name}", "--quick"] for name in names()]
    assert len(words) >= 10
    assert "$(BIN)/python -m benchmarks\n" in (ROOT / "Makefile").read_text()


def test_the_page_of_figures_tells_of_each() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in names() if f"`python -m benchmarks.{name}`" not in page] == []

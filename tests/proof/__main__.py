"""``python -m tests.proof`` holds every bar with its whole, slow tests, and writes what it saw to docs/proof.md."""

from __future__ import annotations

import argparse
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from automl_cv_client import __version__
from tests.proof.bars import BARS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "proof.md"
HEAD = """\
# Proof

Does the client ever return another image's result, lose a row, or leak a key? Do not take our word for it: run
`make proof`. It holds the bars below with their whole tests (kill loops, soak, fuzzing), which takes a quarter of
an hour, and writes this page.

Each bar is a promise, and each promise is held by tests marked `@pytest.mark.bar(number)`. A short form of every test
runs with `make test`, at each push.
"""


@dataclass
class Held:
    """What the tests of one bar did."""

    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0
    files: set[str] = field(default_factory=set)
    figures: list[str] = field(default_factory=list)


def run(seed: int, selected: list[str]) -> dict[int, Held]:
    """Run the tests of all bars; what became of each."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.xml"
        command = [sys.executable, "-m", "pytest", "-m", "bar", "-n", "auto", f"--junitxml={record}"]
        subprocess.run([*command, "--run-slow", f"--hypothesis-seed={seed}", *selected], cwd=ROOT)
        return held(record)


def files_of(number: int) -> list[str]:
    """The files of tests that hold a bar."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    mark = f"mark.bar({number})"
    return [str(file) for file in files if mark in file.read_text(encoding="utf-8")]


def held(record: Path) -> dict[int, Held]:
    """What a JUnit record of pytest says of each bar."""
    bars: dict[int, Held] = defaultdict(Held)
    short: dict[int, list[str]] = defaultdict(list)  # figures of the short forms, which a whole form replaces
    for case in ElementTree.parse(record).iter("testcase"):
        properties = [(each.get("name"), each.get("value", "")) for each in case.iter("property")]
        for number in {int(value) for name, value in properties if name == "bar"}:
            bar = bars[number]
            bar.seconds += float(case.get("time", 0))
            bar.files.add(case.get("classname", "").partition(".Test")[0].replace(".", "/") + ".py")
            figures = bar.figures if ("slow", "True") in properties else short[number]
            figures += [value for name, value in properties if name == "figure" and value not in figures]
            if case.find("failure") is not None or case.find("error") is not None:
                bar.failed.append(case.get("name", ""))
            elif case.find("skipped") is not None:
                bar.skipped += 1
            else:
                bar.passed += 1
    for number, bar in bars.items():
        bar.figures = bar.figures or short[number]
    return bars


def page(bars: dict[int, Held], seed: int, seconds: float) -> str:
    """The page, as Markdown."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    when = f"Version {__version__}, {datetime.now(UTC):%Y-%m-%d}, {machine}, seed {seed}; {seconds / 60:.0f} minutes."
    lines = [HEAD, when, "", "| # | bar | held | figures | tests |", "|--:|---|---|---|---|"]
    lines += [_row(number, bars.get(number, Held())) for number in BARS]
    return "\n".join(lines) + "\n"


def with_row(text: str, number: int, bar: Held) -> str:
    """The page with the row of one bar anew."""
    return re.sub(rf"^\| {number} \|.*$", lambda _: _row(number, bar), text, flags=re.MULTILINE)


def _row(number: int, bar: Held) -> str:
    return f"| {number} | {BARS[number]} | {' | '.join(_cells(bar))} |"


def _cells(bar: Held) -> list[str]:
    skipped = f", {bar.skipped} skipped" if bar.skipped else ""
    verdict = f"**missed**: {', '.join(bar.failed)}" if bar.failed else "yes" if bar.passed else "not run"
    files = " ".join(f"`{name}`" for name in sorted(bar.files))
    figures = "; ".join([*bar.figures, f"{bar.passed:,} cases in {bar.seconds:.0f} s{skipped}"])
    return [verdict, figures, files]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("tests", nargs="*", help="only these tests; the page is printed, not written")
    parser.add_argument("--bar", type=int, choices=BARS, help="hold this bar alone, and write its row anew")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the random examples")
    options = parser.parse_args()
    began = time.monotonic()
    if options.bar:
        bar = run(options.seed, files_of(options.bar))[options.bar]
        PAGE.write_text(with_row(PAGE.read_text(encoding="utf-8"), options.bar, bar), encoding="utf-8")
        return 0 if bar.passed and not bar.failed else 1
    bars = run(options.seed, options.tests)
    text = page(bars, options.seed, time.monotonic() - began)
    if options.tests:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")
        print(f"see {PAGE.relative_to(ROOT)}")
    held_all = all(bars[number].passed and not bars[number].failed for number in (bars if options.tests else BARS))
    return 0 if held_all else 1


if __name__ == "__main__":
    sys.exit(main())

"""What the benchmarks printed: which bars are missed, and the page and the picture made of them."""

from __future__ import annotations

import operator
import platform
import re
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

_CONDITION = re.compile(r"([≤≥]) \+?([\d.]+)( %)?")
_RANGE = re.compile(r"([\d.]+) to ([\d.]+) %")
_HOLDS = {"≤": operator.le, "≥": operator.ge}
_WIDTH, _LINE, _LEFT = 960, 22, 460
_FULL = 400  # of the picture's width: a ratio that is its bar
_HEAD = """\
# Results

Written by `make bench`. A ratio compares with the least one could pay, or with the usual way, in the same run; what
each row means is on the page [Performance](../docs/performance.md). The picture shows each figure as a share of its
bar: left of the line is better.

![each figure as a share of its bar](results.svg)
"""


class Row(NamedTuple):
    """A row of a benchmark's table."""

    item: str
    figure: str
    ratio: str
    bar: str


def rows_of(printed: str) -> list[Row]:
    """The rows of the tables that a benchmark printed."""
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [Row(*row) for row in cells if len(row) == 4 and row[0] != "item"]


def _number(text: str, *, percent: bool) -> float | None:
    found = re.search(r"([\d.]+) ?%", text) if percent else re.search(r"(\d[\d.]*)(?! ?%|[\d.])", text)
    return float(found[1]) if found else None


def measured(row: Row, *, percent: bool = False) -> float | None:
    """The number that a bar is about: the first of the ratio, else of the figure."""
    found = _number(row.ratio, percent=percent)
    return _number(row.figure, percent=percent) if found is None else found


def is_missed(row: Row) -> bool:
    """Whether a condition of the row's bar does not hold."""
    for sign, limit, percent in _CONDITION.findall(row.bar):
        value = measured(row, percent=bool(percent))
        if value is not None and not _HOLDS[sign](value, float(limit)):
            return True
    if between := _RANGE.search(row.bar):
        value = measured(row, percent=True)
        return value is not None and not float(between[1]) <= value <= float(between[2])
    return False


def page(printed: dict[str, str], reasons: dict[str, str]) -> str:
    """The page: what is missed, with its reason, and every table."""
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    missed = [f"- `{name}`, {row.item}: {row.ratio or row.figure}, bar {row.bar}. {reasons.get(name, '')}".rstrip()
              for name, text in printed.items() for row in rows_of(text) if is_missed(row)]  # fmt: skip
    verdict = "\n".join(["## Missed", "", *missed]) if missed else "Every bar is met."
    return (
        "\n\n".join([_HEAD + f"\n{datetime.now(UTC):%Y-%m-%d}, {machine}.", verdict, *map(str.strip, printed.values())])
        + "\n"
    )


def picture(printed: dict[str, str]) -> str:
    """An SVG: each row with a bar, as its share of it."""
    shares: list[tuple[str, float]] = []
    for text in printed.values():
        for row in rows_of(text):
            condition, value = _CONDITION.search(row.bar), measured(row)
            if condition and value and not condition[3] and (limit := float(condition[2])):
                shares.append((row.item, value / limit if condition[1] == "≤" else limit / value))
    height = _LINE * (len(shares) + 2)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
             f'font-size="13" role="img"><title>Each figure as a share of its bar</title>'
             f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>']  # fmt: skip
    for number, (item, share) in enumerate(shares, 1):
        top, width = number * _LINE, min(share, 1.2) * _FULL
        color = "#c4320a" if share > 1 else "#2e7d6b"
        lines.append(f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(item[:62])}</text>'
                     f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="15" fill="{color}"/>'
                     f'<text x="{_LEFT + width + 6:.0f}" y="{top + 12}">{share:.2f}</text>')  # fmt: skip
    x = _LEFT + _FULL
    lines.append(
        f'<line x1="{x}" x2="{x}" y1="{_LINE - 4}" y2="{height - _LINE}" stroke="#333" stroke-dasharray="4 3"/></svg>'
    )
    return "\n".join(lines) + "\n"

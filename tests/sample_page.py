"""Reads docs/samples.md: which part of which sample it shows, the commands it names, and what it says they print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
PAGE = (ROOT / "docs" / "samples.md").read_text(encoding="utf-8")

_MARK = r"<!-- not run: run by tests/test_samples\.py -->"
_SHOWN = re.compile(
    rf"^## (?P<title>.+?)\n.*?\]\(\.\./samples/(?P<file>\w+\.\w+)\).*?"
    rf"^{_MARK}\n```python\n(?P<code>.*?)^```\n```text\n(?P<text>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)


class Step(NamedTuple):
    """A command after ``$``, as its words, and the lines under it."""

    words: list[str]
    printed: str


class Shown(NamedTuple):
    """A section of the page."""

    title: str
    file: str
    code: str
    text: str

    @property
    def steps(self) -> list[Step]:
        parts = (part.partition("\n") for part in self.text.split("$ ")[1:])
        return [Step(shlex.split(command), printed) for command, _, printed in parts]


SHOWN = {found["file"]: Shown(**found.groupdict()) for found in _SHOWN.finditer(PAGE)}

"""Reads a page of the documentation: its fenced blocks with what they print, its links, its commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^( *)```(\w*)\s*$")
_REMARK = re.compile(r"^<!-- *(.+?) *-->$")
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\]\(\s*([^)\s]+)(?:\s+\"[^\"]*\")?\s*\)")


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        line: of the page, where its first line of code stands; from 1.
        language: the word after the fence; ``""`` without one.
        code: what is in it.
        remark: the HTML comment in the line before it, which readers do not see; else ``""``.
        printed: the ``text`` block that follows, which is its output; None without one.
    """

    line: int
    language: str
    code: str
    remark: str
    printed: str | None = None


class Page:
    """A Markdown file of the repository; its name is its path from docs/ on, or else from the root on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(
            next(target for target in (DOCS, ROOT, path.parent) if path.is_relative_to(target))
        ).as_posix()
        self.text = path.read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return self.name

    def blocks(self, *languages: str) -> list[Block]:
        """The fenced blocks in these languages, in order."""
        return [block for block in self._blocks if block.language in languages]

    @cached_property
    def _blocks(self) -> list[Block]:
        found: list[tuple[Block, int]] = []  # with the line after its end
        lines = self.text.split("\n")
        number = 0
        while number < len(lines):
            fence = _FENCE.match(lines[number])
            if fence:
                end = lines.index(f"{fence[1]}```", number + 1)
                code = "".join(line.removeprefix(fence[1]) + "\n" for line in lines[number + 1 : end])
                before = [line for line in lines[:number][-2:] if line.strip()]
                remark = _REMARK.match(before[-1].strip()) if before else None
                found.append((Block(number + 2, fence[2], code, remark[1] if remark else ""), end + 1))
                number = end
            number += 1
        return list(self._with_output(found, lines))

    @staticmethod
    def _with_output(found: list[tuple[Block, int]], lines: list[str]) -> Iterator[Block]:
        for (block, end), after in zip_longest(found, found[1:]):
            output = after and after[0].language == "text" and not "".join(lines[end : after[0].line - 2])
            yield block._replace(printed=after[0].code) if output else block

    @cached_property
    def prose(self) -> str:
        """The page without its fenced blocks."""
        return re.sub(r"^( *)```.*?^\1```$", "", self.text, flags=re.MULTILINE | re.DOTALL)

    def links(self) -> list[str]:
        """What links and images lead to, apart from other sites."""
        found = _LINK.findall(_INLINE_CODE.sub("", self.prose))
        return [target for target in found if not re.match(r"[a-z]+:", target)]

    def commands(self) -> list[list[str]]:
        """Commands of sh blocks and of code in the text, as words: those of ours, and of make."""
        texts = [block.code.replace("\\\n", " ") for block in self.blocks("sh")]
        texts += [code.strip("`") for code in _INLINE_CODE.findall(self.prose)]
        lines = [line for text in texts for line in text.splitlines()]
        parts = [part for line in lines for part in re.split(r"\||&&|;", line)]
        return [_words(part) for part in parts if re.match(r"\s*(?:automl-cv|make) \w", part)]

    def anchors(self) -> set[str]:
        """The names of its headings, as GitHub and mkdocs make them."""
        heads = re.findall(r"^#+ +(.+?)\s*$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def pages() -> list[Page]:
    """All pages, also those in folders of docs/."""
    return [Page(path) for path in sorted(DOCS.rglob("*.md"))]


def _words(command: str) -> list[str]:
    return shlex.split(command.replace("…", ""), comments=True)

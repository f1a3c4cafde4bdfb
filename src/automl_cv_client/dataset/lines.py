"""Cuts a JSONL file into its rows, as a stream, with line numbers; forgives how people write JSON by hand.

Forgiven: blank lines, lines of dots (the documentation's "and so on"), a byte-order mark, UTF-16, trailing commas, and
a row that goes over several lines. Under ``strict`` none of it is, but for the encoding.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import encoding_of

Source = str | os.PathLike[str] | Iterable[str]
"""A file by its path, or its lines."""

MOST_LINES = 20_000
"""Lines one row may go over. A polygon of 10,000 points with a number a line is written like that."""

_COMMA_BEFORE_END = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')
_BRACKET = re.compile(r'"(?:\\.|[^"\\])*"|[{\[\]}]')
_ROW_BEGINS = re.compile(r'\{\s*"image_url"')


class RawRow(NamedTuple):
    """One row as it stands in the file: decoded, or the reason why not.

    Attributes:
        number: of its first line, from 1.
        value: the decoded JSON; None when there is a problem.
        problem: what is wrong, in words; empty when all is well.
        code: a short name for the kind of problem, such as ``not-json``.
    """

    number: int
    value: Any
    problem: str = ""
    code: str = ""


def name_of(source: Source) -> str:
    """What messages call the source: a file's name, without its folders."""
    return Path(source).name if isinstance(source, str | os.PathLike) else "the lines given"


def raw_rows(source: Source, *, strict: bool = False) -> Iterator[RawRow]:
    """Every row of the source in turn. Raises InvalidInput when the file cannot be opened or is not UTF-8."""
    numbered = enumerate(_lines(source), start=1)
    waiting: tuple[int, str] | None = None
    while (line := waiting or next(numbered, None)) is not None:
        number, text = line
        waiting = None
        stripped = text.strip()
        if strict or (stripped and stripped.strip(".…")):
            row = _decoded(number, stripped, strict)
            if row.problem and not strict and _depth(stripped) > 0:
                row, waiting = _over_several_lines(number, stripped, row, numbered)
            yield row


def _lines(source: Source) -> Iterator[str]:
    if not isinstance(source, str | os.PathLike):
        yield from source
        return
    path = Path(source)
    try:
        with path.open("rb") as opened:
            encoding = encoding_of(opened.read(200))
        with path.open(encoding=encoding) as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "unreadable")
    else:
        return
    raise InvalidInput(f"cannot read {path.name}: {reason}")


def _decoded(number: int, text: str, strict: bool) -> RawRow:
    if not text:
        return RawRow(number, None, "the line is empty", "line-empty")
    try:
        return RawRow(number, json.loads(text if strict else _without_trailing_commas(text), parse_constant=float))
    except ValueError as error:
        column = getattr(error, "colno", 0)
        return RawRow(number, None, f"not JSON: {getattr(error, 'msg', 'unreadable')} at column {column}", "not-json")
    except RecursionError:
        return RawRow(number, None, "not JSON of a row: nested too deep", "not-json")


def _without_trailing_commas(text: str) -> str:
    if ",}" not in text and ",]" not in text and not re.search(r",\s+[}\]]", text):
        return text
    return _COMMA_BEFORE_END.sub(lambda found: found[0] if found[0] != "," else "", text)


def _depth(text: str) -> int:
    """Brackets opened and not closed, those inside strings left out."""
    marks = _BRACKET.findall(text)
    return sum(1 if mark in "{[" else -1 for mark in marks if len(mark) == 1)


def _over_several_lines(
    number: int, text: str, broken: RawRow, following: Iterator[tuple[int, str]]
) -> tuple[RawRow, tuple[int, str] | None]:
    """The row that starts at ``text``, with the lines it needs; and the line already read after it, if any."""
    parts, depth = [text], _depth(text)
    for next_number, line in following:
        stripped = line.strip()
        if _ROW_BEGINS.match(stripped):  # the next row: the one before was never closed
            return broken, (next_number, line)
        parts.append(stripped)
        depth += _depth(stripped)
        if depth <= 0:
            return _decoded(number, " ".join(parts), strict=False), None
        if len(parts) >= MOST_LINES:
            break
    return broken, None

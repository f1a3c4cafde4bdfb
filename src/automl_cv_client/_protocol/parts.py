"""Cuts the two large values out of a reply with explanations: bytes in, a small reply and byte ranges out.

A reply of five classes has 25 MB, nearly all of it two values. They are found by searching the bytes, as neither
base64 nor an array of numbers can hold a quote or a key, and what is left, some kilobytes, is read like a reply
with plain scores. The cut-out parts stay as they are until somebody looks at them.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from automl_cv_client._protocol import forms

KEYS = ("visualizations", "attributions")
_MOST = 10_000  # parts of a reply: of one image each class takes a tenth of a second at least, and all of them 180 s


class Part(NamedTuple):
    """A value of the reply, ``body[start:end]``: base64 without its quotes, or an array of numbers."""

    body: bytes
    start: int
    end: int


Value = Part | list[Part | None] | None
"""What a key holds: one class' part, those of several classes, or null."""


class Unusual(Exception):
    """The body is not written as the service writes it: read it the slow way."""


Values = dict[str, Value]
"""Values by the mark that stands in their place: a random text, so that nothing in a reply can be taken for one."""


def cut(body: bytes) -> tuple[bytes, Values]:
    """The body with a mark in the place of each value, and the values. Raises Unusual."""
    pieces: list[bytes] = []
    values: Values = {}
    token = uuid.uuid4().hex
    done = 0
    for key, start in _starts(body):
        if start < done:
            raise Unusual
        value, end = _read_figures(body, start) if key == KEYS[0] else _read_numbers(body, start)
        mark = f"{token}-{len(values)}"
        pieces += [body[done:start], b"null" if value is None else f'"{mark}"'.encode()]
        if value is not None:
            values[mark] = value
        done = end
    pieces.append(body[done:])
    return b"".join(pieces), values


def _starts(body: bytes) -> Iterator[tuple[str, int]]:
    """Where the value of each of the two keys begins, in the order of the body."""
    starts: list[tuple[int, str]] = []
    for key in KEYS:
        name, at = f'"{key}"'.encode(), -1
        while (at := body.find(name, at + 1)) >= 0:
            after = _next(body, at + len(name))
            if body[after : after + 1] == b":":  # else it is a label of that name
                if body[at - 1 : at] == b"\\" or len(starts) == _MOST:
                    raise Unusual
                starts.append((_next(body, after + 1), key))
    return ((key, start) for start, key in sorted(starts))


def _next(body: bytes, at: int) -> int:
    """The first position at or after this one that is not blank."""
    while body[at : at + 1] in (b" ", b"\n", b"\r", b"\t"):
        at += 1
    return at


def _read_figures(body: bytes, start: int) -> tuple[Value, int]:
    if body[start : start + 1] == b"[":
        return _read_list(body, start, _read_text)
    return _read_text(body, start)


def _read_numbers(body: bytes, start: int) -> tuple[Value, int]:
    several = body.startswith((b"[[[[", b"[n", b"[]"), start)
    return _read_list(body, start, _read_array) if several else _read_array(body, start)


_Reader = Callable[[bytes, int], tuple[Part | None, int]]


def _read_list(body: bytes, start: int, read: _Reader) -> tuple[list[Part | None], int]:
    parts: list[Part | None] = []
    at = _next(body, start + 1)
    while body[at : at + 1] != b"]":
        part, at = read(body, at)
        if len(parts) == _MOST:
            raise Unusual
        parts.append(part)
        at = _next(body, at)
        if body[at : at + 1] == b",":
            at = _next(body, at + 1)
    return parts, at + 1


def _read_text(body: bytes, start: int) -> tuple[Part | None, int]:
    if body.startswith(b"null", start):
        return None, start + 4
    end = body.find(b'"', start + 1)
    if body[start : start + 1] != b'"' or end < 0 or body.find(b"\\", start, end) >= 0:
        raise Unusual
    return Part(body, start + 1, end), end + 1


def _read_array(body: bytes, start: int) -> tuple[Part | None, int]:
    if body.startswith(b"null", start):
        return None, start + 4
    end = body.find(b"]]]", start)
    if not body.startswith(b"[[[", start) or end < 0:
        raise Unusual
    return Part(body, start, end + 3), end + 3


def cut_slowly(body: bytes) -> tuple[bytes, Values]:
    """As :func:`cut`, for any JSON: read whole, and the values written again as the service writes them.

    Raises NotAReply.
    """
    rows = forms.in_common_form(body)
    values: Values = {}
    token = uuid.uuid4().hex
    for row in rows:
        for key in KEYS if isinstance(row, dict) else ():
            value = _rewritten(row.get(key), depth=0 if key == KEYS[0] else 3)
            if value is not None:
                row[key] = mark = f"{token}-{len(values)}"
                values[mark] = value
    return json.dumps(rows).encode(), values


def _rewritten(value: Any, depth: int) -> Value:
    if isinstance(value, list) and (_depth(value) > depth or not value or value[0] is None):
        if len(value) > _MOST:
            raise forms.NotAReply(f"one of {len(value)} explanations")
        return [_rewritten_part(part) for part in value]
    return _rewritten_part(value)


def _rewritten_part(value: Any) -> Part | None:
    if value is None:
        return None
    text = (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")
    return Part(text, 0, len(text))


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, next((item for item in value if item is not None), None)
    return depth

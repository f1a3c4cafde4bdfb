"""Cuts the two large values out of a reply with explanations: bytes in, a small reply and byte ranges out.

A reply of five classes has 25 MB, nearly all of it two values. They are found by searching the bytes, as neither
base64 nor an array of numbers can hold a quote or a key, and what is left, some kilobytes, is read like a reply
with plain scores. The cut-out parts stay as they are until somebody looks at them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic_core import from_json

from automl_cv_client._protocol import drift

KEYS = ("visualizations", "attributions")


class Part(NamedTuple):
    """A value of the reply, ``body[start:end]``: base64 without its quotes, or an array of numbers."""

    body: bytes
    start: int
    end: int


Value = Part | list[Part | None] | None
"""What a key holds: one class' part, those of several classes, or null."""


class Unusual(Exception):
    """The body is not written as the service writes it: read it the slow way."""


def unwrapped(body: bytes) -> bytes:
    """The JSON inside a JSON string, once or twice; other bodies as they are. Raises NotAReply."""
    for _ in range(2):
        if not body[:64].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b'"'):
            break
        try:
            body = from_json(body.removeprefix(b"\xef\xbb\xbf")).encode()
        except ValueError as error:
            reason = str(error)
        else:
            continue
        raise drift.NotAReply(f"not JSON ({reason[:200]})")
    return body


def cut(body: bytes) -> tuple[bytes, list[Value]]:
    """The body with each value replaced by its number, and the values. Raises Unusual."""
    pieces: list[bytes] = []
    values: list[Value] = []
    done = 0
    for key, start in _places(body):
        if start < done:
            raise Unusual
        value, end = _read_figures(body, start) if key == KEYS[0] else _read_numbers(body, start)
        pieces += [body[done:start], b"null" if value is None else b"%d" % len(values)]
        if value is not None:
            values.append(value)
        done = end
    pieces.append(body[done:])
    return b"".join(pieces), values


def _places(body: bytes) -> Iterator[tuple[str, int]]:
    """Where the value of each of the two keys begins, in the order of the body."""
    found = []
    for key in KEYS:
        name, place = f'"{key}"'.encode(), -1
        while (place := body.find(name, place + 1)) >= 0:
            start = _next(body, place + len(name))
            if body[start : start + 1] == b":":  # else it is a label of that name
                if body[place - 1 : place] == b"\\":
                    raise Unusual
                found.append((_next(body, start + 1), key))
    return ((key, start) for start, key in sorted(found))


def _next(body: bytes, place: int) -> int:
    """The first place at or after this one that is not blank."""
    while body[place : place + 1] in (b" ", b"\n", b"\r", b"\t"):
        place += 1
    return place


def _read_figures(body: bytes, start: int) -> tuple[Value, int]:
    if body[start : start + 1] == b"[":
        return _read_list(body, start, _read_text)
    return _read_text(body, start)


def _read_numbers(body: bytes, start: int) -> tuple[Value, int]:
    several = body.startswith((b"[[[[", b"[n", b"[]"), start)
    return _read_list(body, start, _read_array) if several else _read_array(body, start)


def _read_list(body: bytes, start: int, read: Any) -> tuple[list[Part | None], int]:
    parts: list[Part | None] = []
    place = _next(body, start + 1)
    while body[place : place + 1] != b"]":
        part, place = read(body, place)
        parts.append(part)
        place = _next(body, place)
        if body[place : place + 1] == b",":
            place = _next(body, place + 1)
    return parts, place + 1


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


def cut_slowly(body: bytes) -> tuple[bytes, list[Value]]:
    """As :func:`cut`, for any JSON: read whole, and the values written again as the service writes them.

    Raises NotAReply.
    """
    rows = drift.modernised(body)
    values: list[Value] = []
    for row in rows:
        for key in KEYS if isinstance(row, dict) else ():
            value = _rewritten(row.get(key), depth=0 if key == KEYS[0] else 3)
            if value is not None:
                row[key] = len(values)
                values.append(value)
    return json.dumps(rows).encode(), values


def _rewritten(value: Any, depth: int) -> Value:
    if isinstance(value, list) and (_depth(value) > depth or not value or value[0] is None):
        return [_rewritten_part(one) for one in value]
    return _rewritten_part(value)


def _rewritten_part(value: Any) -> Part | None:
    if value is None:
        return None
    text = (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")
    return Part(text, 0, len(text))


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, next((one for one in value if one is not None), None)
    return depth

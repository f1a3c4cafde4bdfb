"""A map of numbers as it came in a reply, decoded when it is first looked at; no numpy.

A reply holds 150,000 numbers a class as text. Lists of Python floats would take 13 times the text's memory; here
one row after the other goes from text to float32, so that the most there ever is besides the text is the result.
With pysimdjson (extra ``simdjson``) and numpy a channel at a time is read, in half the time, to the same bits. Measured
against simdjson's ``as_buffer``: benchmarks/xai_attributions.py.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

from pydantic_core import from_json

from automl_cv_client.errors import UnexpectedReply

Shape = tuple[int, int, int]
"""Channels, rows, columns."""


class FloatMap:
    """Numbers of the shape (channels, rows, columns). Frozen in what it says; pickled and compared by value."""

    __slots__ = ("_decoded", "_text")

    def __init__(self, text: tuple[bytes, int, int] | None, decoded: tuple[Shape, bytes] | None = None) -> None:
        self._text = text
        self._decoded = decoded

    @classmethod
    def of_text(cls, body: bytes, start: int = 0, end: int | None = None) -> FloatMap:
        """From JSON text, ``body[start:end]``, which is neither copied nor read now."""
        return cls((body, start, len(body) if end is None else end))

    @property
    def shape(self) -> Shape:
        """Channels, rows, columns."""
        return self._values()[0]

    @property
    def float32(self) -> bytes:
        """The numbers, row by row, four bytes each, little-endian IEEE 754."""
        return self._values()[1]

    def _values(self) -> tuple[Shape, bytes]:
        if self._decoded is None:
            assert self._text is not None
            self._decoded = _decoded(*self._text)
            self._text = None  # and with it the reply's body
        return self._decoded

    def to_json(self) -> dict[str, Any]:
        """As plain values: ``{"shape": [3, 224, 224], "float32": base64 of the little-endian numbers}``.

        A fifth of the size of the numbers as text, and exact.
        """
        return {"shape": list(self.shape), "float32": base64.b64encode(self.float32).decode()}

    @classmethod
    def read(cls, value: Any) -> FloatMap:
        """From another one or what :meth:`to_json` gave. Raises ValueError."""
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict) or set(value) != {"shape", "float32"}:
            raise ValueError('a map of numbers is {"shape": [channels, rows, columns], "float32": "<base64>"}')
        channels, rows, columns = (int(extent) for extent in value["shape"])
        packed = base64.b64decode(value["float32"], validate=True)
        if min(channels, rows, columns) < 1 or len(packed) != 4 * channels * rows * columns:
            raise ValueError(f"{len(packed)} bytes are not {channels} × {rows} × {columns} numbers of 4 bytes")
        return cls(None, ((channels, rows, columns), packed))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FloatMap) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __reduce__(self) -> tuple[Any, ...]:
        return FloatMap, (None, self._values())

    def __repr__(self) -> str:
        return "FloatMap(not yet decoded)" if self._decoded is None else f"FloatMap{self.shape}"


def _decoded(body: bytes, start: int, end: int) -> tuple[Shape, bytes]:
    """Text to numbers. Raises UnexpectedReply."""
    try:
        return _by_simdjson(body, start, end) or _rows_of(body, start, end)
    except (ValueError, TypeError, struct.error) as error:
        problem = str(error)
    raise UnexpectedReply(f"the attributions are not an array [channels, rows, columns] of numbers: {problem}")


def _by_simdjson(body: bytes, start: int, end: int) -> tuple[Shape, bytes] | None:
    """As :func:`_rows_of`; None without the libraries, and for all that is not a plain map of finite numbers."""
    try:
        import numpy
        import simdjson
    except ImportError:
        return None
    parser, packed, shapes = simdjson.Parser(), bytearray(), set()
    at = start + 1  # behind the bracket around all channels
    while (closing := _end_of_channel(body, at, end)) >= 0:
        opening, closing = body.find(b"[", at, closing), closing + 2
        try:
            channel: Any = parser.parse(memoryview(body)[opening:closing])
            shape = len(channel), *{len(row) for row in channel}
            numbers = numpy.frombuffer(channel.as_buffer(of_type="d"), numpy.float64)
            del channel  # a parser refuses to go on while somebody holds what it gave
        except (ValueError, TypeError, RuntimeError):  # a null, NaN, a number beyond 64 bits; or no rows of numbers
            return None
        shapes.add(shape)
        # It reads nested lists as if they were flat.
        if len(shape) != 2 or len(numbers) != shape[0] * shape[1] or _lists(body, opening, closing) != shape[0] + 1:
            return None
        with numpy.errstate(over="ignore"):
            floats = numbers.astype("<f4")
        if not numpy.isfinite(floats).all():
            return None
        packed += floats.tobytes()
        at = closing
    if len(shapes) != 1 or body[at:end].strip() != b"]":
        return None
    ((height, width),) = shapes
    if not packed:
        return None
    return (len(packed) // (4 * height * width), height, width), bytes(packed)


# A loop over single brackets: the search for two bytes takes as long as all the rest, and ``bytes.count`` half of it.


def _end_of_channel(body: bytes, start: int, end: int) -> int:
    """Where two brackets close, one behind the other; -1 where none do."""
    closing = body.find(b"]", start, end)
    while closing >= 0 and body[closing + 1 : closing + 2] != b"]":
        closing = body.find(b"]", closing + 1, end)
    return closing


def _lists(body: bytes, start: int, end: int) -> int:
    """How many lists begin there."""
    count, opening = 0, body.find(b"[", start, end)
    while opening >= 0:
        count, opening = count + 1, body.find(b"[", opening + 1, end)
    return count


def _rows_of(body: bytes, start: int, end: int) -> tuple[Shape, bytes]:
    packed, rows, width, heights = bytearray(), 0, 0, []
    row = struct.Struct("")
    while True:
        closing = body.find(b"]", start, end)
        if closing < 0:
            break
        opening = body.rfind(b"[", start, closing)
        if opening < 0:  # the end of a channel, or of everything
            heights.append(rows)
        else:
            values = from_json(body[opening : closing + 1])
            if len(values) != width:
                if rows:
                    raise ValueError(f"a row of {len(values)} after rows of {width}")
                width, row = len(values), struct.Struct(f"<{len(values)}f")
            packed += _packed(row, values)
            rows += 1
        start = closing + 1
    channels, height = len(heights) - 1, heights[0] if heights else 0
    if not height or not width or heights != [*range(height, rows + 1, height), channels * height]:
        raise ValueError(f"{rows} rows in {channels} channels")
    return (channels, height, width), bytes(packed)


def _packed(row: struct.Struct, values: list[Any]) -> bytes:
    try:
        return row.pack(*values)
    except (struct.error, OverflowError):  # a null, or a number beyond float32
        return row.pack(*map(_as_float32, values))


def _as_float32(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a {type(value).__name__} among the numbers")
    return value if not abs(value) > 3.4028235e38 else math.inf if value > 0 else -math.inf

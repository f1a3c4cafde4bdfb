"""Masks as run lengths, the way COCO and pycocotools write them: column by column, background first.

Rasterising follows pycocotools' ``rleFrPoly`` (cocodataset/cocoapi, common/maskApi.c) to the bit, so that areas
and overlaps agree with every tool that stands on it. It walks each edge on a grid 5 times finer than the pixels
and notes where it passes from one column of pixel centres to the next; here those places are computed directly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any, NamedTuple

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry.polygons import points, sound

_FINER = 5
_BEFORE_CENTRE = 2
"""Columns 5k + 2 and 5k + 3 of the finer grid lie on both sides of the centre of column k."""


class Rle(NamedTuple):
    """A mask of ``height`` × ``width`` pixels.

    Attributes:
        height: rows.
        width: columns.
        counts: lengths of the runs, background and object in turn, background first (it may be 0), from top to
            bottom and column by column.
    """

    height: int
    width: int
    counts: tuple[int, ...]

    @classmethod
    def of_polygon(cls, segments: Iterable[Sequence[float]], size: tuple[int, int]) -> Rle:
        """The pixels inside a polygon, even-odd; ``segments`` and ``size`` (width, height) in pixels.

        Each segment covers the pixels it covers for pycocotools; a pixel is inside when an odd number do.

        >>> Rle.of_polygon([(0, 0, 2, 0, 2, 2, 0, 2)], (3, 3)).counts
        (0, 2, 1, 2, 4)
        """
        width, height = size
        starts = sorted(start for segment in sound(segments) for start in _changes(segment, width, height))
        return cls(height, width, _counts(starts, width * height))

    @classmethod
    def from_coco(cls, mask: Mapping[str, Any]) -> Rle:
        """From COCO's ``{"size": [height, width], "counts": …}``: the counts as a list, or compressed to text.

        Raises:
            InvalidInput: a part is missing, the text cannot be decoded, or the counts do not fill the size.
        """
        try:
            height, width = (int(side) for side in mask["size"])
            counts = mask["counts"]
            runs = _decoded(counts) if isinstance(counts, str | bytes) else tuple(int(count) for count in counts)
        except (KeyError, TypeError, ValueError):
            reason = 'expected {"size": [height, width], "counts": …}'
        else:
            if sum(runs) == height * width and min(runs, default=0) >= 0:
                return cls(height, width, runs)
            reason = f"its runs do not fill {width}x{height} pixels"
        raise InvalidInput(f"a run-length mask is damaged: {reason}")

    @property
    def area(self) -> int:
        """Pixels of the object."""
        return sum(self.counts[1::2])

    def text(self) -> str:
        """The compressed ``counts`` of COCO: differences, 5 bits a letter (maskApi.c, rleToString)."""
        letters = bytearray()
        for i, count in enumerate(self.counts):
            value = count - self.counts[i - 2] if i > 2 else count
            while True:
                letter, value = value & 31, value >> 5
                more = value != (-1 if letter & 16 else 0)
                letters.append(letter + 48 + (32 if more else 0))
                if not more:
                    break
        return letters.decode("ascii")

    def column_bytes(self) -> bytes:
        """One byte a pixel, 0 or 1, column by column."""
        return b"".join((b"\1" if i % 2 else b"\0") * count for i, count in enumerate(self.counts))


def _decoded(text: str | bytes) -> tuple[int, ...]:
    """The run lengths of COCO's compressed text, the way back from :meth:`Rle.text`."""
    letters = text.encode("ascii", "replace") if isinstance(text, str) else text
    counts: list[int] = []
    value, shift = 0, 0
    for letter in letters:
        if not 48 <= letter < 112:
            raise InvalidInput("a run-length mask is damaged: its text cannot be decoded")
        value |= (letter - 48 & 31) << shift
        shift += 5
        if letter - 48 & 32:
            continue
        value -= (1 << shift) if letter - 48 & 16 else 0
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise InvalidInput("a run-length mask is damaged: its text ends early")
    return tuple(counts)


def _counts(starts: list[int], pixels: int) -> tuple[int, ...]:
    """Run lengths from the places where inside and outside change; two at one place cancel each other."""
    kept: list[int] = []
    for start in starts:
        if kept and kept[-1] == start:
            kept.pop()
        else:
            kept.append(start)
    if kept and kept[-1] == pixels:  # a change after the last pixel changes nothing
        kept.pop()
    ends = [*kept, pixels]
    return tuple(b - a for a, b in pairwise([0, *ends]))


def _changes(segment: Sequence[float], width: int, height: int) -> Iterator[int]:
    """Where pixels inside this segment begin or end, counted column by column."""
    ring = [(int(_FINER * x + 0.5), int(_FINER * y + 0.5)) for x, y in points(segment)]
    for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]]):
        steep = abs(x2 - x1) < abs(y2 - y1)
        if (y1 > y2) if steep else (x1 > x2):
            x1, y1, x2, y2 = x2, y2, x1, y1
        for column, level in (_steep if steep else _flat)(x1, y1, x2, y2, width):
            row = math.ceil(min(max((level + 0.5) / _FINER - 0.5, 0), height))
            yield column * height + row


def _columns(low: int, high: int, width: int) -> range:
    """The columns of pixels whose centre lies between two columns of the finer grid."""
    first = -((_BEFORE_CENTRE - low) // _FINER)
    last = (high - 1 - _BEFORE_CENTRE) // _FINER
    return range(max(0, first), min(width - 1, last) + 1)


def _flat(x1: int, y1: int, x2: int, y2: int, width: int) -> Iterator[tuple[int, int]]:
    """Column and finer row of each crossing of an edge that is wider than high; x1 ≤ x2."""
    if x1 == x2:
        return
    slope = (y2 - y1) / (x2 - x1)
    for column in _columns(x1, x2, width):
        step = column * _FINER + _BEFORE_CENTRE - x1
        yield column, min(int(y1 + slope * step + 0.5), int(y1 + slope * (step + 1) + 0.5))


def _steep(x1: int, y1: int, x2: int, y2: int, width: int) -> Iterator[tuple[int, int]]:
    """Column and finer row of each crossing of an edge that is higher than wide; y1 < y2."""
    slope = (x2 - x1) / (y2 - y1)
    for column in _columns(min(x1, x2), max(x1, x2), width):
        border = column * _FINER + _BEFORE_CENTRE  # left of the centre; border + 1 is right of it
        step = max(1, min(y2 - y1, round((border + 0.5 - x1) / slope)))
        right = slope > 0
        while step > 1 and (int(x1 + slope * (step - 1) + 0.5) > border) == right:
            step -= 1
        while (int(x1 + slope * step + 0.5) > border) != right:
            step += 1
        yield column, y1 + step - 1


def row_counts(rle: Rle) -> list[int]:
    """The same mask row by row, as CVAT writes it: lengths of the runs, background first."""
    columns = rle.column_bytes()
    rows = b"".join(columns[row :: rle.height] for row in range(rle.height)) if columns else b""
    counts: list[int] = []
    start = 0
    for value in cycle((0, 1)):
        end = rows.find(1 - value, start)
        if end < 0:
            break
        counts.append(end - start)
        start = end
    return [*counts, len(rows) - start]

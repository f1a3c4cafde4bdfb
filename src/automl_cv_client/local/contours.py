"""From masks to polygons: outlines and holes as closed rings along the edges of a mask's cells.

How: every side between a cell that is set and one that is not becomes a directed step with the set cell on its
right. Each ring is walked step by step; where two cells touch at a corner only, the walk turns right and so stays
with its own cell. Rings made this way never cross, so the even-odd rule gives back the mask exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_cv_client.geometry import Box, simplify

Mask = NDArray[np.bool_]
"""``[rows, columns]``."""

Ring = NDArray[np.float64]
"""Corners ``[n, 2]`` as (x, y) in cells, 0 to columns and 0 to rows; the first corner is not repeated."""

_EAST, _SOUTH, _WEST, _NORTH = range(4)
_RIGHT_TURN_FIRST = (1, 0, 3)  # turn right, go straight on, turn left
_MOST_POINTS = 100  # per segment, the closing point included
_FIRST_TOLERANCE = 0.75
"""In cells. Just above half the diagonal of a cell, so the stairs of a slanted edge become a line."""


def polygon(mask: Mask, frame: Box, box: Box, *, smooth: bool = False, smallest: float = 0.0) -> list[list[float]]:
    """The segments of a mask that covers ``frame``, cut to ``box``; both in fractions of the image.

    Each is closed, by its first point repeated, and has at most 100 points. Holes are segments, too (even-odd).

    Args:
        mask: may be empty: then there are no segments.
        frame: where the mask lies; may reach beyond the image.
        box: what no point leaves.
        smooth: leave out corners whose loss is not seen, as of stairs. Otherwise only those beyond 100 points.
        smallest: rings of fewer cells are dropped.
    """
    rings = [ring if not smooth and len(ring) < _MOST_POINTS else _simplified(ring)
             for ring in trace(mask) if area(ring) >= smallest]  # fmt: skip
    return [_segment(ring, mask, frame, box) for ring in rings if len(ring) >= 3]


def trace(mask: Mask) -> list[Ring]:
    """Every ring of the mask: one per outline and one per hole; nothing for an empty mask."""
    stride = mask.shape[1] + 1
    steps = _steps(mask)
    unwalked = set(steps)
    return [_walk(step, unwalked, stride) for step in steps if step in unwalked]


def area(ring: Ring) -> float:
    """Area within one ring, in cells."""
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2


def _simplified(ring: Ring) -> Ring:
    """The ring with at most 99 of its corners; may be left with fewer than 3 when it is a sliver."""
    corners, tolerance = tuple(ring.ravel().tolist()), _FIRST_TOLERANCE
    simple = simplify(corners, tolerance)
    while len(simple) >= 2 * _MOST_POINTS:
        tolerance *= 1.4
        simple = simplify(simple, tolerance)
    return np.array(simple).reshape(-1, 2)


def _segment(ring: Ring, mask: Mask, frame: Box, box: Box) -> list[float]:
    """A ring in cells as a flat closed segment in fractions of the image, held within the box."""
    rows, columns = mask.shape
    x = np.clip(frame.left + ring[:, 0] / columns * frame.width, box.left, box.right)
    y = np.clip(frame.top + ring[:, 1] / rows * frame.height, box.top, box.bottom)
    flat: list[float] = np.stack([x, y], axis=1).ravel().tolist()
    return flat + flat[:2]


def _steps(mask: Mask) -> list[int]:
    """All boundary steps, each as ``4 * corner + direction``; corners are numbered row by row."""
    around = np.pad(mask, 1)
    inside = around[1:-1, 1:-1]
    # A step starts at a corner of its cell: (row and column of the corner relative to the cell, direction).
    sides = (
        (~around[:-2, 1:-1], 0, 0, _EAST),
        (~around[1:-1, 2:], 0, 1, _SOUTH),
        (~around[2:, 1:-1], 1, 1, _WEST),
        (~around[1:-1, :-2], 1, 0, _NORTH),
    )
    stride = mask.shape[1] + 1
    found: list[int] = []
    for open_side, down, right, direction in sides:
        rows, columns = np.nonzero(inside & open_side)
        found += (((rows + down) * stride + columns + right) * 4 + direction).tolist()
    return found


def _walk(start: int, unwalked: set[int], stride: int) -> Ring:
    """Follow the steps from ``start`` until it is reached again; keeps the corners where the way turns."""
    move = (1, stride, -1, -stride)
    corners: list[int] = []
    step = start
    while True:
        unwalked.discard(step)
        corner, direction = divmod(step, 4)
        corner += move[direction]
        following = _next_step(corner, direction, start, unwalked)
        if following % 4 != direction:
            corners.append(corner)
        if following == start:
            break
        step = following
    rows, columns = np.divmod(np.array(corners), stride)
    return np.stack([columns, rows], axis=1).astype(np.float64)


def _next_step(corner: int, direction: int, start: int, unwalked: set[int]) -> int:
    for turn in _RIGHT_TURN_FIRST:
        step = corner * 4 + (direction + turn) % 4
        if step == start or step in unwalked:
            return step
    raise AssertionError("a boundary has no loose end")

"""Traces the boundary of a mask: outlines and holes as closed rings along the edges of its cells.

How: every side between a cell that is set and one that is not becomes a directed step with the set cell on its
right. Each ring is walked step by step; where two cells touch at a corner only, the walk turns right and so stays
with its own cell. Rings made this way never cross, so the even-odd rule gives back the mask exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
"""``[rows, columns]``."""

Ring = NDArray[np.float64]
"""Corners ``[n, 2]`` as (x, y) in cells, 0 to columns and 0 to rows; the first corner is not repeated."""

_EAST, _SOUTH, _WEST, _NORTH = range(4)
_RIGHT_TURN_FIRST = (1, 0, 3)  # turn right, go straight on, turn left


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

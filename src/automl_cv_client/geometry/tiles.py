"""Cuts large images into overlapping tiles, and says which objects of two tiles are one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry.boxes import PixelBox, iou

_AT_THE_EDGE = 0.01
"""Share of a tile's side: a box that comes this close to a seam may go on behind it."""
_EVIDENCE = 2.0
"""Pixels that both boxes must reach into what both tiles see, to be compared at all."""


def tiles_of(size: tuple[int, int], tile: tuple[int, int], overlap: float) -> list[tuple[int, int, int, int]]:
    """Tiles as (left, top, right, bottom) in whole pixels, row by row; together they cover the image.

    All have the size of ``tile``, or the image's where that is smaller. They are spread evenly: neighbours
    share at least ``overlap`` of a tile's side.

    >>> tiles_of((100, 50), (60, 60), 0.2)
    [(0, 0, 60, 50), (40, 0, 100, 50)]
    """
    if min(tile) < 1 or not 0 <= overlap < 0.9:
        raise InvalidInput(f"tiles of {tile[0]} × {tile[1]} px and an overlap of {overlap} cannot be: use 0 to 0.9")
    columns = _starts(size[0], min(tile[0], size[0]), overlap)
    rows = _starts(size[1], min(tile[1], size[1]), overlap)
    width, height = min(tile[0], size[0]), min(tile[1], size[1])
    return [(left, top, left + width, top + height) for top in rows for left in columns]


def _starts(extent: int, side: int, overlap: float) -> list[int]:
    if side >= extent:
        return [0]
    count = 1 + math.ceil((extent - side) / max(1.0, side * (1 - overlap)))
    return [round(i * (extent - side) / (count - 1)) for i in range(count)]


def is_cut(box: PixelBox, tile: Sequence[float], size: tuple[int, int]) -> bool:
    """Whether the box touches an edge of its tile that is not an edge of the image."""
    near_x, near_y = _AT_THE_EDGE * (tile[2] - tile[0]), _AT_THE_EDGE * (tile[3] - tile[1])
    return (
        (tile[0] > 0 and box.left <= tile[0] + near_x)
        or (tile[1] > 0 and box.top <= tile[1] + near_y)
        or (tile[2] < size[0] and box.right >= tile[2] - near_x)
        or (tile[3] < size[1] and box.bottom >= tile[3] - near_y)
    )


def agreement(a: PixelBox, tile_a: Sequence[float], b: PixelBox, tile_b: Sequence[float]) -> float:
    """How much two boxes agree where both tiles look: IoU of the parts inside the area the tiles share, 0 to 1.

    An object cut by a seam looks different in the two tiles, but the same in what both see of it.
    """
    left, top = max(tile_a[0], tile_b[0]), max(tile_a[1], tile_b[1])
    right, bottom = min(tile_a[2], tile_b[2]), min(tile_a[3], tile_b[3])
    seen = [_within(box, (left, top, right, bottom)) for box in (a, b)]
    if any(box.width < _EVIDENCE or box.height < _EVIDENCE for box in seen):
        return 0.0
    return iou(*seen)


def _within(box: PixelBox, area: tuple[float, float, float, float]) -> PixelBox:
    return PixelBox(max(box.left, area[0]), max(box.top, area[1]), min(box.right, area[2]), min(box.bottom, area[3]))


def same_objects(
    boxes: Sequence[PixelBox],
    labels: Sequence[str],
    owners: Sequence[int],
    tiles: Sequence[Sequence[float]],
    threshold: float,
) -> list[list[int]]:
    """Groups of indices that are one object: at most one of each tile, of one label, best agreement first.

    Args:
        boxes: in pixels of the whole image.
        labels: one a box.
        owners: the number of the tile each box was found in.
        tiles: (left, top, right, bottom) of each tile.
        threshold: agreement, 0 to 1, above which two boxes are one object.
    """
    pairs = [
        (agreement(boxes[i], tiles[owners[i]], boxes[j], tiles[owners[j]]), i, j)
        for i in range(len(boxes))
        for j in range(i)
        if labels[i] == labels[j] and owners[i] != owners[j]
    ]
    groups = {i: [i] for i in range(len(boxes))}
    for found, i, j in sorted(pairs, key=lambda pair: -pair[0]):
        if found <= threshold:
            break
        one, other = groups[i], groups[j]
        if one is other or {owners[k] for k in one} & {owners[k] for k in other}:
            continue
        one += other
        groups.update(dict.fromkeys(other, one))
    return list({id(group): sorted(group) for group in groups.values()}.values())


def cores_of(tiles: Sequence[tuple[int, int, int, int]]) -> list[tuple[float, float, float, float]]:
    """The part of each tile that is its own: overlaps are shared half and half, so the cores do not overlap."""
    columns = _halves(sorted({(tile[0], tile[2]) for tile in tiles}))
    rows = _halves(sorted({(tile[1], tile[3]) for tile in tiles}))
    return [(columns[tile[0]][0], rows[tile[1]][0], columns[tile[0]][1], rows[tile[1]][1]) for tile in tiles]


def _halves(spans: list[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    seams = [(before[1] + after[0]) / 2 for before, after in pairwise(spans)]
    edges = [float(spans[0][0]), *seams, float(spans[-1][1])]
    return {span[0]: (edges[i], edges[i + 1]) for i, span in enumerate(spans)}

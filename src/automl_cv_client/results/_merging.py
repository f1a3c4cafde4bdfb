"""Puts the objects found in the tiles of an image together: one object for each, also across seams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from automl_cv_client._numbers import rank
from automl_cv_client.geometry import Box, PixelBox, clip_segment, scale_segment, sound
from automl_cv_client.geometry.tiles import cores_of, is_cut, same_objects
from automl_cv_client.results._found import Detection, Instance

Tile = tuple[int, int, int, int]


class _Seen(NamedTuple):
    """An object as one tile saw it, in pixels of the whole image."""

    one: Detection
    tile: int
    box: PixelBox
    segments: tuple[tuple[float, ...], ...]
    cut: bool


def merged(
    found: Sequence[Sequence[Detection]], tiles: Sequence[Tile], grid: int, size: tuple[int, int], threshold: float
) -> list[Detection]:
    """The objects of the whole image, those with the highest scores first.

    Objects of one label that agree where their tiles overlap are one. It has the highest score of them. Its box
    is that of the best one that no seam cuts, or else goes around all; so does its outline, put together from
    what each tile saw in the middle of it.

    Args:
        found: the objects of each tile, in fractions of the tile.
        tiles: (left, top, right, bottom) of each tile in pixels of the image.
        grid: the first so many tiles are a grid; one more may be the whole image.
        size: of the image, (width, height).
        threshold: agreement, 0 to 1, above which two are one.
    """
    seen = [_seen(one, i, tiles[i], size) for i, objects in enumerate(found) for one in objects]
    groups = same_objects(
        [one.box for one in seen], [one.one.label for one in seen], [one.tile for one in seen], tiles, threshold
    )
    cores = cores_of(tiles[:grid])
    objects = [_united([seen[i] for i in group], cores, tiles, size) for group in groups]
    return sorted(objects, key=lambda one: rank(one.score))


def _seen(one: Detection, number: int, tile: Tile, size: tuple[int, int]) -> _Seen:
    left, top, right, bottom = tile
    inside = one.box.to_pixels((right - left, bottom - top))
    box = PixelBox(inside.left + left, inside.top + top, inside.right + left, inside.bottom + top)
    polygons = one.polygons if isinstance(one, Instance) else ()
    scaled = [scale_segment(segment, (right - left, bottom - top)) for segment in polygons]
    segments = tuple(tuple(value + (left, top)[i % 2] for i, value in enumerate(segment)) for segment in scaled)
    return _Seen(one, number, box, segments, is_cut(box, tile, size))


def _united(
    group: list[_Seen], cores: Sequence[Sequence[float]], tiles: Sequence[Tile], size: tuple[int, int]
) -> Detection:
    best_first = sorted(group, key=lambda seen: rank(seen.one.score))
    whole = next((seen for seen in best_first if not seen.cut), None)
    if whole is not None:
        box, segments = whole.box, whole.segments
    else:
        lefts, tops, rights, bottoms = zip(*(seen.box for seen in group), strict=True)
        box, segments = PixelBox(min(lefts), min(tops), max(rights), max(bottoms)), _pieces(best_first, cores, tiles)
    best = best_first[0].one
    values: dict[str, Any] = {"label": best.label, "score": best.score, "extra": None}
    values["box"] = Box(box.left / size[0], box.top / size[1], box.right / size[0], box.bottom / size[1])
    if isinstance(best, Instance):
        values["polygons"] = tuple(scale_segment(segment, (1 / size[0], 1 / size[1])) for segment in segments)
    return type(best)._trusted(values, {"_image": None})


def _pieces(
    best_first: list[_Seen], cores: Sequence[Sequence[float]], tiles: Sequence[Tile]
) -> tuple[tuple[float, ...], ...]:
    """The outline in each tile's core as that tile saw it, or else the best other that saw this far.

    The cores do not overlap, so their pieces together are the union by the even-odd rule.
    """
    if len(best_first) == 1:
        return best_first[0].segments
    by_tile = {seen.tile: seen for seen in best_first}
    pieces: list[tuple[float, ...]] = []
    for number, core in enumerate(cores):
        eye = by_tile.get(number) or next((seen for seen in best_first if _overlap(tiles[seen.tile], core)), None)
        if eye is not None:
            pieces += [clip_segment(segment, core) for segment in eye.segments]
    return tuple(tuple(piece) for piece in sound(pieces))


def _overlap(tile: Sequence[float], core: Sequence[float]) -> bool:
    return tile[0] < core[2] and core[0] < tile[2] and tile[1] < core[3] and core[1] < tile[3]

"""Puts the objects found in the tiles of an image together: one object for each, also across seams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl_cv_client._numbers import rank
from automl_cv_client.geometry import Box, Segment, clip_segment, scale_segment, sound
from automl_cv_client.geometry.tiles import cores_of, is_cut, same_objects
from automl_cv_client.results._detection import Detection, Instance

Tile = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the image."""

Member = tuple[Detection, int]
"""An object in fractions of the whole image, and the number of the tile it was found in."""


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
    members = [
        (_moved(detection, tiles[number], size), number)
        for number, detections in enumerate(found)
        for detection in detections
    ]
    groups = same_objects(
        [detection.box.to_pixels(size) for detection, _ in members],
        [detection.label for detection, _ in members],
        [number for _, number in members],
        tiles,
        threshold,
    )
    cores = cores_of(tiles[:grid])
    objects = [_united([members[i] for i in group], cores, tiles, size) for group in groups]
    return sorted(objects, key=lambda detection: rank(detection.score))


def _moved(detection: Detection, tile: Tile, size: tuple[int, int]) -> Detection:
    """The object of a tile in fractions of the whole image."""
    left, top, right, bottom = tile
    across, down = (right - left) / size[0], (bottom - top) / size[1]
    start = (left / size[0], top / size[1])
    box = detection.box
    values: dict[str, Any] = {"label": detection.label, "score": detection.score, "extra": None}
    values["box"] = Box(
        box.left * across + start[0],
        box.top * down + start[1],
        box.right * across + start[0],
        box.bottom * down + start[1],
    )
    if isinstance(detection, Instance):
        scaled = (scale_segment(segment, (across, down)) for segment in detection.polygons)
        values["polygons"] = tuple(tuple(value + start[i % 2] for i, value in enumerate(segment)) for segment in scaled)
    return type(detection)._trusted(values, {"_image": None})


def _united(
    group: list[Member], cores: Sequence[Sequence[float]], tiles: Sequence[Tile], size: tuple[int, int]
) -> Detection:
    best_first = sorted(group, key=lambda member: rank(member[0].score))
    best = best_first[0][0]
    whole = (
        detection for detection, number in best_first if not is_cut(detection.box.to_pixels(size), tiles[number], size)
    )
    uncut = next(whole, None)
    if uncut is not None:
        return uncut._changed({"score": best.score})
    lefts, tops, rights, bottoms = zip(*(detection.box for detection, _ in group), strict=True)
    values: dict[str, Any] = {"box": Box(min(lefts), min(tops), max(rights), max(bottoms))}
    if isinstance(best, Instance):
        values["polygons"] = _pieces(best_first, cores, tiles, size)
    return best._changed(values)


def _pieces(
    best_first: list[Member], cores: Sequence[Sequence[float]], tiles: Sequence[Tile], size: tuple[int, int]
) -> tuple[Segment, ...]:
    """The outline in each tile's core as that tile saw it, or else the best other that saw this far.

    The cores do not overlap, so their pieces together are the union by the even-odd rule.
    """
    polygons = [(detection.polygons, number) for detection, number in best_first if isinstance(detection, Instance)]
    if len(polygons) == 1:
        return polygons[0][0]
    by_tile = {number: segments for segments, number in polygons}
    pieces: list[Segment] = []
    for number, core in enumerate(cores):
        seen = by_tile.get(number)
        if seen is None:
            seen = next((segments for segments, other in polygons if _overlap(tiles[other], core)), ())
        area = (core[0] / size[0], core[1] / size[1], core[2] / size[0], core[3] / size[1])
        pieces += [clip_segment(segment, area) for segment in seen]
    return tuple(tuple(piece) for piece in sound(pieces))


def _overlap(tile: Sequence[float], core: Sequence[float]) -> bool:
    return tile[0] < core[2] and core[0] < tile[2] and tile[1] < core[3] and core[1] < tile[3]

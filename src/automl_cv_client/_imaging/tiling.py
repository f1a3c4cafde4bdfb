"""Cuts an upright image into encoded tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._imaging.encoding import write_jpeg_at, write_png
from automl_cv_client._imaging.inputs import ImageInput, guarded
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._imaging.preparation import PreparedImage, open_upright_with_info, prepare
from automl_cv_client.geometry.tiles import tiles_of

_QUALITY = 95
"""Of tiles cut from a JPEG. Others stay lossless."""


class Tiled(NamedTuple):
    """An image in tiles.

    Attributes:
        info: the whole image.
        tiles: (left, top, right, bottom) of each tile in pixels of the upright image.
        prepared: each tile, encoded.
        grid: the first so many are a grid; one more is the whole image.
    """

    info: ImageInfo
    tiles: list[tuple[int, int, int, int]]
    prepared: list[PreparedImage]
    grid: int


def prepare_tiles(
    image: ImageInput,
    policy: ImagePolicy,
    tile: tuple[int, int],
    overlap: float,
    *,
    whole: bool,
    check_time: Callable[[], None] | None = None,
) -> Tiled:
    """The tiles of an image, within the policy's limits. Raises ImageError; InvalidInput for impossible tiles.

    Args:
        image: the image.
        policy: its limits hold for each tile, and for the whole image where that is sent too.
        tile: (width, height) in pixels.
        overlap: share of a tile's side that neighbours have in common at least, 0 to 0.9.
        whole: also the whole image, for objects larger than a tile. Not if one tile covers it.
        check_time: called while the image is decoded; raises DeadlineExceeded when the time for the call is over.
    """
    pixels, info = open_upright_with_info(image, policy, check_time)
    tiles = tiles_of(pixels.size, tile, overlap)
    lossy = info.media_type == "image/jpeg"

    def cut() -> list[bytes]:
        parts = (pixels.crop(box) for box in tiles)
        return [write_jpeg_at(part, _QUALITY) if lossy else write_png(part) for part in parts]

    prepared = [prepare(data, policy) for data in guarded(image, cut)]
    grid = len(tiles)
    if whole and grid > 1:
        tiles = [*tiles, (0, 0, *pixels.size)]
        prepared.append(prepare(pixels, _jpeg(policy) if lossy else policy))
    words = f"sent as {len(tiles)} tiles of {tiles[0][2]} × {tiles[0][3]}"
    changed = info._trusted(
        {**info.__dict__, "changes": (words,), "sent_bytes": sum(len(part.data) for part in prepared)}
    )
    return Tiled(changed, tiles, prepared, grid)


def _jpeg(policy: ImagePolicy) -> ImagePolicy:
    return policy.model_copy(update={"format": "jpeg"}) if policy.format == "keep" else policy

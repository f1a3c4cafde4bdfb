"""Large images with small objects: detection and segmentation in overlapping tiles."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack, cast

from automl_cv_client._clients.connected import AsyncConnected, Connected
from automl_cv_client._flow.tiling import score_tiled
from automl_cv_client._imaging import ImageInput
from automl_cv_client._numbers import checked_threshold
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Detections, Instances
from automl_cv_client.task import Task


class TileOptions(TypedDict, total=False):
    """How :meth:`Client.detect_tiled` cuts and puts together.

    Attributes:
        tile: pixels of a tile, one number for squares or (width, height); 640 by default. About the size that
            the model reduces images to.
        overlap: share of a tile's side that neighbours have in common at least, 0 to 0.9; 0.2 by default. More
            than the largest small object, so that each is whole in some tile.
        whole: also score the whole image, for objects larger than a tile; True by default.
        merge: how much two boxes must agree where their tiles overlap (IoU, 0 to 1) to be one object; 0.5 by
            default.
        together: tiles in one request at most, 4 by default; ``ImagePolicy(most_request_bytes=…)`` holds too.
    """

    tile: int | tuple[int, int]
    overlap: float
    whole: bool
    merge: float
    together: int


class Tiling(Connected):
    """The blocking methods."""

    def detect_tiled(self, image: ImageInput, **options: Unpack[TileOptions]) -> Detections:
        """Objects that are too small in a large image: scored in overlapping tiles, merged across the seams.

        Args:
            image: as for :meth:`Client.classify`.
            options: ``tile=640``, ``overlap=0.2``, ``whole=True``, ``merge=0.5``, ``together=4``; see
                :class:`TileOptions`.

        Raises:
            InvalidInput: an option cannot be used. Else as :meth:`Client.detect`, for any of the tiles.
        """
        return cast(Detections, self._run(score_tiled(image, Task.DETECTION, self._settings, **_checked(**options))))

    def segment_tiled(self, image: ImageInput, **options: Unpack[TileOptions]) -> Instances:
        """As :meth:`detect_tiled`, with outlines, which are put together from what the tiles saw."""
        return cast(Instances, self._run(score_tiled(image, Task.SEGMENTATION, self._settings, **_checked(**options))))


class AsyncTiling(AsyncConnected):
    """The awaited methods."""

    async def detect_tiled(self, image: ImageInput, **options: Unpack[TileOptions]) -> Detections:
        """As :meth:`Client.detect_tiled`, awaited."""
        flow = score_tiled(image, Task.DETECTION, self._settings, **_checked(**options))
        return cast(Detections, await self._run(flow))

    async def segment_tiled(self, image: ImageInput, **options: Unpack[TileOptions]) -> Instances:
        """As :meth:`Client.segment_tiled`, awaited."""
        flow = score_tiled(image, Task.SEGMENTATION, self._settings, **_checked(**options))
        return cast(Instances, await self._run(flow))


def _checked(
    *,
    tile: int | tuple[int, int] = 640,
    overlap: float = 0.2,
    whole: bool = True,
    merge: float = 0.5,
    together: int = 4,
) -> dict[str, Any]:
    """The options as the flow takes them. Raises InvalidInput, naming the one that cannot be."""
    sides = (tile, tile) if isinstance(tile, int) else tuple(tile)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 32 for side in sides):
        raise InvalidInput(f"tile must be pixels, 32 or more, or (width, height); not {tile!r}")
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or not 0 <= overlap < 0.9:
        raise InvalidInput(f"overlap must be a share from 0 to below 0.9, not {overlap!r}")
    if isinstance(together, bool) or not isinstance(together, int) or together < 1:
        raise InvalidInput(f"together must be 1 or more, not {together!r}")
    merge = checked_threshold(merge)
    return {"tile": sides, "overlap": overlap, "whole": whole, "threshold": merge, "together": together}

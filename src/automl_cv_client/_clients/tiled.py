"""Large images with small objects: detection and segmentation in overlapping tiles."""

from __future__ import annotations

from typing import Any, cast

from automl_cv_client._clients.base import AsyncConnected, Connected, WithSettings
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.tiling import score_tiled
from automl_cv_client._imaging import ImageInput
from automl_cv_client._numbers import checked_threshold
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Detections, Instances
from automl_cv_client.task import Task


class Tiled(Connected):
    """The blocking methods."""

    def detect_tiled(
        self,
        image: ImageInput,
        *,
        tile: int | tuple[int, int] = 640,
        overlap: float = 0.2,
        whole: bool = True,
        merge: float = 0.5,
        together: int = 4,
    ) -> Detections:
        """Objects that are too small in a large image: scored in overlapping tiles, then merged across the seams.

        Args:
            image: as for :meth:`detect`.
            tile: pixels of a tile, one number for squares or (width, height); about the size that the model reduces
                images to.
            overlap: share of a tile's side that neighbours have in common at least, 0 to below 0.9. More than the
                largest small object, so that each is whole in some tile.
            whole: also score the whole image, for objects larger than a tile.
            merge: how much two boxes must agree where their tiles overlap (IoU, 0 to 1) to be one object.
            together: tiles per request at most; ``ImagePolicy(most_request_bytes=…)`` holds, too.

        Returns:
            The objects of the whole image, those with the highest scores first.

        Raises:
            InvalidInput: an option cannot be used; the message names it.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed on a tile; half an image is no answer.
            TransportError: no answer came. UnexpectedReply: the answer is not one of this task.

        Example:
            >>> found = client.detect_tiled("harbour.jpg", tile=300)
            >>> print(len(found) > 0, found.image.media_type)
            True image/png
        """
        flow = _tiled(self, image, Task.DETECTION, tile, overlap, whole, merge, together)
        return cast(Detections, self._run(flow))

    def segment_tiled(
        self,
        image: ImageInput,
        *,
        tile: int | tuple[int, int] = 640,
        overlap: float = 0.2,
        whole: bool = True,
        merge: float = 0.5,
        together: int = 4,
    ) -> Instances:
        """Objects with their outlines that are too small in a large image: scored in overlapping tiles, then merged.

        An outline that a seam cuts is put together from what the tiles on both sides saw.

        Args:
            image: as for :meth:`segment`.
            tile: pixels of a tile, one number for squares or (width, height); about the size that the model reduces
                images to.
            overlap: share of a tile's side that neighbours have in common at least, 0 to below 0.9. More than the
                largest small object, so that each is whole in some tile.
            whole: also score the whole image, for objects larger than a tile.
            merge: how much two boxes must agree where their tiles overlap (IoU, 0 to 1) to be one object.
            together: tiles per request at most; ``ImagePolicy(most_request_bytes=…)`` holds, too.

        Returns:
            The objects of the whole image, those with the highest scores first.

        Raises:
            InvalidInput: an option cannot be used; the message names it.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed on a tile; half an image is no answer.
            TransportError: no answer came. UnexpectedReply: the answer is not one of this task.

        Example:
            >>> found = client.segment_tiled("harbour.jpg", tile=300)
            >>> print(len(found) > 0, found.image.media_type)
            True image/png
        """
        flow = _tiled(self, image, Task.SEGMENTATION, tile, overlap, whole, merge, together)
        return cast(Instances, self._run(flow))


class AsyncTiled(AsyncConnected):
    """The awaited methods."""

    async def detect_tiled(
        self,
        image: ImageInput,
        *,
        tile: int | tuple[int, int] = 640,
        overlap: float = 0.2,
        whole: bool = True,
        merge: float = 0.5,
        together: int = 4,
    ) -> Detections:
        """Objects that are too small in a large image: scored in overlapping tiles, then merged across the seams.

        Args:
            image: as for :meth:`detect`.
            tile: pixels of a tile, one number for squares or (width, height); about the size that the model reduces
                images to.
            overlap: share of a tile's side that neighbours have in common at least, 0 to below 0.9. More than the
                largest small object, so that each is whole in some tile.
            whole: also score the whole image, for objects larger than a tile.
            merge: how much two boxes must agree where their tiles overlap (IoU, 0 to 1) to be one object.
            together: tiles per request at most; ``ImagePolicy(most_request_bytes=…)`` holds, too.

        Returns:
            The objects of the whole image, those with the highest scores first.

        Raises:
            InvalidInput: an option cannot be used; the message names it.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed on a tile; half an image is no answer.
            TransportError: no answer came. UnexpectedReply: the answer is not one of this task.

        Example:
            >>> found = await client.detect_tiled("harbour.jpg", tile=300)
            >>> print(len(found) > 0, found.image.media_type)
            True image/png
        """
        flow = _tiled(self, image, Task.DETECTION, tile, overlap, whole, merge, together)
        return cast(Detections, await self._run(flow))

    async def segment_tiled(
        self,
        image: ImageInput,
        *,
        tile: int | tuple[int, int] = 640,
        overlap: float = 0.2,
        whole: bool = True,
        merge: float = 0.5,
        together: int = 4,
    ) -> Instances:
        """Objects with their outlines that are too small in a large image: scored in overlapping tiles, then merged.

        An outline that a seam cuts is put together from what the tiles on both sides saw.

        Args:
            image: as for :meth:`segment`.
            tile: pixels of a tile, one number for squares or (width, height); about the size that the model reduces
                images to.
            overlap: share of a tile's side that neighbours have in common at least, 0 to below 0.9. More than the
                largest small object, so that each is whole in some tile.
            whole: also score the whole image, for objects larger than a tile.
            merge: how much two boxes must agree where their tiles overlap (IoU, 0 to 1) to be one object.
            together: tiles per request at most; ``ImagePolicy(most_request_bytes=…)`` holds, too.

        Returns:
            The objects of the whole image, those with the highest scores first.

        Raises:
            InvalidInput: an option cannot be used; the message names it.
            ImageError: the image cannot be read; nothing was sent.
            StatusError: the endpoint refused or failed on a tile; half an image is no answer.
            TransportError: no answer came. UnexpectedReply: the answer is not one of this task.

        Example:
            >>> found = await client.segment_tiled("harbour.jpg", tile=300)
            >>> print(len(found) > 0, found.image.media_type)
            True image/png
        """
        flow = _tiled(self, image, Task.SEGMENTATION, tile, overlap, whole, merge, together)
        return cast(Instances, await self._run(flow))


def _tiled(
    client: WithSettings,
    image: ImageInput,
    task: Task,
    tile: int | tuple[int, int],
    overlap: float,
    whole: bool,
    merge: float,
    together: int,
) -> Flow[Any]:
    """The flow of one call. Raises InvalidInput, naming the option that cannot be."""
    sides = tuple(tile) if isinstance(tile, tuple | list) else (tile, tile)
    if len(sides) != 2 or not all(isinstance(side, int) and side >= 32 for side in sides):
        raise InvalidInput(f"tile must be pixels, 32 or more, or (width, height); not {tile!r}")
    if isinstance(overlap, bool) or not isinstance(overlap, int | float) or not 0 <= overlap < 0.9:
        raise InvalidInput(f"overlap must be a share from 0 to below 0.9, not {overlap!r}")
    if isinstance(together, bool) or not isinstance(together, int) or together < 1:
        raise InvalidInput(f"together must be 1 or more, not {together!r}")
    return score_tiled(
        image,
        task,
        client._settings,
        tile=(sides[0], sides[1]),
        overlap=overlap,
        whole=whole,
        threshold=checked_threshold(merge),
        together=together,
    )

"""Objects as columns: numpy arrays for large results. numpy is imported at the first use."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from automl_cv_client._extras import need
from automl_cv_client.geometry import Size
from automl_cv_client.results._detection import Detection, Instance

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from automl_cv_client._image_info import ImageInfo

    Floats = NDArray[numpy.float64]
    Places = NDArray[numpy.int64]

ColumnT = TypeVar("ColumnT", "Floats", "Ragged")


class Ragged(NamedTuple):
    """Many polygons of different lengths in one flat array.

    Attributes:
        flat: float64 ``[2 × corners]``: x1, y1, x2, y2, … of all segments of all objects, one after the other.
        segment_offsets: int64 ``[segments + 1]``: where each segment begins in ``flat``, and its end.
        object_offsets: int64 ``[objects + 1]``: where each object begins in ``segment_offsets``, and the end.
    """

    flat: Floats
    segment_offsets: Places
    object_offsets: Places

    @property
    def points(self) -> Floats:
        """All corners, ``[corners, 2]`` as (x, y): a view."""
        return self.flat.reshape(-1, 2)

    def to_pixels(self, size: tuple[int, int]) -> Ragged:
        """The same polygons in pixels of an image of ``size`` (width, height)."""
        import numpy

        scaled = numpy.empty_like(self.flat)
        numpy.multiply(self.flat[0::2], size[0], out=scaled[0::2])
        numpy.multiply(self.flat[1::2], size[1], out=scaled[1::2])
        return self._replace(flat=scaled)

    def segments_of(self, index: int) -> list[Floats]:
        """The segments of one object, each ``[corners, 2]``: views."""
        first, last = self.object_offsets[index : index + 2]
        starts = self.segment_offsets[first : last + 1]
        return [self.flat[a:b].reshape(-1, 2) for a, b in pairwise(starts)]


class Columns:
    """A result's objects as arrays, made at the first use and kept. They are read-only, as results are frozen."""

    if TYPE_CHECKING:  # not at run time: pydantic would take these for fields of their own
        objects: tuple[Any, ...]
        image: ImageInfo
        model_fields: ClassVar[dict[str, Any]]

    @property
    def boxes_array(self) -> Floats:
        """Normalised boxes: float64 ``[objects, 4]``, left, top, right, bottom."""
        return self._kept("_boxes_array", self._boxes)

    @property
    def scores_array(self) -> Floats:
        """Scores: float64 ``[objects]``."""
        return self._kept("_scores_array", lambda: _array([detection.score for detection in self.objects]))

    @property
    def labels_array(self) -> NDArray[numpy.object_]:
        """Labels: ``[objects]``, of Python's str."""
        need("numpy", "numpy")
        import numpy

        return numpy.array([detection.label for detection in self.objects], dtype=object)

    @property
    def polygons_array(self) -> Ragged:
        """Normalised polygons of all objects in one flat array; objects without outline have no segments."""
        return self._kept("_polygons_array", lambda: _ragged(self.objects))

    def pixel_boxes_array(self, size: Size | tuple[int, int] | None = None) -> Floats:
        """Boxes in pixels: float64 ``[objects, 4]``; of an image of ``size``, by default the upright one."""
        width, height = self.image.size if size is None else size
        return self.boxes_array * _array([width, height, width, height])

    def _boxes(self) -> Floats:
        return _array([value for detection in self.objects for value in detection.box]).reshape(-1, 4)

    def _kept(self, name: str, make: Callable[[], ColumnT]) -> ColumnT:
        found: ColumnT | None = self.__dict__.get(name)
        if found is None:
            found = make()
            for array in found if isinstance(found, Ragged) else (found,):
                array.setflags(write=False)
            self.__dict__[name] = found  # past the guard of a frozen model: it holds what the fields say
        return found

    def __getstate__(self) -> dict[Any, Any]:
        state: dict[Any, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state["__dict__"] = {name: getattr(self, name) for name in type(self).model_fields}
        return state


def _array(values: list[float]) -> Floats:
    need("numpy", "numpy")
    import numpy

    return numpy.array(values, dtype=numpy.float64)


def _ragged(objects: tuple[Detection, ...]) -> Ragged:
    need("numpy", "numpy")
    import numpy

    polygons = [detection.polygons if isinstance(detection, Instance) else () for detection in objects]
    segments = [*chain.from_iterable(polygons)]
    # Packed a segment at a time: half of the CPU of numpy.fromiter over all numbers.
    flat = numpy.frombuffer(b"".join(struct.pack(f"={len(segment)}d", *segment) for segment in segments))
    starts = numpy.cumsum([0, *map(len, segments)], dtype=numpy.int64)
    return Ragged(flat, starts, numpy.cumsum([0, *map(len, polygons)], dtype=numpy.int64))

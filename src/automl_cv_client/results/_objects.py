"""Results of detection and segmentation: objects in an image, as a sequence."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Union, cast, overload

from pydantic import model_serializer, model_validator

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._numbers import rank
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import PixelBox, keep_by_nms
from automl_cv_client.results._columns import Columns
from automl_cv_client.results._detection import Detection, Instance
from automl_cv_client.results._exports import ObjectExports
from automl_cv_client.results._result import Result, open_image
from automl_cv_client.task import Task

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from automl_cv_client._imaging import ImageInput


T = TypeVar("T")

_MAKING = RLock()


class Later(Generic[T]):
    """Calls ``make`` once, at the first call, whoever and however many ask at the same time.

    So ``make`` may use up what it works on, which halves what it costs to turn a reply's objects into records. One
    lock for all: it is held for microseconds, and results with locks of their own could not be copied.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make: Callable[[], T] | None = make

    def __call__(self) -> T:
        with _MAKING:
            if self._make is not None:
                self._made = self._make()
                self._make = None
        return self._made


Mask = Union[Sequence[bool], "np.ndarray[Any, np.dtype[np.bool_]]"]
"""One boolean an object."""

_LATER = "_objects_later"
"""Where a result that came over the wire keeps the way to its objects, until they are made."""

ObjectT = TypeVar("ObjectT", bound=Detection)


class _SequenceOf(Generic[ObjectT]):
    """A result that is a sequence. Not a pydantic model itself: a generic one costs 35 ms at import."""

    if TYPE_CHECKING:  # not at run time: pydantic would take these for fields of their own
        objects: tuple[ObjectT, ...]
        image: ImageInfo

    def __len__(self) -> int:
        return len(self.objects)

    @overload
    def __getitem__(self, index: int) -> ObjectT: ...
    @overload
    def __getitem__(self, index: slice | Mask) -> Self: ...
    def __getitem__(self, index: int | slice | Mask) -> ObjectT | Self:
        """One object by number; a slice, or a mask of one boolean an object, as the same kind of result."""
        if isinstance(index, slice):
            return self._only(self.objects[index])
        if hasattr(index, "__len__"):
            return self._only(_masked(self.objects, cast("Sequence[bool]", index)))
        return self.objects[index]

    def filter(self, keep: Callable[[ObjectT], bool]) -> Self:
        """The objects for which ``keep(object)`` is true."""
        return self._only(detection for detection in self.objects if keep(detection))

    def above(self, score: float) -> Self:
        """The objects with a score strictly above ``score``."""
        return self.filter(lambda detection: detection.score > score)

    def with_labels(self, *labels: str) -> Self:
        """The objects of any of these labels."""
        return self.filter(lambda detection: detection.label in labels)

    def top(self, n: int) -> Self:
        """The ``n`` objects with the highest scores, best first. The server's own order is not promised."""
        return self._only(sorted(self.objects, key=lambda detection: rank(detection.score))[:n])

    def nms(self, iou: float = 0.5, *, agnostic: bool = False) -> Self:
        """Without objects that a better one overlaps by more than ``iou`` (0 to 1).

        Only objects of the same label suppress each other, unless ``agnostic``.
        """
        boxes, scores = [detection.box for detection in self.objects], [detection.score for detection in self.objects]
        labels = [detection.label for detection in self.objects]
        return self._only(self.objects[i] for i in keep_by_nms(boxes, scores, labels, iou, agnostic=agnostic))

    def clipped(self) -> Self:
        """With boxes and outlines cut at the edges of the image, beyond which models sometimes reach."""
        return self._only(detection.clipped() for detection in self.objects)

    def to_pixels(self, size: tuple[int, int] | None = None) -> tuple[PixelBox, ...]:
        """All boxes in pixels of an image of ``size`` (width, height); by default of the upright image."""
        frame = self.image.size if size is None else size
        return tuple(detection.box.to_pixels(frame) for detection in self.objects)

    @abstractmethod
    def _only(self, objects: Iterable[ObjectT]) -> Self:
        """The same result with these objects."""


class Objects(ObjectExports, Columns, Result, frozen=True):
    """Objects in an image, in the server's order: a sequence, with filters that return the same kind of result."""

    objects: tuple[Any, ...]

    @model_validator(mode="after")
    def _know_the_image(self) -> Self:
        self.__dict__["objects"] = tuple(detection._bound(self.image) for detection in self.objects)
        return self

    @classmethod
    def _made_later(cls, values: dict[str, Any], make: Callable[[], tuple[Any, ...]]) -> Self:
        """A result whose objects are made when they are first asked for; ``values`` names every other field."""
        return cls._trusted({**values, _LATER: Later(make)})

    if not TYPE_CHECKING:  # a type checker would take this for leave to ask for any name

        def __getattr__(self, name: str) -> Any:
            held = self.__dict__
            if name == "objects" and (later := held.get(_LATER)) is not None:
                held[name] = later()
                held.pop(_LATER, None)
            # Another thread may have come first.
            return held[name] if name in held else super().__getattr__(name)

    def crops(self, image: ImageInput | None = None, *, margin: float = 0.0) -> list[Image]:
        """Each object cut out of its image: new PIL images, RGB, in the order of the objects.

        Args:
            image: the image, in any form the client takes. May be left out when the result came from a file that is
                still there.
            margin: how much of the surroundings to keep, as a share of the box on every side; 0.1 keeps a tenth.

        Returns:
            One image per object. Boxes are cut at the edges of the image; the smallest crop is one pixel.

        Raises:
            InvalidInput: no image is given and the result does not come from a file; or the margin is negative.
            ImageError: the image cannot be read.

        >>> for detection, crop in zip(found, found.crops(margin=0.1)):  # doctest: +SKIP
        ...     crop.save(f"{detection.label}.jpg")
        """
        if not (math.isfinite(margin) and margin >= 0):
            raise InvalidInput(f"margin must be 0 or more, a share of the box, not {margin!r}")
        whole = open_image(self.image, image)
        boxes = (detection.box.to_pixels(whole.size) for detection in self.objects)
        return [whole.crop(_within(box, margin, whole.size)) for box in boxes]

    @model_serializer(mode="wrap")
    def _with_objects(self, write):  # type: ignore[no-untyped-def]  # pydantic would put its type into the schema
        _ = self.objects  # pydantic writes what is there, and asks for nothing
        return write(self)

    def annotated(self) -> AnnotatedImage:
        """The objects as plain values, as the formats of other tools, drawings and tables take them."""
        return AnnotatedImage(
            task=self.task,
            size=self.image.size,
            source=self.image.source,
            objects=tuple(detection.annotated() for detection in self.objects),
            media_type=self.image.media_type or None,
        )

    def _only(self, objects: Iterable[Any]) -> Self:
        others = {name: self.__dict__[name] for name in type(self).model_fields if name != "objects"}
        return self._trusted({**others, "objects": tuple(objects)})

    def _content(self) -> tuple[object, ...]:
        return (self.objects, self.image.size)

    def __repr__(self) -> str:
        found = ", ".join(f"{detection.label!r} {detection.score:.3f}" for detection in self.objects[:5])
        more = f", … {len(self.objects) - 5} more" if len(self.objects) > 5 else ""
        return f"{type(self).__name__}([{found}{more}], {self.image.size.width}x{self.image.size.height} px)"

    __str__ = __repr__


class Detections(Objects, _SequenceOf[Detection], frozen=True):
    """The objects found in an image, each with label, score and box. Empty when nothing was found."""

    task = Task.DETECTION
    objects: tuple[Detection, ...]

    def __iter__(self) -> Iterator[Detection]:  # type: ignore[override]
        return iter(self.objects)


class Instances(Objects, _SequenceOf[Instance], frozen=True):
    """The objects found in an image, each with label, score, box and outline. Empty when nothing was found."""

    task = Task.SEGMENTATION
    objects: tuple[Instance, ...]

    def __iter__(self) -> Iterator[Instance]:  # type: ignore[override]
        return iter(self.objects)


def _masked(objects: Sequence[ObjectT], mask: Sequence[bool]) -> list[ObjectT]:
    if len(mask) != len(objects):
        raise InvalidInput(f"a mask of {len(mask)} for {len(objects)} objects: give one boolean an object")
    return [item for item, wanted in zip(objects, mask, strict=True) if wanted]


def _within(box: PixelBox, margin: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Whole pixels of a box, grown on every side, inside an image of ``size``, and at least one of them."""
    edges: list[tuple[int, int]] = []
    for low, high, length in ((box.left, box.right, size[0]), (box.top, box.bottom, size[1])):
        grown = margin * (high - low)
        first = min(max(math.floor(low - grown), 0), length - 1)
        edges.append((first, min(max(math.ceil(high + grown), first + 1), length)))
    (left, right), (top, bottom) = edges
    return left, top, right, bottom

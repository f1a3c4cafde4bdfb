"""One object that was found: its label, score, box and outline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, PrivateAttr

from automl_cv_client._extras import need
from automl_cv_client._image_info import ImageInfo
from automl_cv_client._record import MaybeNone, Record
from automl_cv_client._text import printable
from automl_cv_client.annotations import Annotation
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import (
    Box,
    Frame,
    PixelBox,
    PixelSegment,
    Rle,
    Segment,
    Size,
    bounds,
    clip_segment,
    contains_point,
    even_odd_area,
    scale_segment,
    simplify,
    sound,
)

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL.Image import Image

_WHITE = bytes([0]) + bytes([255]) * 255


class Detection(Record, frozen=True):
    """One object.

    Attributes:
        label: its class.
        score: the model's confidence, 0 to 1.
        box: where, in fractions of the upright image.
        extra: keys of the reply's object that this package does not know, as sent; None when there are none.
    """

    label: str
    score: float
    box: Box
    extra: dict[str, Any] | None = Field(default=None, repr=False)
    _image: ImageInfo | None = PrivateAttr(default=None)

    @property
    def pixel_box(self) -> PixelBox:
        """The box in pixels of the upright image. Raises InvalidInput for an object outside any result."""
        return self.box.to_pixels(self._size())

    def __str__(self) -> str:
        """Such as ``cup 0.96 at (173, 23, 415, 254)``, in whole pixels; in fractions where the image is not known."""
        box = self.box if self._image is None else self.pixel_box
        return f"{printable(self.label)} {self.score:.2f} at {box}"

    def to_pixels(self, size: tuple[int, int]) -> PixelBox:
        """The box in pixels of an image of another ``size`` (width, height)."""
        return self.box.to_pixels(size)

    def box_in(self, frame: Frame) -> Box | PixelBox:
        """The box in another frame of the image: ``"normalised"``, ``"upright"``, ``"raw"`` or ``"sent"``.

        ``raw`` is the image as stored, before its EXIF orientation; ``sent`` the one that was sent, perhaps
        reduced. See :mod:`automl_cv_client.geometry.frames`.
        """
        return self._known_image().frames.box(self.box, "normalised", frame)

    def annotated(self) -> Annotation:
        """The object as a plain value, without its image."""
        return Annotation(self.label, self.score, self.box)

    def clipped(self) -> Self:
        """The same object cut at the edges of the image."""
        return self._changed({"box": self.box.clipped()})

    def _changed(self, values: dict[str, Any]) -> Self:
        return self._trusted({**self.__dict__, **values}, {"_image": self._image})

    def _size(self) -> Size:
        return self._known_image().size

    def _known_image(self) -> ImageInfo:
        if self._image is None:
            raise InvalidInput("this object belongs to no image, so its pixels are unknown: to_pixels((width, height))")
        return self._image

    def _bound(self, image: ImageInfo) -> Self:
        """The same object, of this image."""
        return self if self._image is image else self._trusted(self.__dict__, {"_image": image})

    def _content(self) -> tuple[object, ...]:
        return (self.label, self.score, self.box)


class Instance(Detection, frozen=True):
    """One object with its outline.

    Attributes:
        polygons: closed segments in fractions of the upright image, each flat ``(x1, y1, x2, y2, …)``.
            Read them by the even-odd rule: a segment inside another one is a hole. Empty when the model
            found no mask inside the box.
    """

    polygons: tuple[Segment, ...] = Field(repr=False)

    def annotated(self) -> Annotation:
        """The object as a plain value, without its image."""
        return Annotation(self.label, self.score, self.box, self.polygons)

    @property
    def pixel_polygons(self) -> tuple[PixelSegment, ...]:
        """The segments in pixels of the upright image."""
        size = self._size()
        return tuple(scale_segment(segment, size) for segment in self.polygons)

    def polygons_in(self, frame: Frame) -> tuple[PixelSegment, ...]:
        """The segments in another frame of the image; see :meth:`Detection.box_in`."""
        frames = self._known_image().frames
        return tuple(frames.segment(segment, "normalised", frame) for segment in self.polygons)

    @property
    def area(self) -> float:
        """Area inside the outline in square pixels of the upright image, holes left out; exact."""
        return even_odd_area(self.pixel_polygons)

    @property
    def outline_box(self) -> PixelBox | MaybeNone:
        """The smallest box around the outline, in pixels of the upright image; None when it encloses nothing."""
        found = bounds(self.pixel_polygons)
        return None if found is None else PixelBox(*found)

    def contains(self, x: float, y: float) -> bool:
        """Whether a point, in pixels of the upright image, lies inside the outline and not in a hole."""
        return contains_point(self.pixel_polygons, x, y)

    def simplified(self, tolerance: float = 1.0) -> Self:
        """The same object with fewer corners: none dropped lies further than ``tolerance`` pixels from the outline.

        Segments that enclose nothing are left out.
        """
        width, height = self._size()
        simple = [simplify(segment, tolerance) for segment in sound(self.pixel_polygons)]
        kept = tuple(scale_segment(segment, (1 / width, 1 / height)) for segment in sound(simple))
        return self._changed({"polygons": kept})

    def clipped(self) -> Self:
        """The same object, its box and its outline cut at the edges of the image."""
        cut = (clip_segment(segment, (0.0, 0.0, 1.0, 1.0)) for segment in sound(self.polygons))
        return self._changed({"box": self.box.clipped(), "polygons": tuple(segment for segment in cut if segment)})

    def rle(self, size: tuple[int, int] | None = None) -> dict[str, Any]:
        """The mask as COCO's run lengths, ``{"size": [height, width], "counts": "…"}``, as pycocotools reads them.

        Args:
            size: (width, height) of the mask; by default the upright image's.
        """
        mask = self._mask(size)
        return {"size": [mask.height, mask.width], "counts": mask.text()}

    def mask(self, size: tuple[int, int] | None = None) -> NDArray[numpy.bool_]:
        """The pixels inside the outline: a numpy array of bool, ``[height, width]``. Holes are False.

        Pixel for pixel what pycocotools makes of :meth:`rle`.

        Args:
            size: (width, height) of the mask; by default the upright image's.
        """
        need("numpy", "numpy")
        import numpy

        mask = self._mask(size)
        return numpy.frombuffer(mask.column_bytes(), numpy.bool_).reshape(mask.width, mask.height).T

    def mask_image(self, size: tuple[int, int] | None = None) -> Image:
        """As :meth:`mask`, as a PIL image of mode L: 255 inside, 0 outside. Needs no numpy."""
        from PIL import Image

        mask = self._mask(size)
        lying = Image.frombytes("L", (mask.height, mask.width), mask.column_bytes().translate(_WHITE))
        return lying.transpose(Image.Transpose.TRANSPOSE)

    def _mask(self, size: tuple[int, int] | None) -> Rle:
        wanted = self._size() if size is None else size
        return Rle.of_polygon([scale_segment(segment, wanted) for segment in self.polygons], wanted)

    def _content(self) -> tuple[object, ...]:
        return (*super()._content(), self.polygons)

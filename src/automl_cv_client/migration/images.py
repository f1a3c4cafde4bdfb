"""The image of an old result: its size, and what the old service did with an image taken sideways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeVar, cast

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._imaging import ImageInput, ImagePolicy, describe, prepare
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Box, PixelBox, Size, scale_segment
from automl_cv_client.results import Detection, Detections, Instance, Instances, Result

Exif = Literal["unknown", "ignored", "applied"]
"""What the old service did with an image's EXIF orientation: looked at it as stored, or upright."""

OldImage = ImageInput | tuple[int, int]
"""The image of an old result, in any form the client takes; or its (width, height), upright."""

DetectionT = TypeVar("DetectionT", bound=Detection)
ResultT = TypeVar("ResultT", bound=Result)


def image_info(image: OldImage) -> ImageInfo:
    """What a result says of its image. Raises ImageError for a file that is none, InvalidInput for a wrong size."""
    if _is_size(image):
        width, height = cast("tuple[int, int]", image)
        if width < 1 or height < 1:
            raise InvalidInput(f"the size of an image must be (width, height), each 1 or more, not ({width}, {height})")
        size = Size(int(width), int(height))
        return ImageInfo(size=size, raw_size=size, sent_size=size)
    info = prepare(cast(ImageInput, image), ImagePolicy()).info
    return info.model_copy(update={"sent_size": info.size, "sent_bytes": 0, "changes": ()})


def _is_size(image: object) -> bool:
    return isinstance(image, tuple) and len(image) == 2 and all(type(edge) is int for edge in image)


def is_one_image(image: object) -> bool:
    """Whether this is one image, or its size, and not a list of them."""
    return _is_size(image) or not isinstance(image, list | tuple)


def checked_exif(exif: Exif) -> Exif:
    """The argument. Raises InvalidInput for another word."""
    if exif not in ("unknown", "ignored", "applied"):
        raise InvalidInput(f"exif must be 'unknown', 'ignored' or 'applied', not {exif!r}")
    return exif


def upright(result: ResultT, exif: Exif) -> ResultT:
    """A result whose objects are where the old service saw them, with the objects where they are in the upright image.

    Raises:
        InvalidInput: the image is stored turned, and nobody said what the service did with it.
    """
    info = result.image
    if checked_exif(exif) == "applied" or info.orientation in (0, 1) or not isinstance(result, Detections | Instances):
        return result
    if exif == "unknown":
        raise InvalidInput(
            f"{describe(info.source) if info.source else 'the image'} carries EXIF orientation {info.orientation}, and "
            "an old result does not say whether the service obeyed it: give exif='ignored' if its boxes fit the image "
            "as stored, exif='applied' if they fit it upright"
        )
    objects: Iterable[Detection] = result.objects
    return cast(ResultT, result._only(_turned(detection, info) for detection in objects))


def _turned(detection: DetectionT, info: ImageInfo) -> DetectionT:
    """An object that was found in the image as stored, in the upright one."""
    width, height = info.raw_size
    box = detection.box
    stored = PixelBox(box.left * width, box.top * height, box.right * width, box.bottom * height)
    changes: dict[str, Any] = {"box": cast(Box, info.frames.box(stored, "raw", "normalised"))}
    if isinstance(detection, Instance):
        segments = (scale_segment(segment, info.raw_size) for segment in detection.polygons)
        changes["polygons"] = tuple(info.frames.segment(segment, "raw", "normalised") for segment in segments)
    return detection._changed(changes)

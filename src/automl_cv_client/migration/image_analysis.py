"""Azure AI Vision Image Analysis, versions 3.x and 4.0: objects, people, brands and tags."""

from __future__ import annotations

from typing import Any, Literal, get_args, overload

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._numbers import checked_threshold
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Box, Size
from automl_cv_client.migration.documents import Document, Fields, decoded, distinct
from automl_cv_client.migration.images import Exif, OldImage, checked_exif, image_info, upright
from automl_cv_client.results import CallInfo, Detection, Detections, MultilabelClassification

_SERVICE = "Image Analysis"

Feature = Literal["objects", "people", "brands", "tags"]
"""A visual feature, as the service calls it."""

_BEYOND = 0.05  # of the image: a rectangle that reaches further is one of another image


@overload
def from_image_analysis(
    analysis: Document,
    feature: Literal["tags"],
    image: OldImage | None = None,
    *,
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> MultilabelClassification: ...
@overload
def from_image_analysis(
    analysis: Document,
    feature: Literal["objects", "people", "brands"],
    image: OldImage | None = None,
    *,
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> Detections: ...
def from_image_analysis(
    analysis: Document,
    feature: Feature,
    image: OldImage | None = None,
    *,
    threshold: float = 0.5,
    exif: Exif = "unknown",
) -> Detections | MultilabelClassification:
    """Read one visual feature of a stored analysis.

    Args:
        analysis: its JSON, decoded or as text, or the object that ``analyze`` or ``analyze_image`` returned.
        feature: ``"objects"``, ``"people"`` (each gets the label ``person``) or ``"brands"``, or ``"tags"``.
        image: the image it speaks of. May be left out: an analysis tells the size it saw. Give it where photos may be
            stored sideways, and to draw the result without naming the image again.
        threshold: for tags: confidence, 0 to 1, above which a tag counts as present.
        exif: for a photo that is stored sideways: whether the service ``"applied"`` its orientation or ``"ignored"``
            it. ``"unknown"`` goes by the size in the analysis; where that does not tell, objects are an error.

    Returns:
        The objects as :class:`Detections`, or the tags as a :class:`MultilabelClassification`. Further keys are in
        ``extra``, and ``call.answered_by`` is ``"Image Analysis"``.

    Raises:
        UnexpectedReply: it is no analysis, lacks this feature, or is an error message of the service.
        InvalidInput: an argument cannot be used, or image and analysis do not belong together.
        ImageError: the image cannot be read.

    Example:
        >>> stored = '{"metadata": {"width": 600, "height": 400}, "objectsResult": {"values": [{"boundingBox":'
        >>> stored += ' {"x": 180, "y": 40, "w": 240, "h": 200}, "tags": [{"name": "cup", "confidence": 0.96}]}]}}'
        >>> print(from_image_analysis(stored, "objects")[0])
        cup 0.96 at (180, 40, 420, 240)
    """
    if feature not in get_args(Feature):
        raise InvalidInput(f"unknown feature {feature!r}: use one of {', '.join(get_args(Feature))}")
    limit = checked_threshold(threshold)
    fields = Fields(decoded(analysis, _SERVICE), _SERVICE)
    items = _items(fields, feature)
    size = _size(fields)
    info, told = _image_of(size, image)
    common: dict[str, Any] = {
        "image": info,
        "call": CallInfo(answered_by=_SERVICE, request_id=_request_id(fields)),
        "extra": fields.others(feature, f"{feature}Result", "requestId"),
    }
    if feature == "tags":
        labels = distinct([item.label("name") for item in items], fields)
        probs = tuple(item.score("confidence") for item in items)
        return MultilabelClassification(**common, labels=labels, probs=probs, threshold=limit)
    seen = size or info.size
    found = Detections(**common, objects=tuple(_detection(item, feature, seen) for item in items))
    return upright(found, _agreed(told, checked_exif(exif)))


def _items(fields: Fields, feature: Feature) -> list[Fields]:
    """The feature's list: ``objectsResult.values`` of version 4, ``objects`` of version 3."""
    newer, older = fields.get(f"{feature}Result"), fields.get(feature)
    if newer is not None and older is not None:
        fields.wrong(f"it has both {feature!r} and '{feature}Result'")
    if newer is not None:
        return fields.within(f"{feature}Result").objects("values")
    if older is not None:
        return fields.objects(feature)
    fields.refuse_message()
    there = ", ".join(sorted(map(str, fields.values))[:12]) or "nothing"
    raise fields.error(f"the feature {feature!r} was not asked for: the analysis has {there}")


def _size(fields: Fields) -> Size | None:
    if fields.get("metadata") is None:
        return None
    metadata = fields.within("metadata")
    width, height = metadata.get("width"), metadata.get("height")
    if not all(type(edge) is int and edge > 0 for edge in (width, height)):
        metadata.wrong(f"width and height must be numbers of pixels, not {width!r} and {height!r}")
    return Size(width, height)


def _request_id(fields: Fields) -> str | None:
    given = fields.get("requestId")
    return given if isinstance(given, str) else None


def _image_of(size: Size | None, image: OldImage | None) -> tuple[ImageInfo, Exif]:
    """What is known of the image, and what its size in the analysis says of its orientation."""
    if image is None:
        if size is None:
            raise InvalidInput("this analysis has no metadata, so its size is unknown: give image=, or (width, height)")
        return image_info(size), "unknown"
    info = image_info(image)
    if size is None:
        return info, "unknown"
    stored, turned = _alike(size, info.raw_size), _alike(size, info.size)
    if not stored and not turned:
        raise InvalidInput(
            f"the analysis is of an image of {size.width}x{size.height} pixels, and this one has "
            f"{info.size.width}x{info.size.height}: it is another image, or cut"
        )
    if stored and turned:
        return info, "unknown"
    return info, "ignored" if stored else "applied"


def _alike(size: Size, other: Size) -> bool:
    """Whether one is the other, perhaps reduced: the same proportions, but for rounding to whole pixels."""
    apart = abs(size.width * other.height - size.height * other.width)
    return apart <= min(sum(size), sum(other))


def _agreed(told: Exif, given: Exif) -> Exif:
    if "unknown" not in (told, given) and told != given:
        raise InvalidInput(f"exif is {given!r}, but by its size in the analysis the orientation was {told!r}")
    return given if told == "unknown" else told


def _detection(fields: Fields, feature: Feature, size: Size) -> Detection:
    box = _fractions(fields.within("boundingBox", "rectangle"), size)
    known = {"boundingBox", "rectangle", "confidence"}
    if feature == "people":
        label, score = "person", fields.score("confidence")
    elif fields.get("tags") is not None:  # version 4; further tags than the best one are kept
        tags = fields.objects("tags")
        best = max(tags, key=lambda tag: tag.score("confidence"), default=None)
        if best is None:
            fields.wrong("it has no tags, so nothing says what it is")
        label, score = best.label("name"), best.score("confidence")
        known |= {"tags"} if len(tags) == 1 else set()
    else:
        names = ("object", "object_property", "name")
        label, score = fields.label(*names), fields.score("confidence")
        known.update(names)
    return Detection(label=label, score=score, box=box, extra=fields.others(*known) or None)


def _fractions(fields: Fields, size: Size) -> Box:
    """A rectangle in pixels of the image that the service saw, in fractions of it."""
    across, down = ("w", "h") if fields.get("w") is not None else ("width", "height")
    left, top, right, bottom = fields.rectangle("x", "y", across, down)
    if 0 < max(right, bottom) <= 1 < min(size) and not all(edge.is_integer() for edge in (left, top, right, bottom)):
        fields.wrong(f"x, y, w and h must be pixels; ({left:g}, {top:g}, {right:g}, {bottom:g}) look like fractions")
    width, height = size
    box = Box(left / width, top / height, right / width, bottom / height)
    if min(box) < -_BEYOND or max(box) > 1 + _BEYOND:
        edges = f"({left:g}, {top:g}, {right:g}, {bottom:g})"
        fields.wrong(f"the rectangle {edges} is not inside an image of {width}x{height} pixels")
    return box

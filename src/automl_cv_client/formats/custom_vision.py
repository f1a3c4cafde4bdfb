"""Custom Vision: the tagged images as its service lists them (GetTaggedImages, saved as JSON). Read only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from automl_cv_client._files import is_image_name
from automl_cv_client.annotations import AnnotatedImage, Annotation
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import (
    Frame,
    ImageLookup,
    ReadingReport,
    Unreadable,
    class_name,
    dicts,
    image_size,
    labelled_image,
    number,
    read_json,
    shown,
)
from automl_cv_client.task import Task


def _of(values: dict[str, Any], name: str) -> Any:
    """A value under the service's name (``tagName``) or the Python library's (``tag_name``)."""
    return values.get(
        name, values.get("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name))
    )


def is_custom_vision(content: Any) -> bool:
    """Whether decoded JSON is a list of images with tags."""
    images = content.get("images") if isinstance(content, dict) else content
    return (
        isinstance(images, list)
        and bool(images)
        and all(isinstance(image, dict) and _of(image, "originalImageUri") and "id" in image for image in images)
    )


def read_custom_vision(
    path: Path, task: Task, report: ReadingReport, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The images of a list that Custom Vision gave: regions for detection, tags for classification.

    An image is named by its file in the folder of images, when one is called as its id; else by the last part of its
    address, without what follows the question mark, which is a secret.

    Raises:
        InvalidInput: it is no such file.
    """
    content = read_json(path)
    if not is_custom_vision(content):
        raise InvalidInput(f"{path.name} is no list of Custom Vision's images: each needs id and originalImageUri")
    for image in content["images"] if isinstance(content, dict) else content:
        given = str(image["id"])
        where = f"{path.name}, image {shown(given)}"
        regions, tags = dicts(image.get("regions")), dicts(image.get("tags"))
        try:
            file = find(given) if find else None
        except InvalidInput as error:
            report.passed("image", "image-ambiguous", where, error.message, annotations=len(regions))
            continue
        address = PurePosixPath(urlsplit(str(_of(image, "originalImageUri"))).path).name
        ending = is_image_name(address)
        name = file.name if file is not None else address if ending else given
        if file is None and not ending:
            report.note("no-ending", f"{where}: its address has no ending: it is called by its id; give --images DIR")
        size = image_size(image.get("width"), image.get("height"))
        if task is not Task.DETECTION:
            labels = [label for tag in tags if (label := class_name(_of(tag, "tagName"))) is not None]
            yield labelled_image(task, name, size, labels=list(dict.fromkeys(labels)))
            continue
        objects = []
        for position, region in enumerate(regions, 1):
            location = f"{where}, region {position}"
            try:
                objects.append(_region(region, report, location))
            except Unreadable as error:
                report.passed("annotation", error.reason, location, error.message)
        yield labelled_image(task, name, size, objects)


def _region(region: dict[str, Any], report: ReadingReport, where: str) -> Annotation:
    label = class_name(_of(region, "tagName"))
    if label is None:
        raise Unreadable("class-missing", f"its tagName is {shown(_of(region, 'tagName'))}")
    left, top, width, height = (number(region.get(key)) for key in ("left", "top", "width", "height"))
    if any(value != value for value in (left, top, width, height)):
        raise Unreadable("box-wrong", "left, top, width and height must be numbers")
    return Annotation(label, None, Frame(1.0, 1.0, report).box(left, top, left + width, top + height, where))

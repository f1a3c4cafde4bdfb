"""The JSON of VGG Image Annotator 1 and 2: a project, or its exported annotations. Read only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automl_cv_client.annotations import AnnotatedImage, Annotation
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import (
    Frame,
    ImageLookup,
    ReadingReport,
    Unreadable,
    box_around,
    circle,
    class_name,
    dicts,
    labelled_image,
    number,
    numbers,
    read_json,
    rectangle,
    shown,
    size_of_file,
)
from automl_cv_client.geometry import Segment, Size
from automl_cv_client.task import Task

_CLASS_KEYS = ("label", "class", "name", "category", "type", "object")


def via_images(content: Any) -> dict[str, Any] | None:
    """The images of a project or of exported annotations; None when it is neither."""
    if not isinstance(content, dict):
        return None
    inner = content.get("_via_img_metadata", content)
    whole = (
        isinstance(inner, dict)
        and inner
        and all(isinstance(image, dict) and "filename" in image and "regions" in image for image in inner.values())
    )
    return inner if whole else None


def read_via(
    path: Path, task: Task, report: ReadingReport, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The images of a VIA file. It does not tell their sizes: the images must be at hand.

    Rectangles, polygons, circles and ellipses are read; points and polylines are passed over by name. The class is
    the region's only attribute, or the one called label, class, name, category, type or object; an attribute of the
    file is the label of the whole image.

    Args:
        path: the file.
        task: what is wanted of it.
        report: takes what cannot be read.
        find: finds image files, for their sizes.

    Raises:
        InvalidInput: it is no such file.
    """
    content = read_json(path)
    images = via_images(content)
    if images is None:
        newer = isinstance(content, dict) and "metadata" in content and "config" in content
        what = "a project of VIA 3: export it as COCO" if newer else "no file of VIA: it has no filename and regions"
        raise InvalidInput(f"{path.name} is {what}")
    for key, image in images.items():
        given = image["regions"]
        regions = dicts(list(given.values()) if isinstance(given, dict) else given)
        where = f"{path.name}, {shown(key)}"
        name = image["filename"]
        if not isinstance(name, str) or not name.strip():
            report.passed("image", "image-missing", where, "it names no image", annotations=len(regions))
            continue
        if task in (Task.CLASSIFICATION, Task.MULTILABEL):
            if regions:
                message = f"regions are not read for {task.value}"
                report.passed("annotation", "regions-not-wanted", where, message, times=len(regions))
            yield labelled_image(task, name, None, labels=_class_names(image.get("file_attributes")))
            continue
        try:
            size = size_of_file(find, name, report, where)
        except InvalidInput as error:
            report.passed("image", "image-ambiguous", where, error.message, annotations=len(regions))
            continue
        if size is None and regions:
            message = "VIA does not tell sizes: give the folder of images (--images DIR)"
            report.passed("image", "size-missing", where, message, annotations=len(regions))
            continue
        objects = []
        for position, region in enumerate(regions, 1):
            location = f"{where}, region {position}"
            try:
                assert size is not None
                objects.append(_region(region, size, task, report, location))
            except Unreadable as error:
                report.passed("annotation", error.reason, location, error.message)
        yield labelled_image(task, name, size, objects)


def _class_names(attributes: Any) -> list[str]:
    """The classes that attributes name: a text, or the options that are ticked."""
    if not isinstance(attributes, dict):
        return []
    filled = {key: value for key, value in attributes.items() if value not in ("", None, {})}
    key = next((key for key in _CLASS_KEYS if key in filled), None) or (
        next(iter(filled)) if len(filled) == 1 else None
    )
    value = filled.get(key) if key is not None else None
    if isinstance(value, dict):
        return [name for name, ticked in value.items() if ticked is True]
    name = class_name(value)
    return [] if name is None else [name.strip()]


def _region(region: dict[str, Any], size: Size, task: Task, report: ReadingReport, where: str) -> Annotation:
    names = _class_names(region.get("region_attributes"))
    if len(names) != 1:
        given = shown(region.get("region_attributes"))
        raise Unreadable("class-missing", f"its attributes name {len(names)} classes, not one: {given}")
    shape = region.get("shape_attributes")
    shape = shape if isinstance(shape, dict) else {}
    kind = shape.get("name")
    frame = Frame(size.width, size.height, report)
    polygons: tuple[Segment, ...]
    if kind == "rect":
        left, top, width, height = (number(shape.get(key)) for key in ("x", "y", "width", "height"))
        if any(value != value for value in (left, top, width, height)):
            raise Unreadable("box-wrong", f"x, y, width and height must be numbers: {shown(shape)}")
        polygons = (rectangle(frame.box(left, top, left + width, top + height, where)),)
    elif kind == "polygon":
        xs, ys = numbers(shape.get("all_points_x")), numbers(shape.get("all_points_y"))
        if not xs or not ys or len(xs) != len(ys):
            raise Unreadable("outline-wrong", "all_points_x and all_points_y must be lists of as many numbers")
        polygons = frame.polygons([[value for pair in zip(xs, ys, strict=True) for value in pair]], where)
    elif kind in ("circle", "ellipse"):
        radii = ("r", "r") if kind == "circle" else ("rx", "ry")
        x, y, rx, ry = (number(shape.get(key)) for key in ("cx", "cy", *radii))
        turn = number(shape.get("theta", 0))
        if any(value != value for value in (x, y, rx, ry, turn)):
            raise Unreadable("outline-wrong", f"its middle and radius must be numbers: {shown(shape)}")
        polygons = frame.polygons([circle(x, y, rx, ry, turn)], where)
    else:
        raise Unreadable("shape-unknown", f"a {shown(kind)} is no rect, polygon, circle or ellipse")
    return Annotation(names[0], None, box_around(polygons), polygons if task is Task.SEGMENTATION else None)

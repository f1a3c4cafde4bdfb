"""labelme's JSON: one file per image. Read only."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
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
    files_below,
    image_size,
    labelled_image,
    numbers,
    read_json,
    rectangle,
    shown,
    size_of_file,
)
from automl_cv_client.geometry import Segment, Size
from automl_cv_client.task import Task


def is_labelme(content: Any) -> bool:
    """Whether decoded JSON has the parts of a labelme file."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def read_labelme(
    source: Path, task: Task, report: ReadingReport, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The images of labelme's files in a folder and below it, or of one file.

    Rectangles, polygons and circles are read; shapes of one ``group_id`` and label are one object of several
    outlines. Points, lines and masks are passed over by name. The flags that are set are the labels of the whole
    image, for the tasks of classification.

    Raises:
        InvalidInput: there is no such file or folder.
    """
    if not source.exists():
        raise InvalidInput(f"no such file or folder: {source.name!r}")
    base = source if source.is_dir() else source.parent
    files = [file for file in files_below(source) if file.suffix.lower() == ".json"] if source.is_dir() else [source]
    for file in files:
        where = file.relative_to(base).as_posix()
        try:
            content = read_json(file, _without_pixels)
            if not is_labelme(content):
                raise InvalidInput("not a labelme file: it has no shapes and imagePath")
            yield _image(content, PurePosixPath(where), task, report, find)
        except InvalidInput as error:
            report.passed("image", "not-labelme", where, error.message)
        except Unreadable as error:
            report.passed("image", error.reason, where, error.message, annotations=len(dicts(content["shapes"])))


def _without_pixels(values: dict[str, Any]) -> dict[str, Any]:
    values.pop("imageData", None)
    return values


def _image(
    content: dict[str, Any], file: PurePosixPath, task: Task, report: ReadingReport, find: ImageLookup | None
) -> AnnotatedImage:
    given = content["imagePath"]
    if not isinstance(given, str) or not given.strip():
        raise InvalidInput(f"imagePath names no image: {shown(given)}")
    path = posixpath.normpath(posixpath.join(str(file.parent), given.replace("\\", "/")))
    name = "/".join(part for part in path.split("/") if part != "..")
    size = image_size(content.get("imageWidth"), content.get("imageHeight")) or size_of_file(
        find, name, report, str(file)
    )
    shapes = dicts(content["shapes"])
    if task in (Task.CLASSIFICATION, Task.MULTILABEL):
        flags = content.get("flags")
        labels = [name for name, value in flags.items() if value is True] if isinstance(flags, dict) else []
        if shapes:
            message = f"shapes are not read for {task.value}"
            report.passed("annotation", "shapes-not-wanted", str(file), message, times=len(shapes))
        return labelled_image(task, name, size, labels=labels)
    if size is None and shapes:
        message = "imageWidth and imageHeight are missing: give the folder of images (--images DIR)"
        raise Unreadable("size-missing", message)
    return labelled_image(task, name, size, _objects(shapes, size, task, report, str(file)))


def _objects(
    shapes: Sequence[dict[str, Any]], size: Size | None, task: Task, report: ReadingReport, file: str
) -> list[Annotation]:
    groups: dict[Any, list[tuple[str, tuple[Segment, ...]]]] = {}
    for position, shape in enumerate(shapes, 1):
        where = f"{file}, shape {position}"
        try:
            label = class_name(shape.get("label"))
            if label is None:
                raise Unreadable("class-missing", f"its label is {shown(shape.get('label'))}")
            assert size is not None  # as there are shapes
            outline = _outline(shape, size, report, where)
        except Unreadable as error:
            report.passed("annotation", error.reason, where, error.message)
        else:
            grouped = shape.get("group_id") if isinstance(shape.get("group_id"), int | str) else None
            key = (grouped, label) if grouped is not None else position
            if key in groups:
                report.note("group", f"{where}: it is one object with the others of its group_id")
            groups.setdefault(key, []).append((label, outline))
    objects = []
    for parts in groups.values():
        polygons = tuple(segment for _, outline in parts for segment in outline)
        kept = polygons if task is Task.SEGMENTATION else None
        objects.append(Annotation(parts[0][0], None, box_around(polygons), kept))
    return objects


def _outline(shape: dict[str, Any], size: Size, report: ReadingReport, where: str) -> tuple[Segment, ...]:
    given = shape.get("points")
    corners = [numbers(point) for point in given] if isinstance(given, list) else []
    kind = shape.get("shape_type") or "polygon"
    if not corners or any(corner is None or len(corner) != 2 for corner in corners):
        raise Unreadable("outline-wrong", f"its points must be [[x, y], …]; they are {shown(given)}")
    flat = [value for corner in corners for value in corner or ()]
    frame = Frame(size.width, size.height, report)
    if kind == "polygon":
        return frame.polygons([flat], where)
    if kind == "rectangle" and len(flat) == 4:
        xs, ys = sorted(flat[0::2]), sorted(flat[1::2])
        return (rectangle(frame.box(xs[0], ys[0], xs[1], ys[1], where)),)
    if kind == "circle" and len(flat) == 4:
        return frame.polygons([circle(flat[0], flat[1], math.dist(flat[:2], flat[2:]))], where)
    raise Unreadable("shape-unknown", f"a {shown(kind)} of {len(corners)} points is no polygon, rectangle or circle")

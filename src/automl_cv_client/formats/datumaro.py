"""Datumaro's JSON, which CVAT exports too: ``annotations/default.json``. Read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    class_name,
    dicts,
    image_size,
    labelled_image,
    mask_polygons,
    number,
    numbers,
    read_json,
    rectangle,
    shown,
    size_of_file,
    truth,
)
from automl_cv_client.geometry import Segment, Size
from automl_cv_client.task import Task


def is_datumaro(content: Any) -> bool:
    """Whether decoded JSON has the parts of a Datumaro file."""
    return isinstance(content, dict) and "items" in content and isinstance(content.get("categories"), dict)


def read_datumaro(
    path: Path, task: Task, report: ReadingReport, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The items of a Datumaro file. Annotations of one group are one object: its box and its outlines.

    Args:
        path: the file.
        task: what is wanted of it; labels for the tasks of classification.
        report: takes what cannot be read.
        find: finds image files, for sizes that the file lacks.

    Raises:
        InvalidInput: it is no such file.
    """
    content = read_json(path)
    if not is_datumaro(content):
        raise InvalidInput(f"{path.name} is no Datumaro file: it has no items and categories")
    given = content["categories"].get("label")
    names = [label.get("name") for label in dicts(given.get("labels") if isinstance(given, dict) else None)]
    for position, item in enumerate(dicts(content["items"]), 1):
        image = item.get("image")
        image = image if isinstance(image, dict) else {}
        name = image.get("path") or item.get("id")
        entries = dicts(item.get("annotations"))
        where = f"{path.name}, item {shown(item.get('id')) if 'id' in item else position}"
        if not isinstance(name, str) or not name:
            report.passed("image", "image-missing", where, "it names no image", annotations=len(entries))
            continue
        sides = numbers(image.get("size")) or []
        size = image_size(sides[1], sides[0]) if len(sides) == 2 else None
        try:
            size = size or size_of_file(find, name, report, where)
        except InvalidInput as error:
            report.passed("image", "image-ambiguous", where, error.message, annotations=len(entries))
            continue
        yield _item(name, size, entries, names, task, report, where)


def _item(
    name: str,
    size: Size | None,
    entries: Sequence[dict[str, Any]],
    names: Sequence[Any],
    task: Task,
    report: ReadingReport,
    where: str,
) -> AnnotatedImage:
    whole = task in (Task.CLASSIFICATION, Task.MULTILABEL)
    labels: list[str] = []
    groups: dict[Any, list[dict[str, Any]]] = {}
    for position, entry in enumerate(entries):
        if (entry.get("type") == "label") == whole:
            grouped = number(entry.get("group"))
            groups.setdefault(grouped if grouped > 0 and not whole else f"{position}", []).append(entry)
        else:
            kind = str(entry.get("type"))[:30]
            report.passed("annotation", "not-wanted", where, f"a {kind!r} is not read for {task.value}")
    objects = []
    for group in [part for grouped in groups.values() for part in _apart(grouped)]:
        if len(group) > 1:
            report.note("group", f"{where}: {len(group)} annotations of one group are one object")
        try:
            label = _label(group[0], names)
            if whole:
                labels.append(label)
            else:
                objects.append(_object(group, label, size, task, report, where))
        except Unreadable as error:
            report.passed("annotation", error.reason, where, error.message, times=len(group))
    return labelled_image(task, name, size, objects, list(dict.fromkeys(labels)))


def _apart(group: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The objects of a group: one, unless it has several boxes or labels, which then are objects of their own."""
    boxes = sum(entry.get("type") == "bbox" for entry in group)
    is_one_object = boxes < 2 and len({str(entry.get("label_id")) for entry in group}) == 1
    return [group] if is_one_object else [[entry] for entry in group]


def _label(entry: dict[str, Any], names: Sequence[Any]) -> str:
    index = number(entry.get("label_id"))
    if not index.is_integer() or not 0 <= index < len(names):
        raise Unreadable("class-unknown", f"there is no label {shown(entry.get('label_id'))} (label_id)")
    name = class_name(names[int(index)])
    if name is None:
        raise Unreadable("class-unknown", f"the label {int(index)} has no name")
    return name


def _object(
    group: Sequence[dict[str, Any]], label: str, size: Size | None, task: Task, report: ReadingReport, where: str
) -> Annotation:
    """The one object that the annotations of a group are."""
    if size is None:
        raise Unreadable("size-missing", "its image's size is not told: give --images DIR")
    frame = Frame(size.width, size.height, report)
    polygons: tuple[Segment, ...] = ()
    box = None
    crowd = False
    for entry in group:
        kind = entry.get("type")
        attributes = entry.get("attributes")
        crowd = crowd or bool(truth(attributes.get("is_crowd")) if isinstance(attributes, dict) else False)
        if kind == "bbox":
            values = numbers(entry.get("bbox"))
            if values is None or len(values) != 4:
                raise Unreadable("box-wrong", f"bbox must be [left, top, width, height]: {shown(entry.get('bbox'))}")
            left, top, width, height = values
            box = frame.box(left, top, left + width, top + height, where)
        elif kind == "polygon":
            ring = numbers(entry.get("points"))
            if ring is None:
                raise Unreadable("outline-wrong", f"points must be numbers: {shown(entry.get('points'))}")
            polygons += frame.polygons([ring], where)
        elif kind == "mask" and isinstance(entry.get("rle"), dict):
            polygons += mask_polygons(entry["rle"], size)
        else:
            raise Unreadable("shape-unknown", f"a {shown(kind)} is neither bbox, polygon nor mask")
    if polygons and task is Task.SEGMENTATION:
        return Annotation(label, None, box_around(polygons), polygons, crowd)
    box = box or box_around(polygons)
    return Annotation(label, None, box, (rectangle(box),) if task is Task.SEGMENTATION else None, crowd)

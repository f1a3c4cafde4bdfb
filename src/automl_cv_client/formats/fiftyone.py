"""FiftyOne: a label field in the JSON that FiftyOne's own labels are serialised to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from automl_cv_client._files import is_image_name
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
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
    number,
    numbers,
    read_json,
    shown,
)
from automl_cv_client.geometry import Size, one_ring, points
from automl_cv_client.task import Task


def fiftyone_of(image: SupportsAnnotated) -> dict[str, Any]:
    """``Detections``, ``Polylines``, ``Classification`` or ``Classifications``, in fractions of the image.

    Outlines become closed, filled polylines; their holes are kept by bridges without width. Objects without area
    inside the image are left out; what people labelled has no ``confidence``, a crowd has ``iscrowd``.

    Raises:
        InvalidInput: a row has a box outside its image.
    """
    annotated = image.annotated()
    if annotated.task is Task.MULTILABEL:
        return {"_cls": "Classifications", "classifications": [_class(*pair) for pair in annotated.present()]}
    if annotated.task is Task.CLASSIFICATION:
        return _class(*annotated.present()[0])
    objects = annotated.inside().objects
    if annotated.task is Task.SEGMENTATION:
        return {"_cls": "Polylines", "polylines": [_polyline(item) for item in objects]}
    return {"_cls": "Detections", "detections": [_detection(item) for item in objects]}


def _class(label: str, score: float | None) -> dict[str, Any]:
    return {"_cls": "Classification", "label": label, **_confidence(score)}


def _detection(item: Annotation) -> dict[str, Any]:
    box = item.box
    bounding_box = [box.left, box.top, box.width, box.height]
    return {"_cls": "Detection", "label": item.label, "bounding_box": bounding_box, **_shared(item)}


def _polyline(item: Annotation) -> dict[str, Any]:
    ring = [list(corner) for corner in points(one_ring(item.polygons or ()))]
    shape = {"points": [ring] if ring else [], "closed": True, "filled": True}
    return {"_cls": "Polyline", "label": item.label, **shape, **_shared(item)}


def _shared(item: Annotation) -> dict[str, Any]:
    return _confidence(item.score) | ({"iscrowd": True} if item.crowd else {})


def _confidence(score: float | None) -> dict[str, float]:
    return {} if score is None else {"confidence": score}


def is_fiftyone(content: Any) -> bool:
    """Whether decoded JSON has the parts of an export: ``labels.json`` or ``samples.json``."""
    if not isinstance(content, dict):
        return False
    return isinstance(content.get("samples"), list) or (
        isinstance(content.get("labels"), dict) and "classes" in content
    )


def read_fiftyone(
    path: Path, task: Task, report: ReadingReport, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The samples of an export: FiftyOneDataset, or the image datasets with ``labels.json``.

    Detections, polylines that are closed, classifications. Masks of detections and key points are passed over.

    Args:
        path: ``samples.json`` or ``labels.json``.
        task: what is wanted of it.
        report: takes what cannot be read.
        find: finds image files, for the endings that ``labels.json`` lacks.

    Raises:
        InvalidInput: it is no such file.
    """
    content = read_json(path)
    if not is_fiftyone(content):
        raise InvalidInput(f"{path.name} is no export of FiftyOne: it has neither samples nor labels and classes")
    classes = content.get("classes")
    classes = classes if isinstance(classes, list) else []
    if isinstance(content.get("samples"), list):
        named = [
            (sample.get("filepath"), _label_field(sample), sample.get("metadata"))
            for sample in dicts(content["samples"])
        ]
    else:
        named = [(name, given, None) for name, given in content["labels"].items()]
    for position, (name, given, metadata) in enumerate(named, 1):
        where = f"{path.name}, sample {shown(name) if name else position}"
        entries = _entries(given)
        try:
            file = find(name) if find and isinstance(name, str) else None
        except InvalidInput as error:
            report.passed("image", "image-ambiguous", where, error.message, annotations=len(entries))
            continue
        if not isinstance(name, str) or not name:
            report.passed("image", "image-missing", where, "it names no image", annotations=len(entries))
            continue
        if not is_image_name(name):
            if file is None:
                message = "its name has no ending: give the folder of images (--images DIR)"
                report.passed("image", "ending-missing", where, message, annotations=len(entries))
                continue
            name = file.name
        size = image_size(metadata.get("width"), metadata.get("height")) if isinstance(metadata, dict) else None
        yield _sample(name, size or (file.size if file else None), entries, classes, task, report, where)


def _label_field(sample: dict[str, Any]) -> Any:
    """The labels of a sample: ``ground_truth``, or the only field that holds some."""
    fields = {key: value for key, value in sample.items() if isinstance(value, dict) and "_cls" in value}
    kept = {key: value for key, value in fields.items() if value["_cls"] not in ("ImageMetadata", "ObjectId")}
    return kept.get("ground_truth") or (next(iter(kept.values())) if len(kept) == 1 else None)


def _entries(given: Any) -> list[Any]:
    if isinstance(given, dict):
        for key in ("detections", "polylines", "classifications"):
            if isinstance(given.get(key), list):
                return dicts(given[key])
        return [given]
    if given is None:
        return []
    return list(given) if isinstance(given, list) else [given]


def _sample(
    name: str,
    size: Size | None,
    entries: Sequence[Any],
    classes: Sequence[Any],
    task: Task,
    report: ReadingReport,
    where: str,
) -> AnnotatedImage:
    whole = task in (Task.CLASSIFICATION, Task.MULTILABEL)
    labels: list[str] = []
    objects: list[Annotation] = []
    for position, entry in enumerate(entries, 1):
        location = f"{where}, label {position}"
        try:
            given = entry.get("label") if isinstance(entry, dict) else entry
            index = number(given) if not isinstance(given, str) and classes else math.nan
            inside = index.is_integer() and 0 <= index < len(classes)
            label = class_name(classes[int(index)] if inside else given)
            if label is None or (classes and not isinstance(given, str) and not inside):
                raise Unreadable("class-missing", f"its label is {shown(given)}")
            shape = isinstance(entry, dict) and ("bounding_box" in entry or "points" in entry)
            if shape == whole:
                raise Unreadable("not-wanted", f"{'a shape' if shape else 'a class'} is not read for {task.value}")
            if whole:
                labels.append(label)
            else:
                objects.append(_read_object(entry, label, task, report, location))
        except Unreadable as error:
            report.passed("annotation", error.reason, location, error.message)
    return labelled_image(task, name, size, objects, list(dict.fromkeys(labels)))


def _read_object(entry: dict[str, Any], label: str, task: Task, report: ReadingReport, where: str) -> Annotation:
    frame = Frame(1.0, 1.0, report)
    if "points" in entry:
        rings = entry["points"]
        flat = []
        for ring in rings if isinstance(rings, list) else []:
            corners = [numbers(corner) for corner in ring] if isinstance(ring, list) else [None]
            if any(corner is None or len(corner) != 2 for corner in corners):
                raise Unreadable("outline-wrong", f"its points must be [[[x, y], …]]: {shown(rings)}")
            flat.append([value for corner in corners for value in corner or ()])
        if entry.get("closed") is False:
            raise Unreadable("shape-unknown", "an open line encloses nothing")
        polygons = frame.polygons(flat, where)
        return Annotation(label, None, box_around(polygons), polygons if task is Task.SEGMENTATION else None)
    values = numbers(entry["bounding_box"])
    if values is None or len(values) != 4:
        raise Unreadable(
            "box-wrong", f"bounding_box must be [left, top, width, height]: {shown(entry['bounding_box'])}"
        )
    left, top, width, height = values
    if task is Task.SEGMENTATION:
        raise Unreadable("outline-missing", "it has only a box or a mask: export its outlines (polylines)")
    return Annotation(label, None, frame.box(left, top, left + width, top + height, where))

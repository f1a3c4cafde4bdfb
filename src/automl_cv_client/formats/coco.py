"""COCO: results or training rows as a dataset that pycocotools reads; and data sets as the tools of the world write."""

from __future__ import annotations

import json
import math
import os
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Any

from automl_cv_client._files import write_text
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.files import holds_objects
from automl_cv_client.formats.reading import (
    Frame,
    ImageLookup,
    ReadingReport,
    Unreadable,
    box_around,
    class_name,
    image_size,
    labelled_image,
    mask_polygons,
    number,
    numbers,
    plain,
    read_json,
    shown,
    size_of_file,
    truth,
    union,
)
from automl_cv_client.geometry import Box, Rle, Segment, Size, even_odd_area, outlines, scale_segment
from automl_cv_client.task import Task


def coco_of(
    images: Iterable[SupportsAnnotated], *, first_image_id: int = 1, categories: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """A dataset, ``{"images": […], "annotations": […], "categories": […]}``, of several results or training rows.

    Boxes are ``[left, top, width, height]`` in pixels of the upright images. What a model found also has its
    ``score``; what people labelled as a crowd has ``iscrowd`` 1. COCO takes the union of a list of polygons, which
    would fill holes: an outline with holes is run lengths. Objects without area inside the image are left out.

    Args:
        images: detection or segmentation, one an image.
        first_image_id: the others count on from it.
        categories: label to id; by default the labels that occur, sorted, count from 1. Labels it lacks are
            given the next ids.

    Raises:
        InvalidInput: one is of whole images, a row does not tell its image's size, or has a box outside of it.
    """
    ids = dict(categories or {})
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    labels: list[str] = []
    for image_id, item in enumerate(images, first_image_id):
        image = holds_objects(item.annotated(), "COCO files")
        size = image.pixels
        listed.append({"id": image_id, "file_name": image.source or "", "width": size.width, "height": size.height})
        for annotation in image.inside().objects:
            labels.append(annotation.label)
            annotations.append({"id": len(labels), "image_id": image_id, **_annotation(annotation, size)})
    for label in sorted(set(labels) - ids.keys()):
        ids[label] = max(ids.values(), default=0) + 1
    for label, annotation_values in zip(labels, annotations, strict=True):
        annotation_values["category_id"] = ids[label]
    named = [{"id": number, "name": label, "supercategory": ""} for label, number in ids.items()]
    return {"images": listed, "annotations": annotations, "categories": named}


def to_coco(images: Iterable[SupportsAnnotated], path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """As :func:`coco_of`; also written to ``path`` when given.

    Args:
        images: results or rows, one per image.
        path: where to; None to write nothing.

    Returns:
        The content of the file, as ``json.dumps`` takes it.

    Raises:
        InvalidInput: as for :func:`coco_of`, or the file cannot be written.
    """
    content = coco_of(images)
    if path is not None:
        write_text(Path(path), json.dumps(content))
    return content


def _annotation(item: Annotation, size: Size) -> dict[str, Any]:
    box = item.box.to_pixels(size)
    values: dict[str, Any] = {"bbox": [box.left, box.top, box.width, box.height], "area": box.area}
    values["iscrowd"] = int(item.crowd)
    if item.score is not None:
        values["score"] = item.score
    if item.polygons is not None:
        segments = [scale_segment(segment, size) for segment in item.polygons]
        values["area"] = even_odd_area(segments)
        values["segmentation"] = _segmentation(item, segments, values["area"], size)
    return values


def _segmentation(item: Annotation, segments: Sequence[Sequence[float]], area: float, size: Size) -> Any:
    """Polygons where their union is the object, else its mask: counts in COCO's own files, text in its results."""
    labelled = item.score is None
    if not item.crowd and (len(segments) == 1 or (labelled and segments and not _has_holes(segments, area))):
        return [list(segment) for segment in segments]
    mask = Rle.of_polygon(segments, size)
    return {"size": [mask.height, mask.width], "counts": list(mask.counts) if labelled else mask.text()}


def _has_holes(segments: Sequence[Sequence[float]], area: float) -> bool:
    return len(segments) > 1 and area < sum(even_odd_area([segment]) for segment in segments) - 1e-6


_WANTED = ("images", "annotations", "categories")
_SMALL = 1.0 + 1e-9
"""Numbers up to it may be fractions of the image; a larger one can only be pixels."""


def read_coco(
    source: Path | dict[str, Any], task: Task, report: ReadingReport, find: ImageLookup | None = None
) -> Iterator[AnnotatedImage]:
    """The images of a COCO file, those without annotations too.

    Whether a file writes pixels or fractions of the image is decided once, by all its numbers: fractions when not
    one is above 1 (Azure ML's labelling exports them), else pixels. In a file of pixels a box with all its edges
    between 0 and 1 is passed over: it may be a fraction among pixels, or a box of less than one pixel.

    Args:
        source: the file, or its decoded content.
        task: detection takes the boxes, segmentation the outlines.
        report: takes what cannot be read.
        find: finds image files, for sizes that the source lacks.

    Raises:
        InvalidInput: it is no COCO file, or an id stands for two things.
    """
    boxes_only = task is Task.DETECTION
    content = (
        source
        if isinstance(source, dict)
        else read_json(source, _without_outlines if boxes_only else _with_packed_outlines)
    )
    parts = _coco_parts(content)
    images = _Ids(parts["images"], "image", report)
    named = _Ids(parts["categories"], "category", report)
    by_image = _by_image(parts["annotations"], images, report)
    reader = _CocoAnnotations(parts["annotations"], named, task, report)
    files: Counter[str] = Counter()
    for position, image in enumerate(images.entries):
        annotations = by_image.pop(position, ())
        where = f"{report.source}, image {shown(image.get('id'))}"
        if images.repeats(position):
            report.passed("image", "image-repeated", where, "the same image is there twice, with the same id")
            continue
        file = image.get("file_name")
        if not isinstance(file, str) or not file.strip():
            message = "no file_name: name the image's file"
            report.passed("image", "file-name-missing", where, message, annotations=len(annotations))
            continue
        files[file] += 1
        if files[file] == 2:
            report.note("image-repeated", f"{where}: the file {shown(file)} is there under another id, too")
        size = image_size(image.get("width"), image.get("height"))
        if size is None:
            try:
                size = size_of_file(find, file, report, where) or reader.size_of_mask(annotations)
            except InvalidInput as error:  # two files are meant by the name
                report.passed("image", "image-ambiguous", where, error.message, annotations=len(annotations))
                continue
        if size is None and annotations and reader.in_pixels:
            message = "width and height must be pixels, for its boxes are: give the folder of images (--images DIR)"
            report.passed("image", "size-missing", where, message, annotations=len(annotations))
            continue
        objects = [label for entry in annotations if (label := reader.read(entry, size)) is not None]
        yield labelled_image(task, file, size, objects)


def is_coco(content: Any) -> bool:
    """Whether decoded JSON has the parts of a COCO file."""
    return isinstance(content, dict) and isinstance(content.get("images"), list) and "annotations" in content


def _without_outlines(values: dict[str, Any]) -> dict[str, Any]:
    if "segmentation" in values and values.get("bbox"):
        del values["segmentation"]
    return values


def _with_packed_outlines(values: dict[str, Any]) -> dict[str, Any]:
    """Outlines as arrays, of which a number takes a quarter of the memory."""
    rings = values.get("segmentation")
    if isinstance(rings, list):
        with suppress(TypeError, OverflowError):  # not all are numbers: told when they are read
            values["segmentation"] = [array("d", ring) if isinstance(ring, list) else ring for ring in rings]
    return values


def _coco_parts(content: Any) -> dict[str, list[Any]]:
    if not isinstance(content, dict):
        results = isinstance(content, list) and content and isinstance(content[0], dict) and "score" in content[0]
        reason = "a list of predictions, which names no images" if results else "no JSON object"
        raise InvalidInput(f"not a COCO file: {reason}: expected images, annotations and categories")
    parts: dict[str, list[Any]] = {}
    for name in _WANTED:
        part = content.get(name, [])
        part = plain(part)
        if not isinstance(part, list | tuple) or not all(isinstance(entry, dict) for entry in part):
            raise InvalidInput(f"not a COCO file: {name} must be a list of objects")
        parts[name] = list(part)
    if not parts["images"]:
        held = ", ".join(sorted(map(str, content))[:6]) or "nothing"
        raise InvalidInput(f"not a COCO file: it has no images; it holds {held[:120]}")
    panoptic = next((entry for entry in parts["annotations"] if "segments_info" in entry), None)
    if panoptic is not None:
        raise InvalidInput("a panoptic COCO file: its masks are in PNG files; export instances instead")
    return parts


class _Ids:
    """Finds entries by id. ``1``, ``"1"`` and ``1.0`` are one id, unless the file has entries for each of them."""

    def __init__(self, entries: list[dict[str, Any]], kind: str, report: ReadingReport) -> None:
        self.entries = entries
        self._exact: dict[tuple[bool, Any], int] = {}
        self._loose: dict[Any, list[int]] = {}
        self._repeats: set[int] = set()
        self._doubled: dict[int, str] = {}
        name = "file_name" if kind == "image" else "name"
        for position, entry in enumerate(entries):
            key = _id_key(entry.get("id"))
            if key is None:
                continue
            first = self._exact.setdefault(key, position)
            if first == position:
                self._loose.setdefault(_loose(key), []).append(position)
            elif entries[first].get(name) == entry.get(name):
                self._repeats.add(position)
            else:
                both = f"{shown(entries[first].get(name))} and {shown(entry.get(name))}"
                problem = f"{report.source}: the {kind} id {shown(entry['id'])} is there twice, for {both}"
                if kind == "image":
                    raise InvalidInput(f"{problem}: give each an id of its own")
                self._doubled[first] = problem

    def repeats(self, position: int) -> bool:
        """Whether the entry says again what one before it said."""
        return position in self._repeats

    def find(self, value: Any) -> int | None:
        """The position of the entry, or None. Raises InvalidInput for an id that stands for two."""
        key = _id_key(value)
        position = self._exact.get(key) if key is not None else None
        if position is None and key is not None:
            alike = self._loose.get(_loose(key), [])
            position = alike[0] if len(alike) == 1 else None
        if position in self._doubled:
            raise InvalidInput(f"{self._doubled[position]}: give each an id of its own")
        return position


def _id_key(value: Any) -> tuple[bool, Any] | None:
    """An id that can be looked up, texts apart from numbers; None for what is none."""
    if isinstance(value, str):
        return (True, value)
    read = number(value)
    if math.isnan(read):
        return None
    return (False, int(value) if read.is_integer() else read)


def _loose(key: tuple[bool, Any]) -> Any:
    """The same for ``1``, ``"1"`` and ``" 1.0"``."""
    if not key[0]:
        return key[1]
    text = key[1].strip()
    read = number(text)
    return int(read) if read.is_integer() else text


def _by_image(
    annotations: list[dict[str, Any]], images: _Ids, report: ReadingReport
) -> dict[int, list[dict[str, Any]]]:
    """Annotations by the number of their image; those of no image are passed over."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    positions: dict[Any, int | None] = {}
    seen: dict[Any, dict[str, Any]] = {}
    for entry in annotations:
        key = entry.get("id")
        if type(key) is int and (first := seen.setdefault(key, entry)) is not entry and _says_the_same(first, entry):
            where = f"{report.source}, annotation {key}"
            report.passed("annotation", "annotation-repeated", where, "the same annotation is there twice")
            continue
        value = entry.get("image_id")
        simple = type(value) is int or type(value) is str
        if simple and value in positions:
            position = positions[value]
        else:
            position = images.find(value)
            if simple:
                positions[value] = position
        if position is None:
            where = f"{report.source}, annotation {shown(entry.get('id'))}"
            report.passed("annotation", "image-unknown", where, f"no image has the id {shown(value)} (image_id)")
        else:
            found[position].append(entry)
    return found


def _says_the_same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    def plainly(entry: dict[str, Any]) -> dict[str, Any]:
        return {key: plain(value) for key, value in entry.items()}

    return plainly(first) == plainly(second)


class _CocoAnnotations:
    """Reads the annotations of one file: pixels or fractions, by the evidence of all of them."""

    def __init__(self, annotations: list[dict[str, Any]], categories: _Ids, task: Task, report: ReadingReport) -> None:
        self.task = task
        self.report = report
        self.categories = categories
        self.names: dict[Any, str] = {}
        self.boxes_in_pixels = _any_above_one(annotations, "bbox")
        self.outlines_in_pixels = _any_above_one(annotations, "segmentation")
        self.in_pixels = self.boxes_in_pixels if task is Task.DETECTION else self.outlines_in_pixels
        what, key = ("boxes", "bbox") if task is Task.DETECTION else ("outlines", "segmentation")
        if not self.in_pixels and any(plain(entry.get(key)) for entry in annotations):
            report.note("fractions", f"{what} are read as fractions of the image: no number of theirs is above 1")

    def read(self, entry: dict[str, Any], size: Size | None) -> Annotation | None:
        """The annotation; None when it was passed over."""
        try:
            return self._read(entry, size)
        except Unreadable as error:
            self.report.passed("annotation", error.reason, self._where(entry), error.message)
        return None

    def size_of_mask(self, annotations: Iterable[dict[str, Any]]) -> Size | None:
        """The size that a run-length mask among the annotations tells."""
        for entry in annotations:
            shape = entry.get("segmentation")
            sides = numbers(shape.get("size")) if isinstance(shape, dict) else None
            if sides and len(sides) == 2:
                return image_size(sides[1], sides[0])
        return None

    def _where(self, entry: dict[str, Any]) -> str:
        return f"{self.report.source}, annotation {shown(entry.get('id'))}"

    def _read(self, entry: dict[str, Any], size: Size | None) -> Annotation:
        label = self._label(entry.get("category_id"))
        crowd = entry.get("iscrowd", 0)
        crowd = bool(crowd) if crowd == 0 or crowd == 1 else truth(crowd)
        if crowd is None:
            raise Unreadable("crowd-unknown", f"iscrowd must be 0 or 1; it is {shown(entry['iscrowd'])}")
        if self.task is Task.SEGMENTATION:
            polygons = self._polygons(entry, size)
            return Annotation(label, None, box_around(polygons), polygons, crowd)
        return Annotation(label, None, self._box(entry, size), None, crowd)

    def _label(self, category: Any) -> str:
        simple = type(category) is int or type(category) is str
        if simple and category in self.names:
            return self.names[category]
        position = self.categories.find(category)
        if position is None:
            raise Unreadable("category-unknown", f"no category {shown(category)}")
        name = class_name(self.categories.entries[position].get("name"))
        if name is None:
            given = shown(self.categories.entries[position].get("name"))
            raise Unreadable("category-unnamed", f"the category {shown(category)} has no name: it is {given}")
        if simple:
            self.names[category] = name
        return name

    def _box(self, entry: dict[str, Any], size: Size | None) -> Box:
        bbox = plain(entry.get("bbox"))
        values = numbers(bbox)
        if values is None or len(values) != 4:
            if not bbox and plain(entry.get("segmentation")):
                box = box_around(self._polygons(entry, size))
                self.report.note("box-made", f"{self._where(entry)}: its bbox is empty: the box is that of its outline")
                return box
            raise Unreadable("bbox-wrong", f"bbox must be [left, top, width, height]; it is {shown(bbox)}")
        left, top, width, height = values
        if size is not None and self.boxes_in_pixels and left + width > 1:  # nearly all boxes: nothing to say of them
            edges = (left / size.width, top / size.height, (left + width) / size.width, (top + height) / size.height)
            if 0 <= edges[0] < edges[2] <= 1 and 0 <= edges[1] < edges[3] <= 1:
                return Box(*edges)
        self._check_unit((left, top, left + width, top + height), self.boxes_in_pixels)
        if width < 0 or height < 0:
            raise Unreadable("box-swapped", f"bbox must be [left, top, width, height]; it is {shown(bbox)}")
        frame = self._frame(size, self.boxes_in_pixels)
        return frame.box(left, top, left + width, top + height, self._where(entry))

    def _check_unit(self, values: Sequence[float], in_pixels: bool) -> None:
        """Raises Unreadable for what may be a fraction in a file of pixels. Whole numbers are pixels."""
        if in_pixels and min(values) >= 0 and max(values) <= _SMALL and not all(map(float.is_integer, values)):
            raise Unreadable(
                "unit-unclear",
                "all its numbers are between 0 and 1, the file's others are pixels: a fraction of the image, or less "
                "than one pixel?",
            )

    def _frame(self, size: Size | None, in_pixels: bool) -> Frame:
        if not in_pixels:
            return Frame(1.0, 1.0, self.report)
        if size is None:
            raise Unreadable("size-missing", "its image's width and height are not told: give --images DIR")
        return Frame(size.width, size.height, self.report)

    def _polygons(self, entry: dict[str, Any], size: Size | None) -> tuple[Segment, ...]:
        shape = entry.get("segmentation")
        shape = plain(shape)
        if not shape:
            given = (
                "it has only a box: read it with the task of detection"
                if plain(entry.get("bbox"))
                else "it has no shape"
            )
            raise Unreadable("outline-missing", f"no segmentation: {given}")
        where = self._where(entry)
        masks, rings = _masks_and_rings(shape)
        polygons: tuple[Segment, ...] = ()
        if rings:
            for ring in rings:
                if ring:
                    self._check_unit(ring, self.outlines_in_pixels)
            polygons = self._frame(size, self.outlines_in_pixels).polygons(rings, where)
            polygons = self._united(polygons, size, where)
        for mask in masks:
            polygons += mask_polygons(mask, size)
        return polygons

    def _united(self, polygons: tuple[Segment, ...], size: Size | None, where: str) -> tuple[Segment, ...]:
        """COCO means all that is inside any of the rings; here a ring inside another one is a hole."""
        if len(polygons) < 2 or not _may_overlap(polygons):
            return polygons
        if even_odd_area(polygons) > sum(even_odd_area([ring]) for ring in polygons) - 1e-9:
            return polygons
        self.report.note("outline-united", f"{where}: its outlines overlap, and were united as COCO says")
        grid = size or Size(1000, 1000)
        covered = union([Rle.of_polygon([scale_segment(ring, grid)], grid) for ring in polygons])
        share = (1 / grid.width, 1 / grid.height)
        return tuple(scale_segment(ring, share) for ring in outlines(covered))


def _any_above_one(annotations: Iterable[dict[str, Any]], key: str) -> bool:
    """Whether any number of the boxes, or of the outlines, is above 1; masks are pixels by nature."""
    for entry in annotations:
        value = entry.get(key)
        if isinstance(value, dict):
            return True
        value = plain(value)
        if isinstance(value, list | tuple) and any(_above_one(part) for part in value):
            return True
    return False


def _above_one(value: Any) -> bool:
    value = plain(value)
    if isinstance(value, list | tuple):
        return any(map(_above_one, value))
    return isinstance(value, dict) or abs(number(value)) > _SMALL


def _masks_and_rings(shape: Any) -> tuple[list[dict[str, Any]], list[list[float]]]:
    """The run-length masks and the rings of a segmentation, in whichever way it is nested."""
    if isinstance(shape, dict):
        return [shape], []
    if not isinstance(shape, list | tuple):
        raise Unreadable("outline-wrong", f"segmentation must be lists of numbers, or a mask; it is {shown(shape)}")
    flat = None if shape and isinstance(shape[0], list | array) else numbers(shape)
    if flat is not None:
        return [], [flat] if flat else []
    masks = [part for part in shape if isinstance(part, dict)]
    rings: list[list[float]] = []
    for part in shape:
        if isinstance(part, dict):
            continue
        ring = numbers(part)
        if ring is None and isinstance(part, list | tuple) and all(isinstance(point, list | tuple) for point in part):
            corners = list(map(numbers, part))  # pairs, as some programs write points
            if all(corner is not None and len(corner) == 2 for corner in corners):
                ring = [value for corner in corners for value in corner or ()]
        if ring is None:
            raise Unreadable("outline-wrong", f"segmentation must be lists of numbers, or a mask; it has {shown(part)}")
        rings.append(ring)
    if len(rings) > 2 and all(len(ring) == 2 for ring in rings):  # the corners of one ring
        rings = [[value for ring in rings for value in ring]]
    return masks, rings


def _may_overlap(polygons: Sequence[Segment]) -> bool:
    boxes = [box_around([ring]) for ring in polygons]
    return any(
        first.left < second.right
        and second.left < first.right
        and first.top < second.bottom
        and second.top < first.bottom
        for first, second in combinations(boxes, 2)
    )

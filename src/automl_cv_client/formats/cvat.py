"""CVAT for images 1.1: one XML document for all images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.files import base_name, child, document, holds_objects
from automl_cv_client.formats.reading import (
    MOST_MASK_PIXELS,
    Frame,
    ReadingReport,
    Unreadable,
    box_around,
    image_size,
    labelled_image,
    number,
    numbers,
    read_xml,
    rectangle,
    rotated,
    runs_of,
    shown,
)
from automl_cv_client.geometry import PixelSegment, Rle, Size, outlines, points, scale_segment
from automl_cv_client.geometry.rle import row_counts
from automl_cv_client.task import Task


def cvat_of(images: Iterable[SupportsAnnotated]) -> str:
    """The document, in pixels of the upright images.

    A box is a ``box``, an outline of one segment a ``polygon``, one with holes or parts a ``mask``. Images are named
    by the last part of their paths. What people labelled is ``manual``, the rest ``auto``. Objects without area
    inside the image are left out.

    Raises:
        InvalidInput: one is of whole images, a row does not tell its image's size, or has a box outside of it.
    """
    root = ET.Element("annotations")
    child(root, "version", "1.1")
    for index, item in enumerate(images):
        annotated = holds_objects(item.annotated(), "CVAT's boxes and outlines").inside()
        name = base_name(annotated.source) or f"image-{index}"
        width, height = annotated.pixels
        image = child(root, "image", id=index, name=name, width=width, height=height)
        for annotation in annotated.objects:
            _add(image, annotation, annotated.pixels)
    return document(root)


def _add(image: ET.Element, item: Annotation, size: Size) -> None:
    source = "manual" if item.score is None else "auto"
    shared = {"label": item.label, "source": source, "occluded": 0, "z_order": 0}
    segments = [scale_segment(segment, size) for segment in item.polygons or ()]
    if len(segments) == 1:
        corners = ";".join(f"{x:.2f},{y:.2f}" for x, y in points(segments[0]))
        child(image, "polygon", points=corners, **shared)
    elif segments:
        child(image, "mask", **_mask(segments, size), **shared)
    else:
        left, top, right, bottom = (f"{edge:.2f}" for edge in item.box.to_pixels(size))
        child(image, "box", xtl=left, ytl=top, xbr=right, ybr=bottom, **shared)


def _mask(segments: Sequence[Sequence[float]], size: Size) -> dict[str, Any]:
    """The part of the mask around its segments, row by row, as CVAT wants it."""
    xs = [x for segment in segments for x in segment[0::2]]
    ys = [y for segment in segments for y in segment[1::2]]
    left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    width = max(1, min(size.width, math.ceil(max(xs))) - left)
    height = max(1, min(size.height, math.ceil(max(ys))) - top)
    moved = [[value - (left, top)[i % 2] for i, value in enumerate(segment)] for segment in segments]
    counts = row_counts(Rle.of_polygon(moved, (width, height)))
    return {"rle": ", ".join(map(str, counts)), "left": left, "top": top, "width": width, "height": height}


def read_cvat(path: Path, task: Task, report: ReadingReport) -> Iterator[AnnotatedImage]:
    """The images of an ``annotations.xml``, CVAT for images 1.1.

    A ``box`` and a ``polygon`` are read for detection and segmentation, a ``mask`` as its outlines, a ``tag`` for the
    tasks of classification. Polylines, points, ellipses, cuboids and skeletons are passed over by name, and so are
    tracks of videos.

    Args:
        path: the file.
        task: what is wanted of it.
        report: takes what cannot be read.

    Raises:
        InvalidInput: it is no such file.
    """
    try:
        root = read_xml(path)
    except InvalidInput as error:
        reason = error.message
    else:
        reason = "" if root.tag == "annotations" else f"its root is <{root.tag[:40]}>, not <annotations>"
    if reason:
        raise InvalidInput(f"cannot read {path.name}: {reason}")
    for track in root.iter("track"):
        where = f"{path.name}, track {shown(track.get('id'))}"
        report.passed("annotation", "track", where, "of a video: export it as CVAT for images")
    for position, image in enumerate(root.iter("image"), 1):
        name = image.get("name", "").strip()
        where = f"{path.name}, image {shown(name) if name else position}"
        shapes = [shape for shape in image if shape.tag != "attribute"]
        size = image_size(image.get("width"), image.get("height"))
        if not name or (size is None and shapes):
            missing = "its width and height are missing" if name else "its name is missing"
            report.passed("image", "image-wrong", where, missing, annotations=len(shapes))
            continue
        yield _cvat_image(name, size, shapes, task, report, where)


def _cvat_image(
    name: str, size: Size | None, shapes: Sequence[ET.Element], task: Task, report: ReadingReport, where: str
) -> AnnotatedImage:
    objects: list[Annotation] = []
    labels: list[str] = []
    for position, shape in enumerate(shapes, 1):
        location = f"{where}, {shape.tag[:30]} {position}"
        try:
            label = shape.get("label", "").strip()
            if not label:
                raise Unreadable("class-missing", "its label is missing")
            if shape.tag == "tag":
                labels.append(label)
            elif size is not None:
                objects.append(_cvat_shape(shape, label, size, task, report, location))
        except Unreadable as error:
            report.passed("annotation", error.reason, location, error.message)
    whole = task in (Task.CLASSIFICATION, Task.MULTILABEL)
    unused, what = (len(objects), "shapes") if whole else (len(labels), "tags")
    if unused:
        report.passed("annotation", f"{what}-not-wanted", where, f"{what} are not read for {task.value}", times=unused)
    if whole:
        return labelled_image(task, name, size, labels=list(dict.fromkeys(labels)))
    return labelled_image(task, name, size, objects)


def _cvat_shape(shape: ET.Element, label: str, size: Size, task: Task, report: ReadingReport, where: str) -> Annotation:
    frame = Frame(size.width, size.height, report)
    if shape.tag == "box":
        edges = [number(shape.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")]
        if any(map(math.isnan, edges)):
            raise Unreadable("box-wrong", "xtl, ytl, xbr and ybr must be numbers")
        angle = number(shape.get("rotation", "0"))
        if angle % 360:
            ring = rotated((edges[0], edges[1], edges[2], edges[3]), angle)
            report.note("rotated", f"{where}: the box is turned by {angle:g} degrees, and read as an outline")
            polygons = frame.polygons([ring], where)
        else:
            left, top, right, bottom = edges
            box = frame.box(left, top, right, bottom, where)
            return Annotation(label, None, box, (rectangle(box),) if task is Task.SEGMENTATION else None)
    elif shape.tag == "polygon":
        pairs = [pair.split(",") for pair in shape.get("points", "").split(";") if pair.strip()]
        flat = numbers([value for pair in pairs for value in pair])
        if not flat or any(len(pair) != 2 for pair in pairs):
            raise Unreadable("outline-wrong", f"its points must be x,y;x,y;…: {shown(shape.get('points'))}")
        polygons = frame.polygons([flat], where)
    elif shape.tag == "mask":
        polygons = frame.polygons(_cvat_mask(shape), where)
    else:
        raise Unreadable("shape-unknown", f"a {shape.tag[:30]} is neither box, polygon nor mask")
    return Annotation(label, None, box_around(polygons), polygons if task is Task.SEGMENTATION else None)


def _cvat_mask(shape: ET.Element) -> list[PixelSegment]:
    """The outlines of a mask, whose runs go row by row through a part of the image."""
    left, top, width, height = (number(shape.get(key)) for key in ("left", "top", "width", "height"))
    counts = numbers(shape.get("rle", "").replace(" ", "").split(","))
    if not counts or not 0 < width * height <= MOST_MASK_PIXELS or sum(counts) != width * height or min(counts) < 0:
        raise Unreadable("mask-damaged", "its rle must fill its width and height")
    columns, rows = int(width), int(height)
    pixels = b"".join((b"\1" if position % 2 else b"\0") * int(count) for position, count in enumerate(counts))
    mask = Rle(rows, columns, runs_of(b"".join(pixels[column::columns] for column in range(columns))))
    moved = []
    for ring in outlines(mask):
        moved.append(tuple(value + (left, top)[position % 2] for position, value in enumerate(ring)))
    return moved

"""Pascal VOC: one XML file an image, in whole pixels that count from 1, as the VOC development kit says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from automl_cv_client._files import is_image_name, write_text
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.files import base_name, child, document, holds_objects, label_file
from automl_cv_client.formats.reading import (
    Frame,
    ImageFile,
    ImageLookup,
    ReadingReport,
    Unreadable,
    files_below,
    image_size,
    labelled_image,
    number,
    read_xml,
    shown,
    truth,
)
from automl_cv_client.geometry import Size
from automl_cv_client.task import Task


def voc_of(image: SupportsAnnotated, file_name: str | None = None) -> str:
    """The text of a VOC annotation.

    The first pixel is 1 and both ends belong to the box: ``xmin - 1`` and ``xmax`` are the edges, within half a
    pixel. What a model found also has its ``score``, which readers skip; a crowd is ``difficult``, as metrics skip
    both. Objects without area inside the image are left out.

    Args:
        image: a result or a row of one image; its boxes are written, not its outlines.
        file_name: of the image; by default the last part of the path it came from.

    Raises:
        InvalidInput: it is of whole images, or a row does not tell its image's size, or has a box outside of it.
    """
    annotated = holds_objects(image.annotated(), "Pascal VOC files").inside()
    root = ET.Element("annotation")
    child(root, "filename", base_name(annotated.source) if file_name is None else file_name)
    size = child(root, "size")
    for name, value in (("width", annotated.pixels.width), ("height", annotated.pixels.height), ("depth", 3)):
        child(size, name, value)
    child(root, "segmented", 0)
    for item in annotated.objects:
        _add(root, item, annotated.pixels)
    return document(root)


def to_voc(images: Iterable[SupportsAnnotated], folder: str | os.PathLike[str]) -> int:
    """Write one XML file per image into a folder, named as the image.

    Args:
        images: results or rows, one per image.
        folder: made when it is not there.

    Returns:
        How many files were written.

    Raises:
        InvalidInput: as for :func:`voc_of`, or a file cannot be written.
    """
    return len(write_voc(images, folder))


def write_voc(images: Iterable[SupportsAnnotated], folder: str | os.PathLike[str]) -> list[Path]:
    """As :func:`to_voc`, and return the paths."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    paths = []
    for index, item in enumerate(images):
        image: AnnotatedImage = item.annotated()
        paths.append(write_text(label_file(target, image.source, ".xml", index, taken), voc_of(image)))
    return paths


def _add(root: ET.Element, item: Annotation, size: Size) -> None:
    left, top, right, bottom = (round(edge) for edge in item.box.to_pixels(size))
    element = child(root, "object")
    given = {"name": item.label, "pose": "Unspecified", "truncated": 0, "difficult": int(item.crowd)}
    for name, value in given.items():
        child(element, name, value)
    bounds = child(element, "bndbox")
    left, top = min(left, size.width - 1), min(top, size.height - 1)  # a sliver at the far edge has its last pixel
    corners = {"xmin": left + 1, "ymin": top + 1, "xmax": max(right, left + 1), "ymax": max(bottom, top + 1)}
    for name, value in corners.items():
        child(bounds, name, value)
    if item.score is not None:
        child(element, "score", item.score)


_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read_voc(folder: Path, report: ReadingReport, find: ImageLookup | None = None) -> Iterator[AnnotatedImage]:
    """The images of the XML files in a folder and below it, sorted by path.

    Pixels count from 1 and both ends belong to the box, as the VOC development kit says: ``left = (xmin - 1) / width``
    and ``right = xmax / width``. They are edges that count from 0 when one of the files has a corner at 0, or one
    written as no whole number (``8.0``); and fractions of the image when in none of the files one is above 1. What was
    decided is noted. An object marked ``difficult`` is one metrics skip, as a crowd is.

    Args:
        folder: usually called ``Annotations``; or one file.
        report: takes what cannot be read.
        find: finds image files, for sizes and endings that the XML files lack.

    Raises:
        InvalidInput: there is no such folder.
    """
    if not folder.exists():
        raise InvalidInput(f"no such folder: {folder.name!r}")
    within = files_below(folder) if folder.is_dir() else (folder,)
    files = [file for file in within if file.suffix.lower() == ".xml"]
    unit = _unit_of(files, report)
    for file in files:
        try:
            image = _voc_image(file, read_xml(file), unit, report, find)
        except Unreadable as error:
            report.passed("image", error.reason, file.name, error.message, annotations=_objects_in(file))
        except InvalidInput as error:
            report.passed(
                "image", "not-voc", file.name, f"not a Pascal VOC file: {error.message}", annotations=_objects_in(file)
            )
        else:
            yield image


def _objects_in(file: Path) -> int:
    """Objects that are lost with a file; by their tags, as it may be no XML."""
    try:
        return file.read_bytes().count(b"<object>")
    except OSError:
        return 0


class _Unit(NamedTuple):
    """What the numbers of a folder mean: pixels or fractions, and what the first pixel's left edge is called."""

    in_pixels: bool
    first: int


def _unit_of(files: Sequence[Path], report: ReadingReport) -> _Unit:
    """Decided by all files together. Empty files and broken ones tell nothing."""
    in_pixels, boxes = False, False
    for file in files:
        try:
            root = read_xml(file)
        except InvalidInput:
            continue
        texts = [(tag, element.text or "") for tag in _CORNERS for element in root.iter(tag)]
        boxes = boxes or bool(texts)
        if not any(number(text) > 1 for _, text in texts):
            continue
        in_pixels = True
        if any("." in text or "," in text or (tag in _CORNERS[:2] and number(text) == 0) for tag, text in texts):
            report.note("from-zero", f"pixels count from 0: {file.name} has a corner at 0, or one like 8.0")
            return _Unit(True, 0)
    if in_pixels:
        report.note(
            "from-one", "pixels count from 1, as VOC's development kit says; tools that count from 0 mean 1 more"
        )
    elif boxes:
        report.note("fractions", "boxes are read as fractions of the image: no number of theirs is above 1")
    return _Unit(in_pixels, int(in_pixels))


def _voc_image(
    file: Path, root: ET.Element, unit: _Unit, report: ReadingReport, find: ImageLookup | None
) -> AnnotatedImage:
    if root.tag.lower() != "annotation":
        raise InvalidInput(f"its root is <{shown(root.tag)[1:-1]}>, not <annotation>")
    name, found = _image_name(file, root, find)
    size = image_size(root.findtext("size/width"), root.findtext("size/height"))
    if size is None and found is not None and found.size is not None:
        size = found.size
        if found.turned:
            report.note("image-turned", f"{file.name}: the size is that of the image as its EXIF turns it")
    elements = list(root.iter("object"))
    if size is None and elements and unit.in_pixels:
        given = " x ".join(root.findtext(f"size/{side}") or "nothing" for side in ("width", "height"))
        message = f"<size> must tell width and height, it tells {given[:40]}: give the folder of images (--images DIR)"
        raise Unreadable("size-missing", message)
    objects = []
    for position, element in enumerate(elements, 1):
        where = f"{file.name}, object {position}"
        try:
            objects.append(_voc_object(element, size, unit, report, where))
        except Unreadable as error:
            report.passed("annotation", error.reason, where, error.message)
    return labelled_image(Task.DETECTION, name, size, objects)


def _image_name(file: Path, root: ET.Element, find: ImageLookup | None) -> tuple[str, ImageFile | None]:
    """What the XML calls its image, with the ending of the file where it has none."""
    given = (root.findtext("filename") or "").strip() or (root.findtext("path") or "").strip()
    folder = (root.findtext("folder") or "").strip().replace("\\", "/").strip("/")
    name = given or file.stem
    found = None
    if find is not None:
        in_folder = find(f"{folder}/{name}") if folder else None
        try:
            found = find(name)
        except InvalidInput as error:  # two files are called so
            if in_folder is None:
                raise Unreadable("image-ambiguous", error.message) from None
            name, found = in_folder.name, in_folder
    if is_image_name(name):
        return name, found
    if found is None:
        what = f"<filename> is {shown(name)}, without an image's ending" if given else "<filename> is missing"
        raise Unreadable("ending-missing", f"{what}: give the folder of images (--images DIR)")
    return found.name, found


def _voc_object(element: ET.Element, size: Size | None, unit: _Unit, report: ReadingReport, where: str) -> Annotation:
    label = (element.findtext("name") or "").strip()
    if not label:
        raise Unreadable("class-missing", "<name> is missing")
    box = element.find("bndbox")
    if box is None:
        inner = ", ".join(f"<{inner.tag[:20]}>" for inner in element)[:100]
        raise Unreadable("box-missing", f"<bndbox> is missing; the object has {inner or 'nothing'}")
    given = [(box.findtext(tag) or "").strip() for tag in _CORNERS]
    edges = [number(text) for text in given]
    bad = next((tag for tag, edge in zip(_CORNERS, edges, strict=True) if edge != edge), None)
    if bad is not None:
        text = given[_CORNERS.index(bad)]
        raise Unreadable("box-wrong", f"<{bad}> is missing" if not text else f"<{bad}> is no number: {shown(text)}")
    difficult = truth(element.findtext("difficult"))
    if difficult is None:
        raise Unreadable("difficult-unknown", f"<difficult> must be 0 or 1: {shown(element.findtext('difficult'))}")
    left, top, right, bottom = edges
    if unit.in_pixels and min(edges) >= 0 and max(edges) <= 1 and not all(map(float.is_integer, edges)):
        message = "all its numbers are between 0 and 1, others of the folder are pixels: a fraction of the image?"
        raise Unreadable("unit-unclear", message)
    if left > right or top > bottom:
        report.note("box-swapped", f"{where}: the corners are swapped, and were put in order")
        left, right = sorted((left, right))
        top, bottom = sorted((top, bottom))
    width, height = size if unit.in_pixels and size is not None else (1, 1)
    return Annotation(
        label,
        None,
        Frame(width, height, report).box(left - unit.first, top - unit.first, right, bottom, where),
        None,
        difficult,
    )

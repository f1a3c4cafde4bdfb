"""Pascal VOC: one XML file an image, in whole pixels that count from 1, as the VOC development kit says."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from automl_cv_client._files import write_text
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.formats.files import base_name, child, document, holds_objects, label_file
from automl_cv_client.geometry import Size


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
    """Write one XML file an image into a folder, named as the image, and return how many.

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
    for number, item in enumerate(images):
        image: AnnotatedImage = item.annotated()
        paths.append(write_text(label_file(target, image.source, ".xml", number, taken), voc_of(image)))
    return paths


def _add(root: ET.Element, item: Annotation, size: Size) -> None:
    left, top, right, bottom = (round(edge) for edge in item.box.to_pixels(size))
    element = child(root, "object")
    told = {"name": item.label, "pose": "Unspecified", "truncated": 0, "difficult": int(item.crowd)}
    for name, value in told.items():
        child(element, name, value)
    bounds = child(element, "bndbox")
    left, top = min(left, size.width - 1), min(top, size.height - 1)  # a sliver at the far edge has its last pixel
    corners = {"xmin": left + 1, "ymin": top + 1, "xmax": max(right, left + 1), "ymax": max(bottom, top + 1)}
    for name, value in corners.items():
        child(bounds, name, value)
    if item.score is not None:
        child(element, "score", item.score)

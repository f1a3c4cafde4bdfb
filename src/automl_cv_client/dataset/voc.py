"""Pascal VOC's XML files to detection rows and back.

Coordinates are taken as edges in pixels: ``topX = xmin / width``, as Microsoft's own conversion does. An object marked
``difficult`` is one metrics skip, as a crowd is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from automl_cv_client.dataset.reading import row_of
from automl_cv_client.dataset.rows import DetectionRow, Row, size_of
from automl_cv_client.dataset.urls import path_of, unique_stem
from automl_cv_client.dataset.writing import write_whole
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

_CORNERS = {"topX": "xmin", "topY": "ymin", "bottomX": "xmax", "bottomY": "ymax"}


def from_voc(folder: str | os.PathLike[str], *, prefix: str = "") -> Iterator[Row]:
    """Detection rows of the XML files in a folder, sorted by name.

    Args:
        folder: usually called ``Annotations``.
        prefix: what to put before each file name, such as ``azureml://datastores/d/paths/images/``.

    Raises:
        InvalidInput: there is no such folder, or a file is not of this format; the message names it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InvalidInput(f"no such folder: {root.name!r}")
    for file in sorted(root.glob("*.xml")):
        try:
            yield _row(_root(file), prefix)
        except (ElementTree.ParseError, ValueError, ArithmeticError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
        else:
            continue
        raise InvalidInput(f"{file.name}: not a Pascal VOC file: {reason}")


def to_voc(rows: Iterable[Row], folder: str | os.PathLike[str]) -> int:
    """Write one XML file a row into a folder, named as its image, and return how many.

    Raises:
        InvalidInput: a row is not for detection, or does not tell its image's size.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for row in rows:
        if not isinstance(row, DetectionRow):
            raise InvalidInput(f"Pascal VOC files hold boxes; this row is for {row.task.value}")
        root = _annotation(row)
        ElementTree.indent(root)
        write_whole(target / f"{unique_stem(row.image_url, taken)}.xml", ElementTree.tostring(root, "unicode") + "\n")
    return len(taken)


def _root(file: Path) -> Element:
    text = file.read_text(encoding="utf-8-sig")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities can grow without bound, and VOC has none
        raise ValueError("it declares a document type")
    return ElementTree.fromstring(text)


def _row(root: Element, prefix: str) -> Row:
    width, height = (float(_text(root, f"size/{side}")) for side in ("width", "height"))
    labels = []
    for one in root.iter("object"):
        sides = (width, height, width, height)
        corners = {
            key: float(_text(one, f"bndbox/{tag}")) / side
            for (key, tag), side in zip(_CORNERS.items(), sides, strict=True)
        }
        skipped = one.findtext("difficult", "0").strip() == "1"
        labels.append({"label": _text(one, "name"), "isCrowd": int(skipped), **corners})
    name = _text(root, "filename")
    details = {"format": Path(name).suffix.lower().lstrip(".") or None, "width": int(width), "height": int(height)}
    return row_of({"image_url": prefix + name, "image_details": details, "label": labels}, Task.DETECTION)


def _text(element: Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    if not text:
        raise ValueError(f"<{path.replace('/', '><')}> is missing")
    return text


def _annotation(row: DetectionRow) -> Element:
    size = size_of(row)
    root = ElementTree.Element("annotation")
    _add(root, "filename", Path(path_of(row.image_url)).name)
    frame = ElementTree.SubElement(root, "size")
    for tag, pixels in (("width", size.width), ("height", size.height), ("depth", 3)):
        _add(frame, tag, str(pixels))
    for one in row.label:
        item = ElementTree.SubElement(root, "object")
        _add(item, "name", one.label)
        _add(item, "difficult", str(int(one.crowd)))
        box = ElementTree.SubElement(item, "bndbox")
        for tag, value in zip(_CORNERS.values(), one.box.to_pixels(size), strict=True):
            _add(box, tag, f"{value:.3f}".rstrip("0").rstrip("."))
    return root


def _add(parent: Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = "".join(letter for letter in text if letter.isprintable())

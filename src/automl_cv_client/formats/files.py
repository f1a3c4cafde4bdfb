"""What the writers share: names of files made of names of images, XML whose text is safe, numbers of classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from automl_cv_client._text import xml_safe
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.errors import InvalidInput

_UNSAFE = re.compile(r"[^\w .()+=@,-]", re.UNICODE)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 120


def base_name(path: str | None) -> str:
    """The last part of a path of any system; empty when there is none."""
    return re.split(r"[/\\]", path)[-1] if path else ""


def file_name(text: str, ending: str = "", default: str = "unnamed") -> str:
    """A file name made of any text, such as a label: one part of a path, on every system, never hidden.

    >>> file_name("../../etc/passwd", ".txt"), file_name("CON"), file_name("a cat")
    ('_.._etc_passwd.txt', '_CON', 'a cat')
    """
    name = _UNSAFE.sub("_", text).lstrip(". ").rstrip(". ")
    name = name.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore").rstrip(". ") or default
    return (f"_{name}" if _RESERVED.fullmatch(name) else name) + ending


def label_file(folder: Path, source: str | None, ending: str, number: int, taken: set[str]) -> Path:
    """A file for the labels of an image, named after it; then its name is taken, and the next of it gets a number."""
    stem = file_name(Path(base_name(source)).stem, default=f"image-{number}")
    return folder / f"{_untaken(stem, taken)}{ending}"


def _untaken(stem: str, taken: set[str]) -> str:
    """The stem, or with a number; names that differ in case only are one on some systems."""
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return name


def holds_objects(image: AnnotatedImage, what: str) -> AnnotatedImage:
    """The image, if it is of objects. Raises InvalidInput, telling ``what`` holds them, for labels of whole images."""
    if image.task.explainable:
        raise InvalidInput(f"{what} hold objects; this is for {image.task.value}")
    return image


def numbered(names: Sequence[str], labels: Iterable[str]) -> dict[str, int]:
    """The number of each name: its place. Raises InvalidInput for labels that are not among the names."""
    numbers = {name: number for number, name in enumerate(names)}
    missing = sorted(set(labels) - numbers.keys())
    if missing:
        raise InvalidInput(f"names lacks the labels {missing[:5]!r}: give every class of the model, in its order")
    return numbers


def child(parent: ET.Element, name: str, text: object = None, /, **attributes: object) -> ET.Element:
    """A new XML element below ``parent``; what XML 1.0 has no way to write is replaced."""
    element = ET.SubElement(parent, name, {key: xml_safe(str(value)) for key, value in attributes.items()})
    if text is not None:
        element.text = xml_safe(str(text))
    return element


def document(root: ET.Element) -> str:
    """The XML text, indented."""
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"

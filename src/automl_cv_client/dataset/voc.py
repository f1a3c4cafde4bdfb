"""Pascal VOC's XML files to detection rows.

Pixels count from 1 and both ends belong to the box, as the VOC development kit says: ``topX = (xmin - 1) / width`` and
``bottomX = xmax / width``. An object marked ``difficult`` is one metrics skip, as a crowd is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from automl_cv_client.dataset.reading import row_of
from automl_cv_client.dataset.rows import Row
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

_CORNERS = {"topX": ("xmin", 1), "topY": ("ymin", 1), "bottomX": ("xmax", 0), "bottomY": ("ymax", 0)}
"""The element of each edge, and what it counts more than the edge's distance from the first one."""


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
            key: (float(_text(one, f"bndbox/{tag}")) - first) / side
            for (key, (tag, first)), side in zip(_CORNERS.items(), sides, strict=True)
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

"""Pascal VOC: one XML file an image."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from automl_cv_client.formats.files import base_name
from automl_cv_client.formats.placed import placed
from automl_cv_client.formats.xml_text import child, document
from automl_cv_client.results import Detections, Instances


def voc_of(result: Detections | Instances, file_name: str | None = None) -> str:
    """The text of a VOC annotation.

    Boxes are whole pixels that count from 1, both ends included, as the VOC development kit says: ``xmin - 1``
    and ``xmax`` are the edges, within half a pixel. Each object also has its ``score``, which readers skip.

    Args:
        result: of one image; its boxes are written, not its outlines.
        file_name: of the image; by default the last part of the path it came from.
    """
    root = ET.Element("annotation")
    child(root, "filename", base_name(result.image.source) if file_name is None else file_name)
    size = child(root, "size")
    for name, value in (("width", result.size.width), ("height", result.size.height), ("depth", 3)):
        child(size, name, value)
    child(root, "segmented", 0)
    for one in placed(result).clipped():
        _add(root, one.label, one.score, tuple(round(value) for value in one.pixel_box))
    return document(root)


def _add(root: ET.Element, label: str, score: float, box: tuple[int, ...]) -> None:
    left, top, right, bottom = box
    element = child(root, "object")
    for name, value in (("name", label), ("pose", "Unspecified"), ("truncated", 0), ("difficult", 0)):
        child(element, name, value)
    bounds = child(element, "bndbox")
    corners = {"xmin": left + 1, "ymin": top + 1, "xmax": max(right, left + 1), "ymax": max(bottom, top + 1)}
    for name, value in corners.items():
        child(bounds, name, value)
    child(element, "score", score)

"""CVAT for images 1.1: one XML document for all images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from automl_cv_client.formats.files import base_name
from automl_cv_client.formats.placed import placed
from automl_cv_client.formats.xml_text import child, document
from automl_cv_client.geometry import Rle, points, sound
from automl_cv_client.geometry.rle import row_counts
from automl_cv_client.results import Detection, Detections, Instance, Instances


def cvat_of(results: Iterable[Detections | Instances]) -> str:
    """The document, in pixels of the upright images.

    A detection is a ``box``, an outline of one segment a ``polygon``, one with holes or parts a ``mask``.
    Images are named by the last part of their paths.
    """
    root = ET.Element("annotations")
    child(root, "version", "1.1")
    for number, result in enumerate(results):
        name = base_name(result.image.source) or f"image-{number}"
        width, height = result.size
        image = child(root, "image", id=number, name=name, width=width, height=height)
        for one in placed(result):
            _add(image, one, result.size)
    return document(root)


def _add(image: ET.Element, one: Detection, size: tuple[int, int]) -> None:
    shared = {"label": one.label, "source": "auto", "occluded": 0, "z_order": 0}
    segments = sound(one.pixel_polygons) if isinstance(one, Instance) else []
    if len(segments) == 1:
        corners = ";".join(f"{x:.2f},{y:.2f}" for x, y in points(segments[0]))
        child(image, "polygon", points=corners, **shared)
    elif segments:
        child(image, "mask", **_mask(segments, size), **shared)
    else:
        left, top, right, bottom = (f"{value:.2f}" for value in one.pixel_box)
        child(image, "box", xtl=left, ytl=top, xbr=right, ybr=bottom, **shared)


def _mask(segments: list[Sequence[float]], size: tuple[int, int]) -> dict[str, Any]:
    """The part of the mask around its segments, row by row, as CVAT wants it."""
    xs = [x for segment in segments for x in segment[0::2]]
    ys = [y for segment in segments for y in segment[1::2]]
    left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    width = max(1, min(size[0], math.ceil(max(xs))) - left)
    height = max(1, min(size[1], math.ceil(max(ys))) - top)
    moved = [[value - (left, top)[i % 2] for i, value in enumerate(segment)] for segment in segments]
    counts = row_counts(Rle.of_polygon(moved, (width, height)))
    return {"rle": ", ".join(map(str, counts)), "left": left, "top": top, "width": width, "height": height}

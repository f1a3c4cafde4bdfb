"""CVAT for images 1.1: one XML document for all images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from automl_cv_client.annotations import Annotation, SupportsAnnotated
from automl_cv_client.formats.files import base_name, child, document, holds_objects
from automl_cv_client.geometry import Rle, Size, points, scale_segment
from automl_cv_client.geometry.rle import row_counts


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
    for number, item in enumerate(images):
        annotated = holds_objects(item.annotated(), "CVAT's boxes and outlines").inside()
        name = base_name(annotated.source) or f"image-{number}"
        width, height = annotated.pixels
        image = child(root, "image", id=number, name=name, width=width, height=height)
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

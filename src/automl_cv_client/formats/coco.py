"""COCO: detection and segmentation results, or training rows, as a dataset that pycocotools reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from automl_cv_client._files import write_text
from automl_cv_client.annotations import Annotation, SupportsAnnotated
from automl_cv_client.formats.files import holds_objects
from automl_cv_client.geometry import Rle, Size, even_odd_area, scale_segment


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

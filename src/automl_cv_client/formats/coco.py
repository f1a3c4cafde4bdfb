"""COCO: detection and segmentation results as a dataset that pycocotools reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from automl_cv_client.formats.placed import placed
from automl_cv_client.geometry import sound
from automl_cv_client.results import Detection, Detections, Instance, Instances


def coco_of(
    results: Iterable[Detections | Instances], *, first_image_id: int = 1, categories: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """A dataset, ``{"images": […], "annotations": […], "categories": […]}``, of several results.

    Boxes are ``[left, top, width, height]`` in pixels of the upright images; each annotation also has its
    ``score``. An outline of one segment is a polygon, one with holes or parts is run lengths: COCO takes the union
    of a list of polygons, which would fill the holes.

    Args:
        results: one an image.
        first_image_id: the others count on from it.
        categories: label to id; by default the labels that occur, sorted, count from 1. Labels it lacks are
            given the next ids.
    """
    several = list(results)
    ids = dict(categories or {})
    for label in sorted({one.label for result in several for one in result} - ids.keys()):
        ids[label] = max(ids.values(), default=0) + 1
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, result in enumerate(several, first_image_id):
        name = result.image.source or ""
        images.append({"id": image_id, "file_name": name, "width": result.size.width, "height": result.size.height})
        for one in placed(result):
            annotations.append(_annotation(one, len(annotations) + 1, image_id, ids[one.label]))
    named = [{"id": number, "name": label, "supercategory": ""} for label, number in ids.items()]
    return {"images": images, "annotations": annotations, "categories": named}


def _annotation(one: Detection, number: int, image_id: int, category: int) -> dict[str, Any]:
    box = one.pixel_box
    values: dict[str, Any] = {
        "id": number,
        "image_id": image_id,
        "category_id": category,
        "bbox": [box.left, box.top, box.width, box.height],
        "area": box.area,
        "iscrowd": 0,
        "score": one.score,
    }
    if isinstance(one, Instance):
        segments = sound(one.pixel_polygons)
        values["area"] = one.area
        values["segmentation"] = [list(segments[0])] if len(segments) == 1 else one.rle()
    return values

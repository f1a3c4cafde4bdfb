"""COCO's JSON to training rows and back. Masks become polygons with their holes; crowds stay crowds."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from automl_cv_client.dataset.reading import row_of
from automl_cv_client.dataset.rows import BoxLabel, DetectionRow, PolygonLabel, Row, SegmentationRow, size_of
from automl_cv_client.dataset.urls import path_of
from automl_cv_client.dataset.writing import write_whole
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Rle, Size, even_odd_area, outlines, scale_segment
from automl_cv_client.task import Task, task_of


def from_coco(
    source: str | os.PathLike[str] | dict[str, Any], task: Task | str = Task.DETECTION, *, prefix: str = ""
) -> Iterator[Row]:
    """Training rows of a COCO file, one an image, those without annotations too.

    Args:
        source: the JSON file, or its decoded content.
        task: detection takes the boxes, segmentation the polygons and masks.
        prefix: what to put before each ``file_name``, such as ``azureml://datastores/d/paths/images/``.

    Raises:
        InvalidInput: a part is missing or damaged; the message names the image or annotation.
    """
    content = source if isinstance(source, dict) else read_json(Path(source))
    kind = task_of(task)
    if kind not in (Task.DETECTION, Task.SEGMENTATION):
        raise InvalidInput(f"COCO files hold objects: task is detection or segmentation, not {kind.value}")
    names = {one.get("id"): str(one.get("name")) for one in _parts(content, "categories")}
    of_image = defaultdict(list)
    for one in _parts(content, "annotations"):
        of_image[one.get("image_id")].append(one)
    for image in _parts(content, "images"):
        size, file = _size(image), image.get("file_name")
        if not isinstance(file, str):
            raise InvalidInput(f"COCO image {image.get('id')}: no file_name")
        labels = [_label(one, names, size, kind) for one in of_image[image.get("id")]]
        details = {"format": _ending(file), "width": size.width, "height": size.height}
        yield row_of({"image_url": prefix + file, "image_details": details, "label": labels}, kind)


def to_coco(rows: Iterable[Row], path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """The COCO content of detection or segmentation rows; also written to ``path`` when given.

    COCO unites the polygons of an instance, so an instance with holes is written as a run-length mask.

    Raises:
        InvalidInput: a row is not of objects, or does not tell its image's size.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, DetectionRow | SegmentationRow):
            raise InvalidInput(f"COCO files hold objects; this row is for {row.task.value}")
        size = size_of(row)
        images.append({"id": number, "file_name": path_of(row.image_url), "width": size.width, "height": size.height})
        for one in row.label:
            category = categories.setdefault(one.label, len(categories) + 1)
            ids = {"id": len(annotations) + 1, "image_id": number, "category_id": category}
            annotations.append({**ids, "iscrowd": int(one.crowd), **_annotation(one, size)})
    named = [{"id": number, "name": name} for name, number in categories.items()]
    content = {"images": images, "annotations": annotations, "categories": named}
    if path is not None:
        write_whole(Path(path), json.dumps(content))
    return content


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises InvalidInput, naming the file, for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        reason = error.strerror or "unreadable"
    except ValueError:
        reason = "it is not JSON"
    else:
        if isinstance(content, dict):
            return content
        reason = "it is not a JSON object"
    raise InvalidInput(f"cannot read {path.name}: {reason}")


def _parts(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = content.get(name, [])
    if not isinstance(parts, list) or not all(isinstance(one, dict) for one in parts):
        raise InvalidInput(f"not a COCO file: {name} must be a list of objects")
    return parts


def _size(image: dict[str, Any]) -> Size:
    sides = _numbers([image.get("width"), image.get("height")])
    if len(sides) != 2 or not all(1 <= side < 1e9 for side in sides):
        raise InvalidInput(f"COCO image {image.get('id')}: width and height must be pixels")
    return Size(int(sides[0]), int(sides[1]))


def _label(one: dict[str, Any], names: dict[Any, str], size: Size, kind: Task) -> dict[str, Any]:
    name = names.get(one.get("category_id"))
    if name is None:
        raise InvalidInput(f"COCO annotation {one.get('id')}: no category {one.get('category_id')!r}")
    label = {"label": name, "isCrowd": one.get("iscrowd", 0)}
    if kind is Task.SEGMENTATION:
        return {**label, "polygon": _polygon(one, size)}
    bbox = _numbers(one.get("bbox"))
    if len(bbox) != 4:
        raise InvalidInput(f"COCO annotation {one.get('id')}: bbox must be [left, top, width, height]")
    left, top, width, height = bbox
    corners = (left / size.width, top / size.height, (left + width) / size.width, (top + height) / size.height)
    return {**label, **dict(zip(("topX", "topY", "bottomX", "bottomY"), map(_inside, corners), strict=True))}


def _polygon(one: dict[str, Any], size: Size) -> list[list[float]]:
    scale = (1 / size.width, 1 / size.height)
    try:
        return [[_inside(value) for value in scale_segment(segment, scale)] for segment in _segments(one, size)]
    except InvalidInput as error:
        problem = error.message
    raise InvalidInput(f"COCO annotation {one.get('id')}: {problem}")


def _segments(one: dict[str, Any], size: Size) -> Sequence[Sequence[float]]:
    shape = one.get("segmentation")
    if isinstance(shape, dict):
        mask = Rle.from_coco(shape)
        if (mask.width, mask.height) != size:
            raise InvalidInput("its mask is not of the image's size")
        return outlines(mask)
    if not isinstance(shape, list) or not all(map(_numbers, shape)):
        raise InvalidInput("segmentation must be lists of numbers, or a mask")
    return shape


def _numbers(values: Any) -> list[float]:
    """The values, when they are a list of numbers; else none."""
    are_numbers = isinstance(values, list) and all(isinstance(value, int | float) for value in values)
    return list(map(float, values)) if are_numbers else []


def _inside(value: float) -> float:
    """Annotation tools round: a hair beyond the edge is the edge."""
    return min(1.0, max(0.0, value)) if -0.01 < value < 1.01 else value


def _annotation(one: BoxLabel | PolygonLabel, size: Size) -> dict[str, Any]:
    box = one.box.to_pixels(size)
    bbox = [box.left, box.top, box.width, box.height]
    if not isinstance(one, PolygonLabel):
        return {"bbox": bbox, "area": box.area}
    segments = [list(scale_segment(segment, size)) for segment in one.segments]
    area = even_odd_area(segments)
    shape = _mask(segments, size) if one.crowd or _has_holes(segments, area) else segments
    return {"bbox": bbox, "area": area, "segmentation": shape}


def _mask(segments: Sequence[Sequence[float]], size: Size) -> dict[str, Any]:
    mask = Rle.of_polygon(segments, size)
    return {"size": [mask.height, mask.width], "counts": list(mask.counts)}


def _has_holes(segments: Sequence[Sequence[float]], area: float) -> bool:
    apart = sum(even_odd_area([segment]) for segment in segments)
    return len(segments) > 1 and area < apart - 1e-6


def _ending(name: str) -> str | None:
    return Path(name).suffix.lower().lstrip(".") or None

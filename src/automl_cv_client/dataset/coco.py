"""COCO's JSON to training rows. Masks become polygons with their holes; crowds stay crowds."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from automl_cv_client.dataset.reading import row_of
from automl_cv_client.dataset.rows import Row
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Rle, Size, outlines, scale_segment
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


def _ending(name: str) -> str | None:
    return Path(name).suffix.lower().lstrip(".") or None

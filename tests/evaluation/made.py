"""Makes labelled rows and results from plain values, and random ones from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl_cv_client.dataset import Row, row_of
from automl_cv_client.geometry import Box, Size
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detection,
    Detections,
    ImageInfo,
    Instance,
    Instances,
    MultilabelClassification,
)
from automl_cv_client.task import Task

SIZE = (200, 160)


def photo(size: tuple[int, int] = SIZE) -> ImageInfo:
    return ImageInfo(size=Size(*size), raw_size=Size(*size), sent_size=Size(*size))


def detections(*found: tuple[str, float, tuple[float, ...]], size: tuple[int, int] = SIZE) -> Detections:
    objects = tuple(Detection(label=label, score=score, box=Box(*box)) for label, score, box in found)
    return Detections(image=photo(size), objects=objects)


def instances(*found: tuple[str, float, Any], size: tuple[int, int] = SIZE) -> Instances:
    objects = tuple(
        Instance(label=label, score=score, box=box_around(polygons), polygons=polygons)
        for label, score, polygons in found
    )
    return Instances(image=photo(size), objects=objects)


def classification(elapsed: float = 0.0, **probs: float) -> Classification:
    call = CallInfo(elapsed=elapsed)
    return Classification(image=photo(), call=call, probs=tuple(probs.values()), labels=tuple(probs))


def multilabel(**probs: float) -> MultilabelClassification:
    return MultilabelClassification(image=photo(), probs=tuple(probs.values()), labels=tuple(probs))


def box_around(polygons: Any) -> Box:
    xs, ys = [x for polygon in polygons for x in polygon[0::2]], [y for polygon in polygons for y in polygon[1::2]]
    return Box(min(xs), min(ys), max(xs), max(ys)) if xs else Box(0, 0, 0, 0)


def boxes_row(url: str, *boxes: tuple[Any, ...]) -> Row:
    label = [
        {"label": b[0], "topX": b[1][0], "topY": b[1][1], "bottomX": b[1][2], "bottomY": b[1][3], "isCrowd": len(b) > 2}
        for b in boxes
    ]
    return row_of({"image_url": url, "label": label}, Task.DETECTION)


def polygons_row(url: str, *instances: tuple[Any, ...]) -> Row:
    label = [
        {"label": instance[0], "polygon": [list(p) for p in instance[1]], "isCrowd": len(instance) > 2}
        for instance in instances
    ]
    return row_of({"image_url": url, "label": label}, Task.SEGMENTATION)


def random_box(random: np.random.Generator) -> tuple[float, ...]:
    left, top = random.uniform(0, 0.8, 2)
    width, height = random.uniform(0.02, 0.2, 2) if random.random() < 0.5 else random.uniform(0.05, 1.0, 2)
    return (left, top, min(1.0, left + width), min(1.0, top + height))


def shaken(box: tuple[float, ...], random: np.random.Generator) -> tuple[float, ...]:
    left, top, right, bottom = np.clip(np.array(box) + random.normal(0, 0.02, 4), 0, 1)
    return (min(left, right), min(top, bottom), max(left, right), max(top, bottom))


def ring(box: tuple[float, ...], random: np.random.Generator, corners: int = 9) -> tuple[float, ...]:
    """A star-shaped ring inside the box."""
    left, top, right, bottom = box
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    far = random.uniform(0.5, 1.0, corners)
    x = (left + right) / 2 + np.cos(angles) * far * (right - left) / 2
    y = (top + bottom) / 2 + np.sin(angles) * far * (bottom - top) / 2
    return tuple(np.stack([x, y], axis=1).ravel().tolist())


def outline(box: tuple[float, ...], random: np.random.Generator) -> tuple[tuple[float, ...], ...]:
    """A ring, sometimes with a hole, sometimes with a second blob, sometimes nothing at all."""
    left, top, right, bottom = box
    dx, dy = (right - left) / 4, (bottom - top) / 4
    kind = random.random()
    hole = ring((left + dx, top + dy, right - dx, bottom - dy), random)
    if kind < 0.05:
        return ()
    if kind < 0.4:
        return (ring(box, random), hole)
    if kind < 0.6:
        return (ring((left, top, left + 2 * dx, bottom), random), ring((left + 2 * dx, top, right, bottom), random))
    return (ring(box, random),)

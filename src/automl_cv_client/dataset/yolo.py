"""YOLO's text files to rows: ``class x y width height``, or ``class x1 y1 x2 y2 …`` for outlines.

All numbers are fractions of the image. A line holds one ring.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from automl_cv_client.dataset.images import image_header
from automl_cv_client.dataset.reading import row_of
from automl_cv_client.dataset.rows import Row
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task, task_of

_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


def from_yolo(
    images: str | os.PathLike[str],
    labels: str | os.PathLike[str],
    classes: Sequence[str] | str | os.PathLike[str],
    task: Task | str = Task.DETECTION,
    *,
    prefix: str = "",
) -> Iterator[Row]:
    """Rows of the images in a folder, sorted by name; an image without a text file has no objects.

    Args:
        images: the folder of images.
        labels: the folder of text files with the same names.
        classes: the names in order, or a file with one a line (``classes.txt``).
        task: detection or segmentation; boxes in a file of outlines are taken as rectangles, and outlines in a file
            of boxes as their boxes.
        prefix: what to put before each image's name.

    Raises:
        InvalidInput: a folder is not there, or a line is not of this format; the message names file and line.
    """
    names = class_names(classes)
    kind = task_of(task)
    for folder in (Path(images), Path(labels)):
        if not folder.is_dir():
            raise InvalidInput(f"no such folder: {folder.name!r}")
    for image in sorted(one for one in Path(images).iterdir() if one.suffix.lower() in _IMAGES):
        file = Path(labels) / f"{image.stem}.txt"
        lines = _lines(file) if file.is_file() else []
        found = [_label(line, names, kind, f"{file.name}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
        header = image_header(image)
        details = {"width": header[0].width, "height": header[0].height} if header else {}
        kind_of_file = {"format": image.suffix.lower().lstrip(".")}
        yield row_of({"image_url": prefix + image.name, "image_details": kind_of_file | details, "label": found}, kind)


def class_names(classes: Sequence[str] | str | os.PathLike[str]) -> list[str]:
    """The names themselves, or those in a file, one a line."""
    if not isinstance(classes, str | os.PathLike):
        return list(classes)
    return [line.strip() for line in _lines(Path(classes)) if line.strip()]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "unreadable")
    raise InvalidInput(f"cannot read {file.name}: {reason}")


def _label(line: str, names: Sequence[str], kind: Task, place: str) -> dict[str, Any]:
    try:
        number, *values = line.split()
        coordinates = [float(value) for value in values]
        name = names[int(number)] if int(number) >= 0 else None
    except (ValueError, IndexError):
        name = None
    if name is None or (len(values) != 4 and (len(values) < 6 or len(values) % 2)):
        raise InvalidInput(f"{place}: expected a class below {len(names)} and its coordinates")
    ring = _rectangle(coordinates) if len(coordinates) == 4 else coordinates
    if kind is Task.SEGMENTATION:
        return {"label": name, "polygon": [ring]}
    xs, ys = ring[0::2], ring[1::2]
    return {"label": name, "topX": min(xs), "topY": min(ys), "bottomX": max(xs), "bottomY": max(ys)}


def _rectangle(values: Sequence[float]) -> list[float]:
    """The corners of ``x y width height``; x and y are the middle."""
    x, y, width, height = values
    # Rounded to what YOLO's six digits carry, so that an edge stays at 0 or 1.
    left, right, top, bottom = (round(v, 6) for v in (x - width / 2, x + width / 2, y - height / 2, y + height / 2))
    return [left, top, right, top, right, bottom, left, bottom]

"""YOLO: one line an object, ``class x y width height`` or ``class x1 y1 x2 y2 …``, in fractions of the image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from automl_cv_client._files import write_text
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.files import holds_objects, label_file, numbered
from automl_cv_client.geometry import one_ring

_STEPS = 10**9
"""Edges are rounded to this part of the image's side."""


def yolo_of(image: SupportsAnnotated, names: Sequence[str], *, scores: bool = False) -> str:
    """The text of a YOLO label file.

    Outlines with holes or parts become one ring whose parts are joined by bridges without width: filled by the
    even-odd rule, as OpenCV does, they are the same. Everything lies inside the image, also after rounding. Left out
    are crowds, which YOLO does not know, objects without area inside the image, and outlines that enclose nothing.

    Args:
        image: a result or a row of one image.
        names: the classes; a label's place is its number.
        scores: also write the score of what a model found, at the end of the line.

    Raises:
        InvalidInput: a label is not among the names, or a row has a box outside its image.
    """
    annotated = holds_objects(image.annotated(), "YOLO files")
    numbers = numbered(names, (item.label for item in annotated.objects))
    return _text(annotated, numbers, scores)


def to_yolo(
    images: Iterable[SupportsAnnotated], folder: str | os.PathLike[str], names: Sequence[str] | None = None
) -> list[str]:
    """Write one text file an image into a folder, named as the image, and ``classes.txt``; return the classes.

    Args:
        images: results or rows, one an image.
        folder: made when it is not there.
        names: the classes in their order; by default in the order in which they occur.

    Raises:
        InvalidInput: as for :func:`yolo_of`, or a file cannot be written.
    """
    return write_yolo(images, folder, names)[1]


def write_yolo(
    images: Iterable[SupportsAnnotated], folder: str | os.PathLike[str], names: Sequence[str] | None = None
) -> tuple[list[Path], list[str]]:
    """As :func:`to_yolo`, and return the paths, too."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    numbers = {name: number for number, name in enumerate(names or ())}
    taken = {"classes"}
    paths = []
    for index, item in enumerate(images):
        image = holds_objects(item.annotated(), "YOLO files")
        for annotation in image.objects:
            if annotation.label not in numbers:
                if names is not None:
                    raise InvalidInput(f"names lacks the label {annotation.label[:60]!r}: give every class")
                if not annotation.crowd:
                    numbers[annotation.label] = len(numbers)
        paths.append(write_text(label_file(target, image.source, ".txt", index, taken), _text(image, numbers)))
    classes = [" ".join(name.split()) for name in numbers]
    write_text(target / "classes.txt", "".join(f"{name}\n" for name in classes))
    return paths, classes


def _text(image: AnnotatedImage, numbers: Mapping[str, int], scores: bool = False) -> str:
    lines = []
    for item in image.inside().objects:
        values = () if item.crowd else _values(item)
        if values:
            written = [f"{value:.10g}" for value in values]
            if scores and item.score is not None:
                written.append(f"{item.score:.9g}")
            lines.append(" ".join([str(numbers[item.label]), *written]) + "\n")
    return "".join(lines)


def _values(item: Annotation) -> tuple[float, ...]:
    """The numbers of a line; none for an outline that encloses nothing."""
    if item.polygons is not None:
        return one_ring(item.polygons)
    x, width = _middle_and_extent(item.box.left, item.box.right)
    y, height = _middle_and_extent(item.box.top, item.box.bottom)
    return x, y, width, height


def _middle_and_extent(low: float, high: float) -> tuple[float, float]:
    """Of two edges, so rounded that the reader's ``middle ± extent / 2`` is inside the image.

    Rounding each by itself goes beyond: 1.0000005 is refused by trainers and augmenters.
    """
    first, last = round(low * _STEPS), round(high * _STEPS)
    last = max(last, first + 1)
    if last > _STEPS:
        first, last = _STEPS - 1, _STEPS
    while True:
        middle, extent = (first + last) / 2 / _STEPS, (last - first) / _STEPS
        beyond = middle + extent / 2 > 1
        if not beyond and middle - extent / 2 >= 0:
            return middle, extent
        first, last = (first, last - 1) if beyond else (first + 1, last)

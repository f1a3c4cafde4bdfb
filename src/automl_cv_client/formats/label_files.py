"""Writes one label file an image, in a format chosen by name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from automl_cv_client.annotations import SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.voc import write_voc
from automl_cv_client.formats.yolo import write_yolo

Format = Literal["yolo", "voc"]


def write_files(
    images: Iterable[SupportsAnnotated], folder: str | os.PathLike[str], format: Format, names: Iterable[str] = ()
) -> list[Path]:
    """Write one label file an image and return their paths; for YOLO also ``classes.txt``.

    Files are named after the images; of two with one name the second gets a number.

    Args:
        images: results or training rows, one an image.
        folder: made when it is not there.
        format: ``"yolo"`` or ``"voc"``.
        names: the classes in the model's order, for YOLO; by default the labels that occur, sorted.

    Raises:
        InvalidInput: an unknown format, a label that is not among the names, or what cannot be written in it.
    """
    if format not in ("yolo", "voc"):
        raise InvalidInput(f"unknown format {format!r}: use 'yolo' or 'voc'")
    if format == "voc":
        return write_voc(images, folder)
    several = [image.annotated() for image in images]
    occurring = sorted({item.label for image in several for item in image.objects})
    return write_yolo(several, folder, list(names) or occurring)[0]

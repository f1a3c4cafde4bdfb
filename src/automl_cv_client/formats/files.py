"""Names files after images, safely, and writes one label file an image."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Detections, Instances

Format = Literal["yolo", "voc"]

_UNSAFE = re.compile(r"[^\w .()+=@,-]", re.UNICODE)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 120


def base_name(path: str | None) -> str:
    """The last part of a path of any system; empty when there is none."""
    return re.split(r"[/\\]", path)[-1] if path else ""


def file_name(text: str, ending: str = "", default: str = "unnamed") -> str:
    """A file name made of any text, such as a label: one part of a path, on every system, never hidden.

    >>> file_name("../../etc/passwd", ".txt"), file_name("CON"), file_name("a cat")
    ('_.._etc_passwd.txt', '_CON', 'a cat')
    """
    name = _UNSAFE.sub("_", text).lstrip(". ").rstrip(". ")
    name = name.encode("utf-8", "ignore")[:_LONGEST].decode("utf-8", "ignore").rstrip(". ") or default
    return (f"_{name}" if _RESERVED.fullmatch(name) else name) + ending


def write_files(
    results: Iterable[Detections | Instances], folder: str | os.PathLike[str], format: Format, names: Iterable[str] = ()
) -> list[Path]:
    """Write one label file an image and return their paths; for YOLO also ``classes.txt``.

    Files are named after the images; of two with one name the second gets a number.

    Args:
        results: one an image.
        folder: made when it is not there.
        format: ``"yolo"`` or ``"voc"``.
        names: the classes in the model's order, for YOLO; by default the labels that occur, sorted.
    """
    several, target = list(results), Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    classes = list(names) or sorted({one.label for result in several for one in result})
    text, ending = _writer(format, classes)
    taken: set[str] = {"classes"} if format == "yolo" else set()
    paths = []
    for number, result in enumerate(several):
        stem = _untaken(file_name(Path(base_name(result.image.source)).stem, default=f"image-{number}"), taken)
        paths.append(target / f"{stem}{ending}")
        paths[-1].write_text(text(result), encoding="utf-8")
    if format == "yolo":
        one_line_each = (" ".join(label.split()) for label in classes)
        (target / "classes.txt").write_text("".join(f"{line}\n" for line in one_line_each), "utf-8", "replace")
    return paths


def _writer(format: Format, classes: list[str]) -> tuple[Callable[[Detections | Instances], str], str]:
    from automl_cv_client.formats.voc import voc_of
    from automl_cv_client.formats.yolo import yolo_of

    if format not in ("yolo", "voc"):
        raise InvalidInput(f"unknown format {format!r}: use 'yolo' or 'voc'")
    return (lambda result: yolo_of(result, classes), ".txt") if format == "yolo" else (voc_of, ".xml")


def _untaken(stem: str, taken: set[str]) -> str:
    """The stem, or with a number; names that differ in case only are one on some systems."""
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return name

"""YOLO: one line an object, ``class x y width height`` or ``class x1 y1 x2 y2 …``, in fractions of the image."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from automl_cv_client._files import write_text
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.files import holds_objects, label_file, numbered
from automl_cv_client.formats.reading import (
    Frame,
    ReadingReport,
    Unreadable,
    box_around,
    files_below,
    labelled_image,
    numbers,
    read_text,
    rectangle,
    shown,
)
from automl_cv_client.formats.yolo_layout import SPLITS, Names, YoloSet
from automl_cv_client.geometry import Size, one_ring
from automl_cv_client.task import Task

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
    """Write one text file per image into a folder, named as the image, and ``classes.txt``.

    Args:
        images: results or rows, one an image.
        folder: made when it is not there.
        names: the classes in their order; by default in the order in which they occur.

    Returns:
        The classes, in the order of their numbers.

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


Measure = Callable[[Path], Size | None]
"""The size of an image file; None for what is no image."""


def read_yolo(
    sets: Sequence[YoloSet], names: Names, task: Task, report: ReadingReport, measure: Measure
) -> Iterator[AnnotatedImage]:
    """The images of a YOLO data set; one without a text file has no objects.

    A line is ``class x y width height``, or ``class x1 y1 x2 y2 …``, in fractions of the image. Boxes are read as
    rectangles where outlines are wanted, and outlines as their boxes where boxes are. A fifth number after a box is
    its confidence, which is left out. Files of keypoints are refused.

    Args:
        sets: images and their label files.
        names: of the classes, by number.
        task: detection or segmentation.
        report: takes what cannot be read.
        measure: tells the size of an image file.

    Raises:
        InvalidInput: the label files are of keypoints, or there are images, and none has a label file.
    """
    all_files = [file for part in sets for file in part.files]
    labelled = {file.labels for file in all_files if file.labels.is_file()}
    orphans = [orphan for part in sets for orphan in _label_files(part.label_folder) if orphan not in labelled]
    if all_files and not labelled and orphans:
        raise InvalidInput(
            f"{report.source}: none of the {len(all_files)} images has a label file, and {orphans[0].name!r} has "
            "no image: are these the folders of the same images?"
        )
    if len(labelled) < sum(file.labels in labelled for file in all_files):
        shared = next(file for file, times in Counter(file.labels for file in all_files).items() if times > 1)
        report.note("shared", f"{shared.name} is the label file of several images, of one name and different endings")
    _refuse_keypoints(sorted(labelled))
    for part in sets:
        if part.split:
            report.note(f"{part.split} {part.label_folder}", f"{len(part.files)} images of the part {part.split!r}")
        for file in part.files:
            size = measure(file.image) if file.image.is_file() else None
            lines = _label_lines(file.labels, report) if file.labels in labelled else []
            if file.labels not in labelled:
                report.note("no-labels", f"{file.name} has no label file, and so no objects")
            objects = []
            tracked = any(_has_track(_numbers_of(line)) for _, line in lines)
            for line_number, line in lines:
                where = f"{file.labels.name}, line {line_number}"
                try:
                    objects.append(_object(line, names, task, report, where, tracked))
                except Unreadable as error:
                    report.passed("annotation", error.reason, where, error.message)
            yield labelled_image(task, file.name, size, objects)
    for orphan in sorted(set(orphans)):
        lines = _label_lines(orphan, report)
        if lines and any(_numbers_of(line) for _, line in lines):
            message = "there is no image of this name"
            report.passed("image", "image-missing", orphan.name, message, annotations=len(lines))


def _label_files(folder: Path) -> Iterator[Path]:
    """Text files that are not the list of images or of classes."""
    if folder.is_dir():
        for file in files_below(folder):
            if file.suffix.lower() == ".txt" and file.stem not in ("classes", *SPLITS):
                yield file


def _label_lines(file: Path, report: ReadingReport) -> list[tuple[int, str]]:
    """The lines that hold an object, with their numbers."""
    kept = []
    for line_number, line in enumerate(read_text(file).splitlines(), 1):
        text, mark, _ = line.partition("#")
        if mark:
            report.note("comment", f"{file.name}, line {line_number}: what follows # is a comment")
        if text.strip():
            kept.append((line_number, text.strip()))
    return kept


def _numbers_of(line: str) -> list[float] | None:
    """All numbers of a line, the class first; None where one is no number."""
    parts = line.split()
    parts = line.replace(";", ",").split(",") if len(parts) == 1 else [part.rstrip(",;") for part in parts]
    return numbers([part.strip() for part in parts])


def _has_track(values: list[float] | None) -> bool:
    """Whether a line is a box with a confidence and the number of a track: no fraction of an image is above 1."""
    return values is not None and len(values) == 7 and values[6] >= 2 and values[6].is_integer() and 0 <= values[5] <= 1


def _object(
    line: str, names: Names, task: Task, report: ReadingReport, where: str, tracked: bool = False
) -> Annotation:
    values = _numbers_of(line)
    if values is None:
        raise Unreadable("line-wrong", f"expected a class below {len(names)} and its coordinates; it is {shown(line)}")
    kind, *rest = values
    if not kind.is_integer() or int(kind) not in names:
        raise Unreadable(
            "class-unknown", f"expected a class below {max(names, default=-1) + 1} and its coordinates; it is {kind:g}"
        )
    if len(rest) == 5 and 0 <= rest[4] <= 1:
        report.note("confidence", f"{where}: the sixth number is a confidence, and was left out")
        rest.pop()
    if tracked and len(rest) == 6:
        report.note("track", f"{where}: the last numbers are a confidence and a track, and were left out")
        del rest[4:]
    if len(rest) > 4 and len(rest) % 3 == 1 and max(rest[6::3]) == 2 and set(rest[6::3]) <= {0, 1, 2}:
        raise Unreadable("keypoints", "a box with keypoints behind it: AutoML for Images has no task for them")
    if rest and max(rest) > 2:
        raise Unreadable("pixels", f"{max(rest):g} looks like pixels: YOLO has fractions of the image")
    if len(rest) != 4 and (len(rest) < 6 or len(rest) % 2):
        more = ": one too many; with a confidence at its end? leave it out" if len(rest) > 6 else ""
        given = f"{len(rest)} numbers after the class{more}"
        raise Unreadable("line-wrong", f"expected a class below {len(names)} and its coordinates; there are {given}")
    frame = Frame(1.0, 1.0, report)
    label = names[int(kind)]
    if len(rest) == 4:
        x, y, width, height = rest
        if width < 0 or height < 0:
            raise Unreadable(
                "box-swapped", f"the width and height of a box are positive; they are {width:g}, {height:g}"
            )
        left, top, right, bottom = map(_edge, (x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        box = frame.box(left, top, right, bottom, where)
        return Annotation(label, None, box, (rectangle(box),) if task is Task.SEGMENTATION else None)
    polygons = frame.polygons([rest], where)
    return Annotation(label, None, box_around(polygons), polygons if task is Task.SEGMENTATION else None)


def _edge(value: float) -> float:
    """An edge of a box without the dust of ``x ± width / 2``; at the image's edge where six digits cannot say so."""
    value = round(value, 9)
    return float(round(value)) if abs(value - round(value)) < 1e-6 else value


def _refuse_keypoints(files: Iterable[Path]) -> None:
    """Raises InvalidInput where every line of the data set reads as a box with keypoints behind it.

    A box and k keypoints are 4 + 2k or 4 + 3k numbers, the same count in every line; each point lies in the box, and
    a third number (hidden or not) is 0, 1 or 2. One line that is otherwise shows that they are outlines.
    """
    count, lines, first = 0, 0, ""
    for file in files:
        try:
            text = read_text(file)
        except InvalidInput:
            continue
        for line_number, line in enumerate(text.splitlines(), 1):
            values = _numbers_of(line.partition("#")[0])
            if not values:
                continue
            points = values[5:]
            if len(values) < 8 or (count and len(values) != count):
                return
            threes = len(points) % 3 == 0 and all(value in (0, 1, 2) for value in points[2::3])
            twos = len(points) % 2 == 0 and lines >= 0
            x, y, width, height = values[1:5]
            step = 3 if threes else 2
            inside = all(
                (px == py == 0) or (abs(px - x) <= width / 2 + 0.02 and abs(py - y) <= height / 2 + 0.02)
                for px, py in zip(points[0::step], points[1::step], strict=False)
            )
            if not (threes or (twos and inside)) or (threes and not inside and max(points[2::3]) < 2):
                return
            count, lines = len(values), lines + 1
            first = first or f"{file.name}, line {line_number}"
            if threes and max(points[2::3]) == 2:  # no fraction of an image is 2
                break
        else:
            continue
        break
    else:
        if lines < 3:  # too few to tell an outline from points that happen to lie so
            return
    raise InvalidInput(f"{first}: a box with keypoints behind it: AutoML for Images has no task for them")

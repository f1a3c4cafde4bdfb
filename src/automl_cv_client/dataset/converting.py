"""Conversions: the files of other tools as training rows, and what was passed over on the way."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from automl_cv_client._files import is_image_name
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.dataset.images import image_file
from automl_cv_client.dataset.reading import row_of
from automl_cv_client.dataset.rows import ImageDetails, Row
from automl_cv_client.dataset.urls import LocalImages, path_of
from automl_cv_client.errors import InvalidInput, PassedOverWarning
from automl_cv_client.formats.reading import ImageFile, ImageLookup, ReadingReport
from automl_cv_client.task import Task, TaskInput, task_of

Location = str | os.PathLike[str]


RowT = TypeVar("RowT", bound=Row)


class Conversion(Iterator[RowT]):
    """Training rows of a source, one at a time, and a report of what is in none of them.

    Rows in the source are rows here or in the report. The report is whole when the last row was taken; then
    a :class:`PassedOverWarning` says what was passed over, so that a loop that never looks at the report is not
    misled. A source of which nothing could be read ends in an error.

    Attributes:
        report: counts by reason, the places and notes; ``print(conversion.report.text())``.

    Example:
        >>> rows = from_coco("coco.json")
        >>> write_jsonl(rows, "train.jsonl")
        >>> print(rows.report.text())
    """

    def __init__(self, read: Callable[[], Iterator[RowT]], report: ReadingReport) -> None:
        self.report = report
        self._read = read
        self._rows: Iterator[RowT] | None = None

    def __next__(self) -> RowT:
        if self._rows is None:
            self._rows = self._read()
        try:
            row = next(self._rows)
        except StopIteration:
            if self._read is not _nothing:
                self._read = _nothing
                self._told()
            raise
        self.report.images += 1
        self.report.annotations += len(row.classes())
        return row

    def __repr__(self) -> str:
        return f"<Conversion of {self.report.source!r}, {self.report.form}: {self.report.images} rows so far>"

    def _told(self) -> None:
        """Say what was passed over, once. Raises InvalidInput when it was everything."""
        report = self.report
        lost = {unit: report.count(unit) for unit in ("image", "annotation")}
        first = "; ".join(str(entry) for entry in report.passed_over if entry.unit != "file")[:2000]
        if lost["image"] and not report.images:
            raise InvalidInput(f"{report.source}: none of its {lost['image']} images can be read: {first}")
        if lost["annotation"] and not report.annotations:
            raise InvalidInput(f"{report.source}: none of its {lost['annotation']} annotations can be read: {first}")
        if any(lost.values()):
            counts = ", ".join(
                f"{times} {unit}s" if times > 1 else f"1 {unit}" for unit, times in lost.items() if times
            )
            warnings.warn(PassedOverWarning(f"{report.source}: passed over {counts}: {first}"), stacklevel=3)


def _nothing() -> Iterator[Any]:
    return iter(())


Reader = Callable[[Task, ReadingReport, ImageLookup | None], Iterator[AnnotatedImage]]
"""Reads a source for a task."""


def conversion(
    source: Location | Mapping[str, Any],
    form: str,
    read: Reader,
    task: TaskInput,
    *,
    tasks: tuple[Task, ...],
    prefix: str = "",
    images: Location | None = None,
    strict: bool = False,
) -> Conversion[Any]:
    """The rows that a reader of a format makes of a source. Nothing is read before the first row is asked for."""
    report = ReadingReport("the content given" if isinstance(source, Mapping) else _name(source), form, strict=strict)

    def rows() -> Iterator[Row]:
        kind = task_of(task)
        if kind not in tasks:
            others = " or ".join(possible.value for possible in tasks)
            raise InvalidInput(f"{form} is read for {others}, not for {kind.value}")
        files = Lookup(images) if images is not None else None
        for image in read(kind, report, files):
            if kind is Task.CLASSIFICATION and len(image.labels) != 1:
                message = f"{len(image.labels)} labels, and classification has one an image"
                report.passed("image", "not-one-label", f"{report.source}, {image.source!r}", message)
                continue
            yield row_of_image(image, kind, prefix, files, report)

    return Conversion(rows, report)


def _name(source: Location) -> str:
    path = Path(source)
    return path.name or str(path)


class Lookup:
    """Finds image files by their names, and reads what their headers tell."""

    def __init__(self, folder: Location) -> None:
        self._images = LocalImages(folder)

    def __call__(self, name: str) -> ImageFile | None:
        path = self._images.find(name)
        return None if path is None else image_file(path, self._images.relative(path))


_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\|[^/]*\\")


def row_of_image(
    image: AnnotatedImage, task: Task, prefix: str, find: ImageLookup | None, report: ReadingReport
) -> Row:
    """The training row of an image that was read."""
    name = _url(image.source or "", prefix, find, report)
    details: dict[str, Any] | None = None
    if image.size is not None:
        plain = path_of(name) if "://" in name else name
        ending = PurePosixPath(plain).suffix.lower().lstrip(".") if is_image_name(plain) else None
        details = {"format": ending, "width": image.size.width, "height": image.size.height}
    return row_of({"image_url": name, "image_details": details, "label": _label(image, task)}, task)


def completed(row: Row, prefix: str, find: ImageLookup | None, report: ReadingReport) -> Row:
    """The row behind a prefix, and with the size of its image where it lacks one and the image is at hand."""
    changes: dict[str, Any] = {}
    if find is not None and row.annotated().size is None:
        file = find(row.image_url)
        if file is not None and file.size is not None:
            given = {"width": file.size.width, "height": file.size.height}
            changes["image_details"] = (row.image_details or ImageDetails()).model_copy(update=given)
    if prefix:
        changes["image_url"] = _url(row.image_url, prefix, None, report)
    return row.model_copy(update=changes) if changes else row


def _label(image: AnnotatedImage, task: Task) -> Any:
    if task is Task.CLASSIFICATION:
        return image.labels[0][0]
    if task is Task.MULTILABEL:
        return [label for label, _ in image.labels]
    labels = []
    for annotation in image.objects:
        label: dict[str, Any] = {"label": annotation.label, "isCrowd": annotation.crowd}
        if task is Task.SEGMENTATION:
            label["polygon"] = annotation.polygons
        else:
            label["topX"], label["topY"], label["bottomX"], label["bottomY"] = annotation.box
        labels.append(label)
    return labels


def _url(name: str, prefix: str, find: ImageLookup | None, report: ReadingReport) -> str:
    """What the row calls the image: the name behind the prefix, in the form that a datastore takes."""
    if "://" in name:
        if prefix:
            return prefix + path_of(name)
        store, _, path = name.partition("://")[2].partition("/")
        return f"azureml://datastores/{store}/paths/{path}" if name.lower().startswith("amldatastore://") else name
    if _WINDOWS.match(name):
        name = name.replace("\\", "/")
        report.note("path-windows", f"Windows paths are written with /, such as {name[-80:]!r}")
    if re.match(r"/|[A-Za-z]:/", name):
        file = find(name) if find else None
        if file is not None:
            return prefix + file.name
        if prefix:
            report.note("path-absolute", f"whole paths of another machine lose their beginning: {name[-80:]!r}")
            return prefix + re.sub(r"^([A-Za-z]:)?/+", "", name)
    return prefix + name

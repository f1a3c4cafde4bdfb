"""Checks a training file: every row by itself, the rows against each other, and the images they speak of."""

from __future__ import annotations

import hashlib
import math
import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from automl_cv_client.dataset.faults import Fault, faults_of
from automl_cv_client.dataset.images import file_faults
from automl_cv_client.dataset.lines import Source, name_of
from automl_cv_client.dataset.reading import read_rows
from automl_cv_client.dataset.report import CheckReport, Found
from automl_cv_client.dataset.rows import DetectionRow, Row, SegmentationRow
from automl_cv_client.dataset.urls import LocalImages, path_of
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task, TaskInput

KEPT = 50
"""Faults of one kind that are kept with their words; the others are counted only, so that memory stays flat."""

_RARE = 0.1  # a class with less than this share of the median class's labels is called rare


def check(
    source: Source,
    *,
    images: str | os.PathLike[str] | None = None,
    validation: Source | None = None,
    task: TaskInput | None = None,
    strict: bool = False,
    progress: Callable[[int], object] | None = None,
) -> CheckReport:
    """Look for everything that is wrong with a training file. Reads it as a stream; memory stays small.

    Args:
        source: the training file's path, or its lines.
        images: the folder the images were downloaded to; without it no image is looked at.
        validation: the validation file, to look for images that are in both.
        task: what the rows must be for; recognised when left out.
        strict: count what ``read_jsonl`` forgives (trailing commas, rows over several lines, …) as errors too.
        progress: called after each row with the number of rows looked at.

    Returns:
        A report: ``report.ok``, ``report.found`` (each with line, code, severity and message), class counts, and
        ``report.text()`` or ``report.to_json()``.

    Raises:
        InvalidInput: a file or the folder cannot be read. Rows that cannot be read are in the report instead.
    """
    notes = _Notes(None if images is None else LocalImages(images), progress or _unseen)
    name = name_of(source)
    notes.read(source, name, task, strict)
    other = ""
    if validation is not None:
        other = f"validation {name_of(validation)}"
        notes.start_validation()
        notes.read(validation, other, notes.task, strict)
    notes.finish(name, other)
    return notes.report(name)


def _unseen(rows: int) -> None:
    """The progress that nobody looks at."""


class _Notes:
    """What is remembered while the rows go by: digests and counts, not rows."""

    def __init__(self, images: LocalImages | None, progress: Callable[[int], object]) -> None:
        self.images = images
        self.progress = progress
        self.task: Task | None = None
        self.rows = 0
        self.validation_rows = 0
        self.counts: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()
        self.images_with: Counter[str] = Counter()
        self.first_line: dict[str, int] = {}
        self.found: list[Found] = []
        self.validated: dict[str, int] = {}
        self.scale = _Scale()
        self.urls: dict[bytes, int] = {}
        self.contents: dict[bytes, int] = {}
        self.training: tuple[dict[bytes, int], dict[bytes, int]] | None = None

    def read(self, source: Source, name: str, task: TaskInput | None, strict: bool) -> None:
        """Look at every row of one file."""
        for number, row, problem, code in read_rows(source, task=task, strict=strict):
            if row is None:
                self.add(name, number, Fault(code, "error", problem))
                continue
            for fault in [*faults_of(row), *self.image_faults(row, number)]:
                self.add(name, number, fault)
            self.count(row, number)
            self.progress(self.rows + self.validation_rows)

    def count(self, row: Row, number: int) -> None:
        """Count the classes of a row."""
        self.task = self.task or row.task
        self.scale.look(row, number)
        if self.training is not None:
            self.validation_rows += 1
            for label in row.classes():
                self.validated.setdefault(label, number)
            return
        self.rows += 1
        named = row.classes()
        self.labels.update(named)
        for label in set(named):
            self.images_with[label] += 1
            self.first_line.setdefault(label, number)

    def add(self, name: str, line: int, fault: Fault) -> None:
        """Note a fault; of each kind only the first keep their words."""
        self.counts[fault.code] += 1
        if self.counts[fault.code] <= KEPT:
            self.found.append(Found(file=name, line=line, **fault._asdict()))

    def image_faults(self, row: Row, number: int) -> list[Fault]:
        """What is wrong with the row's image: a duplicate, a leak, missing, or of another size."""
        faults = self.same(row.image_url.encode(), number, self.urls, 0, "image_url")
        try:
            file = self.file_of(row)
        except InvalidInput as error:
            return [*faults, Fault("file-ambiguous", "error", error.message)]
        if self.images and file is None:
            faults.append(Fault("file-missing", "error", f"no file for {row.image_url[-100:]!r}"))
        if file is not None:
            if not faults:  # the same URL has the same content
                faults += self.same(file, number, self.contents, 1, "content")
            faults += file_faults(row, file)
        return faults

    def file_of(self, row: Row) -> Path | None:
        """The image on this machine, if there is one. Raises InvalidInput when there are two."""
        try:
            path_of(row.image_url)
        except InvalidInput:  # told as url-malformed already
            return None
        return self.images.find(row.image_url) if self.images else None

    def same(self, value: bytes | Path, number: int, seen: dict[bytes, int], kind: int, what: str) -> list[Fault]:
        """Whether a URL or a content was there before, here or in the training file."""
        digest = _digest(value)
        if self.training is not None and (other := self.training[kind].get(digest)):
            return [
                Fault("split-leakage", "error", f"this image is in the training file too (same {what}, line {other})")
            ]
        first = seen.setdefault(digest, number)
        if first == number:
            return []
        return [Fault("image-duplicate", "warning", f"this image is in line {first} already (same {what})")]

    def start_validation(self) -> None:
        """From here on rows are of the validation file."""
        self.training = (self.urls, self.contents)
        self.urls, self.contents = {}, {}

    def finish(self, name: str, validation: str) -> None:
        """What only the whole file tells: its classes, and the scale of its boxes."""
        for line, fault in chain(self.alike(), self.scale.faults()):
            self.add(name, line, fault)
        for file, label, line, message in self.one_sided(name, validation):
            self.add(file, line, Fault("class-one-sided", "warning", f"the class {label[:60]!r} {message}"))
        self.balance()

    def alike(self) -> Iterator[tuple[int, Fault]]:
        """Classes whose names differ by case, space or Unicode form only: one class, as people see it."""
        spellings: dict[str, list[str]] = {}
        lines = self.validated | self.first_line
        for label in lines:
            key = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
            spellings.setdefault(key, []).append(label)
        for labels in spellings.values():
            most, *others = sorted(labels, key=lambda label: (-self.labels[label], label))
            for label in others:
                message = f"the class {label[:60]!r} is not {most[:60]!r}, from which it differs by case, space or "
                yield lines[label], Fault("class-alike", "warning", f"{message}Unicode form only: write one of them")

    def one_sided(self, name: str, validation: str) -> Iterator[tuple[str, str, int, str]]:
        """Classes that only one of two files has: never trained, or never validated."""
        if self.training is None:
            return
        for label, line in self.validated.items():
            if label not in self.labels:
                yield validation, label, line, f"is not in {name}, so no model learns it: split anew, or leave it out"
        for label, line in self.first_line.items():
            if label not in self.validated:
                yield name, label, line, f"is not in {validation}, so no metric tells of it: split anew"

    def balance(self) -> None:
        """Classes seen once, and classes far rarer than the others."""
        typical = sorted(self.labels.values())[len(self.labels) // 2] if self.labels else 0
        for label, times in sorted(self.labels.items()):
            line = self.first_line[label]
            if times == 1:
                self.add("", line, Fault("class-once", "warning", f"the class {label[:60]!r} is there once only"))
            elif times < _RARE * typical:
                message = f"the class {label[:60]!r} has {times} labels, the middle class {typical}"
                self.add("", line, Fault("class-rare", "note", message))

    def report(self, name: str) -> CheckReport:
        """All that was found."""
        return CheckReport(
            file=name,
            task=self.task,
            rows=self.rows,
            validation_rows=self.validation_rows,
            labels=dict(self.labels.most_common()),
            images=dict(self.images_with.most_common()),
            counts=dict(self.counts),
            found=tuple(self.found),
        )


class _Scale:
    """Whether all boxes of a file are so small that they were divided by their image's size twice."""

    def __init__(self) -> None:
        self.objects = 0
        self.line = 0
        self.largest = 0.0
        self.pixels = 0.0  # the furthest edge in pixels, where sizes are told

    def look(self, row: Row, number: int) -> None:
        """Note the furthest edge of a row's objects."""
        if not isinstance(row, DetectionRow | SegmentationRow):
            return
        details = row.image_details
        width = (details and details.width) or math.inf
        height = (details and details.height) or math.inf
        for label in row.label:
            box = label.box
            self.line = self.line or number
            self.objects += 1
            self.largest = max(self.largest, box.right, box.bottom)
            self.pixels = max(self.pixels, box.right * width, box.bottom * height)

    def faults(self) -> Iterator[tuple[int, Fault]]:
        """The fault, with the first line that has an object."""
        if not self.objects or self.largest <= 0:
            return
        if self.pixels <= 1.001 or (self.objects > 2 and self.largest < 0.01):
            where = "within the first pixel" if self.pixels <= 1.001 else "in the first hundredth"
            yield (
                self.line,
                Fault(
                    "boxes-twice-normalised",
                    "error",
                    f"all {self.objects} objects lie {where} of their images: were they divided by width and height "
                    "twice? convert them again",
                ),
            )


def _digest(value: bytes | Path) -> bytes:
    """16 bytes that stand for a text or a file's content; a path of the URL counts, not its workspace."""
    if isinstance(value, bytes):
        return hashlib.blake2b(_plain_path(value.decode()).encode(), digest_size=16).digest()
    with value.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


def _plain_path(url: str) -> str:
    try:
        return path_of(url)
    except InvalidInput:
        return url

"""The report of a check: for people as text, for programs as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from automl_cv_client._text import printable
from automl_cv_client.dataset.faults import Severity
from automl_cv_client.task import Task

_MOST_CLASSES = 20  # shown to people; JSON has all


class Found(BaseModel, frozen=True):
    """One thing that is wrong.

    Attributes:
        file: the file's name; empty for what only the whole file tells.
        line: in the file, from 1.
        code: a short name for the kind of fault.
        severity: ``error``, ``warning`` or ``note``.
        message: in words.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)

    file: str
    line: int
    code: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.file else f"first in line {self.line}"
        return printable(f"{self.severity}: {place}: {self.message} [{self.code}]")


class CheckReport(BaseModel, frozen=True):
    """What a check found.

    Attributes:
        file: the file's name.
        task: recognised from the rows, or given; None when no row could be read.
        rows: rows that could be read.
        validation_rows: the same of the validation file.
        labels: labels of each class, most frequent first.
        images: images each class is in.
        counts: how often each kind of fault was found.
        found: the faults, in order; of each kind the first 50.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)

    file: str
    task: Task | None
    rows: int
    validation_rows: int
    labels: dict[str, int]
    images: dict[str, int]
    counts: dict[str, int]
    found: tuple[Found, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes do not count."""
        return not self.with_severity("error")

    def with_severity(self, severity: Severity) -> tuple[Found, ...]:
        """The faults of one severity."""
        return tuple(finding for finding in self.found if finding.severity == severity)

    def to_json(self) -> str:
        """The report as JSON, with ``ok``."""
        values: dict[str, Any] = {"ok": self.ok, **self.model_dump(mode="json")}
        return json.dumps(values, indent=2, ensure_ascii=False)

    def text(self) -> str:
        """The report for people, several lines; control characters of labels and URLs are shown escaped."""
        return "\n".join([self._headline(), *self._classes(), *self._faults()])

    def _headline(self) -> str:
        task = self.task.value if self.task else "no task recognised"
        more = f", validation {_counted(self.validation_rows, 'row')}" if self.validation_rows else ""
        classes = _counted(len(self.labels), "class", "classes")
        return printable(f"{self.file}: {task}, {_counted(self.rows, 'row')}{more}, {classes}")

    def _classes(self) -> Iterator[str]:
        most = max(self.labels.values(), default=1)
        for label, times in list(self.labels.items())[:_MOST_CLASSES]:
            bar = "#" * max(1, round(30 * times / most))
            labels, images = _counted(times, "label", width=7), _counted(self.images[label], "image", width=6)
            yield f"  {printable(label)[:30]:<30} {labels:<14} in {images:<15}  {bar}"
        if len(self.labels) > _MOST_CLASSES:
            yield f"  … {len(self.labels) - _MOST_CLASSES} more classes"

    def _faults(self) -> Iterator[str]:
        yield from map(str, self.found)
        shown = {finding.code for finding in self.found}
        for code, times in self.counts.items():
            kept = sum(finding.code == code for finding in self.found)
            if code in shown and times > kept:
                yield f"… and {times - kept} more of [{code}]"
        errors = self._errors()
        yield "no errors" if self.ok else _counted(errors, "error")

    def _errors(self) -> int:
        return sum(self.counts[code] for code in {finding.code for finding in self.with_severity("error")})


def _counted(number: int, single: str, several: str = "", width: int = 0) -> str:
    """``1 row`` or ``2 rows``, the number at the right of its column."""
    return f"{number:>{width}} {single if number == 1 else several or f'{single}s'}"

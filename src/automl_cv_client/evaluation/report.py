"""What an evaluation found: numbers, curves and the worst mistakes. Plain values; how they are shown is elsewhere."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from automl_cv_client._files import write_text
from automl_cv_client._notebook import Display, Displayed, Table
from automl_cv_client.dataset import Row
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Result
from automl_cv_client.task import Task

Number = float | None
"""None where there is nothing to measure, as the recall of a class that no label names."""


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The numbers of one class, by name; ``support`` is how many labels it has."""

    label: str
    support: int
    values: dict[str, Number]


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts ``[truth][prediction]``; for objects the last row and column stand for "nothing there"."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision against recall of one class, each 0 to 1."""

    label: str
    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Predictions of one range of confidence: ``low`` < confidence ≤ ``high``."""

    low: float
    high: float
    count: int
    confidence: Number
    accuracy: Number


@dataclass(frozen=True, slots=True)
class ThresholdScores:
    """The numbers at another score threshold, over all (``metrics``) and of each class (``classes``)."""

    threshold: float
    metrics: dict[str, Number]
    classes: dict[str, dict[str, Number]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image the model was wrong about.

    Attributes:
        image_url: the image. says: what is wrong, in words. badness: larger is worse.
        row: its labels. result: what the endpoint said.
    """

    image_url: str
    says: str
    badness: float
    row: Row = field(repr=False)
    result: Result = field(repr=False)


@dataclass(frozen=True, slots=True)
class EvaluationReport(Displayed):
    """How good the predictions are.

    Attributes:
        task: of the labels. name: what was evaluated, such as a deployment. images: how many took part.
        metrics: the overall numbers, by name; fractions unless their name says seconds.
        classes: the numbers of each class.
        confusion, curves, calibration: where the task has them.
        mistakes: images the model was wrong about, worst first.
        left_out: labelled images without a result, each with its reason. unlabelled: predictions without labels.
        images: where the images are on this machine; None when not told.
        threshold: the score above which something counts as predicted.
        at_thresholds: the numbers that depend on it, at 0.05, 0.1, … 0.95.
        deployments: those that answered. endpoint: what was asked, when told. made: when, in UTC, as ISO 8601.
    """

    task: Task
    name: str
    image_count: int
    metrics: dict[str, Number]
    classes: tuple[ClassScores, ...]
    confusion: Confusion | None = None
    curves: tuple[Curve, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    unlabelled: int = 0
    images: Path | None = None
    threshold: float = 0.5
    at_thresholds: tuple[ThresholdScores, ...] = field(default=(), repr=False)
    deployments: tuple[str, ...] = ()
    endpoint: str = ""
    made: str = field(default="", compare=False)

    def __getitem__(self, metric: str) -> Number:
        """A metric by its name. Raises KeyError, naming those there are."""
        if metric not in self.metrics:
            raise KeyError(f"no metric {metric!r}: there are {', '.join(self.metrics)}")
        return self.metrics[metric]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for ``json.dumps``; images by their URLs."""
        told = ("name", "endpoint", "made", "threshold", "image_count", "metrics", "unlabelled")
        values = {name: getattr(self, name) for name in told}
        return {
            "task": self.task.value,
            **values,
            "deployments": list(self.deployments),
            "at_thresholds": [asdict(scores) for scores in self.at_thresholds],
            "classes": [asdict(scores) for scores in self.classes],
            "confusion": None if self.confusion is None else asdict(self.confusion),
            "curves": [asdict(curve) for curve in self.curves],
            "calibration": [asdict(part) for part in self.calibration],
            "mistakes": [
                {"image_url": mistake.image_url, "says": mistake.says, "badness": mistake.badness}
                for mistake in self.mistakes
            ],
            "left_out": [{"image_url": url, "reason": reason} for url, reason in self.left_out],
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def _display(self) -> Display:
        from automl_cv_client.evaluation.text import class_rows, headline, metric_rows

        tables = [Table(head, rows) for head, *rows in (metric_rows(self, 3), class_rows(self, 3)) if rows]
        return Display(headline(self), tables=tables, note="report.save('report.html') writes charts and images, too.")

    def text(self) -> str:
        """The report for a terminal."""
        from automl_cv_client.evaluation.text import report_text

        return report_text(self)

    def markdown(self) -> str:
        """The report as Markdown, for a pull request or an issue."""
        from automl_cv_client.evaluation.text import report_markdown

        return report_markdown(self)

    def html(self) -> str:
        """The report as one web page with images in it; the page loads nothing from anywhere."""
        from automl_cv_client.evaluation.page import report_page

        return report_page(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report; the file's ending says as what: ``.html``, ``.json``, ``.md`` or ``.txt``."""
        return save_as(self, path)


def save_as(report: Any, path: str | os.PathLike[str]) -> Path:
    """Write a report as its ending says. Raises InvalidInput for other endings."""
    target = Path(path)
    ways = {".html": "html", ".json": "to_json", ".md": "markdown", ".txt": "text"}
    way = ways.get(target.suffix.lower())
    if way is None:
        raise InvalidInput(f"cannot write a report to {target.name!r}: end it in {', '.join(ways)}")
    return write_text(target, getattr(report, way)() + "\n")

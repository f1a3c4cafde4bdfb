"""Reports and comparisons as plain text and as Markdown. Labels come from outside: nothing in them takes effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from automl_cv_client._text import printable

if TYPE_CHECKING:
    from automl_cv_client.evaluation.bootstrap import Interval, Side
    from automl_cv_client.evaluation.comparing import Comparison
    from automl_cv_client.evaluation.report import EvaluationReport, Number

Row = Sequence[str]
_MOST_ROWS = 40


def report_text(report: EvaluationReport) -> str:
    """The report for a terminal."""
    lines = [printable(headline(report)), "", *_aligned(metric_rows(report)), ""]
    lines += [*_aligned(class_rows(report)), *map(printable, _more(report))]
    if report.mistakes:
        lines += ["", "worst mistakes:"]
        lines += [printable(f"  {mistake.image_url[-70:]}: {mistake.says}") for mistake in report.mistakes[:10]]
    return "\n".join(lines)


def report_markdown(report: EvaluationReport) -> str:
    """The report as Markdown."""
    parts = [f"## {_plain(headline(report))}", _table(metric_rows(report)), _table(class_rows(report))]
    parts += [_plain(line) for line in _more(report)]
    if report.mistakes:
        parts.append(_table([("image", "mistake"), *((m.image_url[-70:], m.says) for m in report.mistakes[:10])]))
    return "\n\n".join(parts)


def comparison_text(comparison: Comparison) -> str:
    """The comparison for a terminal."""
    lines = [printable(comparison_headline(comparison)), "", *_aligned(side_rows(comparison)), ""]
    lines += [*_aligned(plain_metric_rows(comparison)), "", *map(printable, _disputes(comparison))]
    return "\n".join(lines)


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown."""
    parts = [f"## {_plain(comparison_headline(comparison))}", _table(side_rows(comparison))]
    parts += [_table(plain_metric_rows(comparison)), *map(_plain, _disputes(comparison))]
    return "\n\n".join(parts)


def headline(report: EvaluationReport) -> str:
    """What was evaluated, in one line."""
    name = f"{report.name}: " if report.name else ""
    return f"{name}{report.task.value}, {report.image_count} images, {len(report.classes)} classes"


def comparison_headline(comparison: Comparison) -> str:
    """What was compared, in one line."""
    return f"{comparison.b.name} against {comparison.a.name}, {comparison.image_count} images"


def metric_rows(report: EvaluationReport, digits: int = 4) -> list[Row]:
    """The overall numbers, with a head."""
    return [("metric", "value"), *((name, shown(value, digits)) for name, value in report.metrics.items())]


def class_rows(report: EvaluationReport, digits: int = 4) -> list[Row]:
    """The numbers of each class, most labels first, with a head."""
    if not report.classes:
        return []
    rows = sorted(report.classes, key=lambda scores: (-scores.support, scores.label))[:_MOST_ROWS]
    head = ("class", "labels", *report.classes[0].values)
    return [
        head,
        *(
            (scores.label[:60], str(scores.support), *(shown(value, digits) for value in scores.values.values()))
            for scores in rows
        ),
    ]


def side_rows(comparison: Comparison) -> list[Row]:
    """The metrics with their confidence intervals, with a head."""
    head = ("metric", comparison.a.name, comparison.b.name, "difference", "95 % interval", "verdict")
    return [head, *(_side(side) for side in comparison.sides)]


def plain_metric_rows(comparison: Comparison, digits: int = 4) -> list[Row]:
    """All numbers of both, with a head."""
    a, b = comparison.a, comparison.b
    return [
        ("metric", a.name, b.name),
        *((name, shown(value, digits), shown(b.metrics.get(name), digits)) for name, value in a.metrics.items()),
    ]


def shown(value: Number, digits: int = 4) -> str:
    """A number with so many digits, ``–`` for none."""
    return "–" if value is None else f"{value:.{digits}f}"


def _side(side: Side) -> Row:
    difference = "–" if side.difference is None else f"{side.difference:+.4f}"
    values = (f"{shown(side.a)} {_range(side.a_interval)}", f"{shown(side.b)} {_range(side.b_interval)}")
    return (side.metric, *values, difference, _range(side.interval, "+"), side.verdict)


def _range(interval: Interval, sign: str = "") -> str:
    if interval.low is None or interval.high is None:
        return ""
    return f"[{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"


def _more(report: EvaluationReport) -> Iterator[str]:
    if len(report.classes) > _MOST_ROWS:
        yield f"… {len(report.classes) - _MOST_ROWS} more classes"
    if report.left_out:
        url, reason = report.left_out[0]
        yield f"{len(report.left_out)} labelled images have no result and are left out: {url[-60:]} ({reason}), …"
    if report.unlabelled:
        yield f"{report.unlabelled} predictions are for images without labels"


def _disputes(comparison: Comparison) -> Iterator[str]:
    share = comparison.disagreeing / comparison.image_count
    yield f"they differ on {comparison.disagreeing} of {comparison.image_count} images ({share:.0%})"
    if comparison.left_out:
        yield f"{len(comparison.left_out)} images were not answered by both and are left out"
    for dispute in comparison.disagreements[:5]:
        yield f"  {dispute.image_url[-70:]}: {dispute.amount:.2f}"


def _aligned(rows: Sequence[Row]) -> list[str]:
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _table(rows: Sequence[Row]) -> str:
    lines = ["| " + " | ".join(map(_plain, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]) if rows else ""


def _plain(text: str) -> str:
    """The text with every mark that Markdown or HTML could obey escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~&$@:])", lambda found: f"&#{ord(found[1])};", printable(text))

"""Reports as one web page that loads nothing: styles, charts and images are in it, and its policy forbids more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from automl_cv_client._text import printable
from automl_cv_client.evaluation.svg import calibration_svg, confusion_svg, curves_svg
from automl_cv_client.evaluation.text import (
    class_rows,
    comparison_headline,
    headline,
    metric_rows,
    plain_metric_rows,
    side_rows,
)
from automl_cv_client.evaluation.thumbnails import Thumbnails

if TYPE_CHECKING:
    from automl_cv_client.evaluation.comparing import Comparison
    from automl_cv_client.evaluation.report import EvaluationReport

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c1c1c}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ddd;padding-bottom:.3rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .7rem;border-bottom:1px solid #eee;text-align:right}
td:first-child,th:first-child{text-align:left}th{background:#f6f6f6}
.row{display:flex;flex-wrap:wrap;gap:2rem;align-items:flex-start}.scroll{overflow:auto;max-height:32rem}
figure{margin:0 0 1.5rem;break-inside:avoid}figure img{max-width:49%;margin-right:1%;vertical-align:top}
figcaption{font-size:.9rem;overflow-wrap:anywhere}svg text{font:12px system-ui,sans-serif}
.better{color:#166534;font-weight:600}.worse{color:#b91c1c;font-weight:600}.note{color:#666}
"""


def report_page(report: EvaluationReport) -> str:
    """The page of an evaluation."""
    numbers = [_section("Overall", _table(metric_rows(report)))]
    if report.classes:
        numbers.append(_section("Classes", f'<div class="scroll">{_table(class_rows(report))}</div>'))
    parts = [_row(numbers), *_notes(report), *_charts(report), *_mistakes(report)]
    return _page(headline(report), parts)


def comparison_page(comparison: Comparison) -> str:
    """The page of a comparison."""
    sides = _table(side_rows(comparison))
    for verdict in ("better", "worse"):
        sides = sides.replace(f"<td>{verdict}</td>", f'<td class="{verdict}">{verdict}</td>')
    share = f"{comparison.disagreeing} of {comparison.images} images"
    note = "Intervals: 95 %, by the paired bootstrap over images. "
    note += f"{len(comparison.left_out)} images were not answered by both and are left out."
    parts = [
        _section("What changes", sides + _note(note)),
        _section("All numbers", _table(plain_metric_rows(comparison))),
        _section(f"Where they differ: {share}", "".join(_disputes(comparison))),
    ]
    return _page(comparison_headline(comparison), parts)


def _charts(report: EvaluationReport) -> Iterator[str]:
    charts = []
    if report.confusion is not None:
        charts.append(_section("Confusion", f'<div class="scroll">{confusion_svg(report.confusion)}</div>'))
    if report.curves:
        charts.append(_section("Precision and recall", curves_svg(report.curves)))
    if report.calibration:
        charts.append(_section("Calibration", calibration_svg(report.calibration)))
    yield _row(charts)


def _mistakes(report: EvaluationReport) -> Iterator[str]:
    if not report.mistakes:
        yield _section("Worst mistakes", _note("None."))
        return
    draw = Thumbnails(report.images)
    figures = [
        _figure(
            [
                draw.of(one.row.annotated(), one.row, one.result),
                draw.of(one.result.annotated().above(0.3), one.row, one.result),
            ],
            one.image_url,
            one.says,
        )
        for one in report.mistakes
    ]
    yield _section("Worst mistakes (left: labels, right: prediction)", "".join(figures))


def _disputes(comparison: Comparison) -> Iterator[str]:
    draw = Thumbnails(comparison.images)
    names = f"left: {comparison.a.name}, right: {comparison.b.name}"
    for one in comparison.disagreements:
        figures = [draw.of(result.annotated().above(0.3), one.row, result) for result in (one.a, one.b)]
        yield _figure(figures, one.image_url, f"{one.amount:.0%} different ({names})")


def _notes(report: EvaluationReport) -> Iterator[str]:
    if report.left_out:
        listed = "; ".join(f"{url[-80:]}: {reason[:200]}" for url, reason in report.left_out[:10])
        yield _note(f"{len(report.left_out)} labelled images have no result and are left out: {listed}")
    if report.unlabelled:
        yield _note(f"{report.unlabelled} predictions are for images without labels.")


def _figure(figures: Sequence[str | None], image_url: str, says: str) -> str:
    drawn = "".join(f'<img alt="" src="{image}">' for image in figures if image)
    shown = drawn or _note("The image is not at hand: give the folder it is in, by --images or in Python by images=.")
    return f"<figure>{shown}<figcaption><b>{_safe(image_url[-120:])}</b><br>{_safe(says)}</figcaption></figure>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = [[_safe(cell) for cell in row] for row in rows]
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body]
    return f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{''.join(lines)}</table>"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_safe(title)}</h2>{content}</section>"


def _row(sections: Sequence[str]) -> str:
    return f'<div class="row">{"".join(sections)}</div>'


def _note(text: str) -> str:
    return f'<p class="note">{_safe(text)}</p>'


def _page(title: str, parts: Sequence[str]) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{_safe(title)}</h1>{''.join(parts)}</body></html>"
    )


def _safe(text: str) -> str:
    """Text from outside as text: no tag, no attribute, no control character."""
    return escape(printable(text))

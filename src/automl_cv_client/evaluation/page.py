"""Reports as one web page that loads nothing: styles, charts, images and a small script are in it, and its policy
forbids more."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from automl_cv_client._text import printable
from automl_cv_client.drawing import Look, colors_of
from automl_cv_client.evaluation.matching import match, scene_of
from automl_cv_client.evaluation.ordering import alone
from automl_cv_client.evaluation.pairs import Pair
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
    from automl_cv_client.evaluation.comparing import Comparison, Disagreement
    from automl_cv_client.evaluation.report import EvaluationReport, Mistake

_DIGITS = 3
_RIGHT, _MISSED, _INVENTED = (0, 158, 115), (240, 228, 66), (213, 94, 0)
"""Of Okabe and Ito's colors; the last two are dashed besides, and named in their tags."""

_MEANINGS = {
    "mAP": "Mean average precision: how well objects are found and placed, over all scores, overlaps of 0.5 to 0.95 "
    "and classes. 1 is perfect; 0.4 to 0.6 is usual for everyday photos.",
    "AP50": "The same where an overlap (IoU) of 0.5 is enough.",
    "AP75": "The same where an overlap of 0.75 is asked for.",
    "AP small": "mAP of objects below 32 × 32 pixels; medium is up to 96 × 96, large above.",
    "AR": "The highest recall with 100 objects per image, over the same overlaps.",
    "precision": "Of what was found above the threshold, the share that is right.",
    "recall": "Of what is labelled, the share that was found above the threshold.",
    "F1": "The harmonic mean of precision and recall.",
    "accuracy": "The share of images whose most probable class is the labelled one.",
    "balanced accuracy": "The mean of the classes' recalls: rare classes count as much as common ones.",
    "macro F1": "The mean of the classes' F1.",
    "micro F1": "F1 over all labels of all images.",
    "exact matches": "The share of images whose labels are all right.",
    "wrong labels": "The share of all yes-or-no decisions that are wrong.",
    "log loss": "How surprised the model is by the labels; 0 is perfect.",
    "calibration error": "How far confidence and accuracy are apart on average; 0 is perfect.",
    "seconds a call (p50)": "Half of the calls took less, retries and network included.",
}

_STYLE = """
:root{color-scheme:light dark;--ink:#1c1c1c;--soft:#595959;--paper:#fff;--head:#f3f4f6;--line:#d8dade;
--good:#166534;--bad:#b91c1c;--accent:#1d4ed8}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a8adb5;--paper:#15171b;--head:#22262c;--line:#3a3f47;
--good:#6ee7a0;--bad:#fca5a5;--accent:#93b4ff}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1.5rem 1rem;color:var(--ink);
background:var(--paper)}
h1{font-size:1.5rem;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .8rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
.facts{display:flex;flex-wrap:wrap;gap:.3rem 2rem;margin:0 0 1rem}.facts div{min-width:0}
.facts dt{color:var(--soft);font-size:.8rem}.facts dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right}
td:first-child,th:first-child{text-align:left;overflow-wrap:anywhere}th{background:var(--head)}
.row{display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:flex-start}.row>section{min-width:0;max-width:100%}
.scroll{overflow:auto;max-width:100%;max-height:34rem}
.scroll:focus-visible,select:focus-visible,input:focus-visible,summary:focus-visible{outline:2px solid var(--accent)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(30rem,100%),1fr));gap:1.5rem}
figure{margin:0;break-inside:avoid;min-width:0}figure .pair{display:grid;grid-template-columns:1fr 1fr;gap:.4rem}
figure img{width:100%;height:auto;display:block}figure span{font-size:.8rem;color:var(--soft)}
figcaption{font-size:.9rem;overflow-wrap:anywhere;margin-top:.3rem}[hidden]{display:none}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif}
.better{color:var(--good);font-weight:600}.worse{color:var(--bad);font-weight:600}.note{color:var(--soft)}
.at{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;margin:0 0 .8rem}
.at input{flex:1 1 12rem;max-width:24rem}
.key b{display:inline-block;padding:0 .4rem;border:3px solid;margin-right:.3rem}
.key{display:flex;flex-wrap:wrap;gap:.4rem 1.2rem}
dl.means dt{font-weight:600}dl.means dd{margin:0 0 .4rem}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--head:#eee;--line:#bbb}.scroll{overflow:visible;max-height:none}
.at,.filter{display:none}body{max-width:none;padding:0}}
"""

_SCRIPT = """
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  var slider = document.getElementById("threshold");
  if (slider) {
    var show = function () {
      var step = data.steps[slider.value], cells = document.querySelectorAll("[data-at]");
      document.getElementById("at").textContent = step.threshold.toFixed(2);
      cells.forEach(function (cell) {
        var place = JSON.parse(cell.dataset.at);
        var values = place[0] === null ? step.metrics : step.classes[data.classes[place[0]]];
        var value = values[place[1]];
        cell.textContent = value === null || value === undefined ? "\\u2013" : value.toFixed(3);
      });
    };
    slider.addEventListener("input", show);
  }
  var filter = document.getElementById("class");
  if (filter) {
    filter.addEventListener("change", function () {
      var shown = 0;
      document.querySelectorAll("figure[data-classes]").forEach(function (figure) {
        var fits = filter.value === "" || JSON.parse(figure.dataset.classes).includes(Number(filter.value));
        figure.hidden = !fits;
        shown += fits;
      });
      document.getElementById("shown").textContent = shown + " shown";
    });
  }
})();
"""
_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'"


def report_page(report: EvaluationReport) -> str:
    """The page of an evaluation."""
    numbers = [_section("Overall", _table(metric_rows(report, _DIGITS)) + _meanings(report))]
    if report.classes:
        numbers.append(_section("Classes", _scroll(_table(class_rows(report, _DIGITS)), "numbers of the classes")))
    parts = [_facts(report), _row(numbers), *_notes(report), _at_thresholds(report), *_charts(report)]
    return _page(headline(report), [*parts, *_mistakes(report)], _data(report))


def comparison_page(comparison: Comparison) -> str:
    """The page of a comparison."""
    sides = _table(side_rows(comparison))
    for verdict in ("better", "worse"):
        sides = sides.replace(f"<td>{verdict}</td>", f'<td class="{verdict}">{verdict}</td>')
    note = "Intervals: 95 %, by the paired bootstrap over images. A verdict is given where the interval excludes 0. "
    note += f"{len(comparison.left_out)} images were not answered by both and are left out."
    share = f"{comparison.disagreeing} of {comparison.image_count} images"
    rows = _table(plain_metric_rows(comparison, _DIGITS))
    parts = [
        _facts(comparison.a, f"{comparison.a.name}, {comparison.b.name}"),
        _section("What changes", _scroll(sides, "metrics with intervals") + _note(note)),
        _section("All numbers", _scroll(rows, "all numbers") + _meanings(comparison.a)),
        _section(f"Where they differ: {share}", _figures(_disputes(comparison))),
    ]
    return _page(comparison_headline(comparison), parts, {})


def _facts(report: EvaluationReport, deployments: str = "") -> str:
    told = {
        "Endpoint": report.endpoint,
        "Deployment": deployments or ", ".join(report.deployments) or report.name,
        "Task": report.task.value,
        "Threshold": f"{report.threshold:g}",
        "Images": str(report.image_count),
        "Date": report.made.replace("T", " ").replace("+00:00", " UTC"),
    }
    facts = "".join(f"<div><dt>{name}</dt><dd>{_safe(value)}</dd></div>" for name, value in told.items() if value)
    return f'<dl class="facts">{facts}</dl>'


def _meanings(report: EvaluationReport) -> str:
    told = "".join(
        f"<dt>{_safe(name)}</dt><dd>{_safe(_MEANINGS[name])}</dd>" for name in report.metrics if name in _MEANINGS
    )
    return f'<details><summary>What the numbers mean</summary><dl class="means">{told}</dl></details>'


def _at_thresholds(report: EvaluationReport) -> str:
    """A slider, and the numbers that follow it; without a script those of the report's threshold stand there."""
    steps = report.at_thresholds
    if not steps:
        return ""
    nearest = min(range(len(steps)), key=lambda number: abs(steps[number].threshold - report.threshold))
    at = steps[nearest]
    names = list(at.metrics)
    classes = [scores.label for scores in report.classes if scores.label in at.classes]
    rows = [[_at_cell(at.metrics[name], None, name) for name in names]]
    heads = ["all"]
    for number, label in enumerate(classes[:40]):
        rows.append([_at_cell(at.classes[label][name], number, name) for name in names])
        heads.append(label[:60])
    body = "".join(f"<tr><td>{_safe(head)}</td>{''.join(row)}</tr>" for head, row in zip(heads, rows, strict=True))
    head = "".join(f"<th>{_safe(name)}</th>" for name in ("class", *names))
    control = (
        '<div class="at"><label for="threshold">Score threshold</label>'
        f'<input type="range" id="threshold" min="0" max="{len(steps) - 1}" step="1" value="{nearest}">'
        f'<output id="at" for="threshold">{at.threshold:.2f}</output></div>'
    )
    table = _scroll(f"<table><tr>{head}</tr>{body}</table>", "numbers at the threshold")
    return _section("At another threshold", control + table)


def _at_cell(value: float | None, number: int | None, name: str) -> str:
    place = escape(json.dumps([number, name]))
    return f'<td data-at="{place}">{"–" if value is None else f"{value:.3f}"}</td>'


def _data(report: EvaluationReport) -> dict[str, Any]:
    steps = [{"threshold": s.threshold, "metrics": s.metrics, "classes": s.classes} for s in report.at_thresholds]
    labels = [scores.label for scores in report.classes if steps and scores.label in report.at_thresholds[0].classes]
    return {"steps": steps, "classes": labels}


def _charts(report: EvaluationReport) -> Iterator[str]:
    charts = []
    if report.confusion is not None:
        charts.append(_section("Confusion", _scroll(confusion_svg(report.confusion), "confusion matrix")))
    if report.curves:
        svg = curves_svg(report.curves, colors_of(curve.label for curve in report.curves))
        charts.append(_section("Precision and recall", _scroll(svg, "precision-recall curves")))
    if report.calibration:
        charts.append(_section("Calibration", _scroll(calibration_svg(report.calibration), "calibration")))
    yield _row(charts)


def _mistakes(report: EvaluationReport) -> Iterator[str]:
    if not report.mistakes:
        yield _section("Worst mistakes", _note("None."))
        return
    classes = sorted({label for mistake in report.mistakes for label in _classes_of(mistake)})
    options = "".join(f'<option value="{number}">{_safe(label[:60])}</option>' for number, label in enumerate(classes))
    choice = (
        '<p class="filter"><label for="class">Class</label> <select id="class"><option value="">all</option>'
        f'{options}</select> <output id="shown" for="class">{len(report.mistakes)} shown</output></p>'
    )
    key = "" if report.task.explainable else _key(report.threshold)
    draw = Thumbnails(report.images)
    figures = (_mistake(draw, mistake, report.threshold, classes) for mistake in report.mistakes)
    yield _section("Worst mistakes", choice + key + _figures(figures))


def _classes_of(mistake: Mistake) -> set[str]:
    row, result = mistake.row.annotated(), mistake.result.annotated()
    labels = {label for label, _ in (*row.present(), *result.present())}
    return labels | {item.label for item in (*row.objects, *result.objects)}


def _key(threshold: float) -> str:
    styles = (
        (_RIGHT, "solid", "found"),
        (_MISSED, "dashed", "missed"),
        (_INVENTED, "dashed", "invented, or a wrong class"),
    )
    keys = "".join(
        f'<span><b style="border:3px {line} rgb{color}">&nbsp;</b>{word}</span>' for color, line, word in styles
    )
    return f'<p class="key">{keys}<span>Objects with scores up to {threshold:g} are not drawn.</span></p>'


def _mistake(draw: Thumbnails, mistake: Mistake, threshold: float, classes: list[str]) -> str:
    labelled, said = mistake.row.annotated(), mistake.result.annotated()
    looks: tuple[list[Look] | None, list[Look] | None] = (None, None)
    if not labelled.task.explainable:
        scene = scene_of(Pair(mistake.row, mistake.result))
        matches = match(scene, threshold)
        right = [pair for pair, labels in zip(*matches, strict=True) if labels[0] == labels[1]]
        hit_truth, hit_found = {pair[0] for pair in right}, {pair[1] for pair in right}
        shown = [i for i, item in enumerate(scene.found) if item.score is not None and item.score > threshold]
        labelled = labelled._replace(objects=tuple(scene.truth))
        said = said._replace(objects=tuple(scene.found[i] for i in shown))
        looks = (
            [_truth_look(number in hit_truth, crowd=item.crowd) for number, item in enumerate(scene.truth)],
            [Look(_RIGHT) if i in hit_found else Look(_INVENTED, dashed=True) for i in shown],
        )
    images = [
        (f"{side} of {mistake.image_url[-80:]}", side, draw.of(content, mistake.row, mistake.result, look))
        for side, content, look in (("labels", labelled, looks[0]), ("prediction", said, looks[1]))
    ]
    numbers = [number for number, label in enumerate(classes) if label in _classes_of(mistake)]
    return _figure(images, mistake.image_url, mistake.says, numbers)


def _truth_look(is_found: bool, *, crowd: bool) -> Look:
    if crowd:
        return Look((128, 128, 128), dashed=True, word="crowd:")
    return Look(_RIGHT) if is_found else Look(_MISSED, dashed=True, word="missed:")


def _disputes(comparison: Comparison) -> Iterator[str]:
    threshold = comparison.a.threshold
    contents = [
        (dispute, dispute.a.annotated().above(threshold), dispute.b.annotated().above(threshold))
        for dispute in comparison.disagreements
    ]
    colors = colors_of(item.label for _, a, b in contents for item in (*a.objects, *b.objects))
    draw = Thumbnails(comparison.images, colors)
    for dispute, a, b in contents:
        images = [
            (f"{report.name[:60]}: {dispute.image_url[-80:]}", report.name, draw.of(content, dispute.row, result))
            for report, content, result in ((comparison.a, a, dispute.a), (comparison.b, b, dispute.b))
        ]
        yield _figure(images, dispute.image_url, _difference(comparison, dispute, threshold))


def _difference(comparison: Comparison, dispute: Disagreement, threshold: float) -> str:
    """How much they differ, and of objects what only one of them finds above the threshold."""
    parts = [f"{dispute.amount:.0%} different"]
    only = alone(dispute.a, dispute.b, threshold)
    for report, labels in zip((comparison.a, comparison.b), only, strict=True):
        if labels:
            named = ", ".join(map(repr, labels[:5])) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
            parts.append(f"only {report.name} finds {named} above {threshold:g}")
    return "; ".join(parts)


def _notes(report: EvaluationReport) -> Iterator[str]:
    if report.left_out:
        listed = "; ".join(f"{url[-80:]}: {reason[:200]}" for url, reason in report.left_out[:10])
        yield _note(f"{len(report.left_out)} labelled images have no result and are left out: {listed}")
    if report.unlabelled:
        yield _note(f"{report.unlabelled} predictions are for images without labels.")


def _figures(figures: Iterator[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>'


def _figure(
    images: Sequence[tuple[str, str, str | None]], image_url: str, says: str, classes: Sequence[int] = ()
) -> str:
    """Images, each as (what it shows, a word above it, its data URI), over a caption."""
    drawn = "".join(
        f'<div><span>{_safe(word)}</span><img alt="{_safe(shows)}" src="{uri}"></div>'
        for shows, word, uri in images
        if uri
    )
    missing = _note("The image is not at hand: give the folder it is in, by --images or in Python by images=.")
    shown = f'<div class="pair">{drawn}</div>' if drawn else missing
    caption = f"<figcaption><b>{_safe(image_url[-120:])}</b><br>{_safe(says)}</figcaption>"
    return f'<figure data-classes="{escape(json.dumps(list(classes)))}">{shown}{caption}</figure>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = [[_safe(cell) for cell in row] for row in rows]
    lines = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in body]
    return f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{''.join(lines)}</table>"


def _scroll(content: str, name: str) -> str:
    """A part that scrolls by itself, by keyboard, too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{_safe(name)}">{content}</div>'


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_safe(title)}</h2>{content}</section>"


def _row(sections: Sequence[str]) -> str:
    return f'<div class="row">{"".join(sections)}</div>'


def _note(text: str) -> str:
    return f'<p class="note">{_safe(text)}</p>'


def _page(title: str, parts: Sequence[str], data: dict[str, Any]) -> str:
    embedded = json.dumps(data).replace("<", "\\u003c")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_safe(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{_safe(title)}</h1>{''.join(parts)}</main>"
        f'<script type="application/json" id="data">{embedded}</script><script>{_SCRIPT}</script></body></html>'
    )


def _safe(text: str) -> str:
    """Text from outside as text: no tag, no attribute, no control character."""
    return escape(printable(text))

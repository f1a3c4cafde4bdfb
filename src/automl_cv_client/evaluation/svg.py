"""Draws the charts of a report as inline SVG: no script, no outside font, every label escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from automl_cv_client._text import printable
from automl_cv_client.drawing.palette import Color

if TYPE_CHECKING:
    from automl_cv_client.evaluation.report import CalibrationBin, Confusion, Curve

_MOST_CLASSES = 25
_MOST_CURVES = 12
_CELL = 26
_SIDE = 260


def confusion_svg(confusion: Confusion) -> str:
    """The confusion matrix as a table of shades; of many classes those with the most mistakes."""
    chosen = _most_confused(confusion)
    names = [confusion.labels[i] for i in chosen]
    counts = [[confusion.counts[i][j] for j in chosen] for i in chosen]
    left, top = 150, 135
    size = len(chosen) * _CELL
    parts = [_text(left + size / 2, 14, "predicted", "middle"), _text(4, top - 8, "labelled")]
    for i, name in enumerate(names):
        middle = i * _CELL + _CELL / 2
        parts.append(_text(left - 6, top + middle + 4, _short(name), "end"))
        parts.append(_text(left + middle + 4, top - 6, _short(name), "start", turned=True))
    for i, row in enumerate(counts):
        parts += _cells(row, i, (left, top + i * _CELL))
    return _svg(left + size + 90, top + size + 10, parts, "confusion matrix")


def _cells(row: Sequence[int], number: int, corner: tuple[int, int]) -> Iterator[str]:
    total = max(1, sum(row))
    for j, count in enumerate(row):
        share = count / total
        color = "22,101,52" if j == number else "185,28,28"
        x = corner[0] + j * _CELL
        yield (
            f'<rect x="{x}" y="{corner[1]}" width="{_CELL - 1}" height="{_CELL - 1}" '
            f'fill="rgba({color},{0.06 + 0.94 * share if count else 0.03:.2f})"/>'
        )
        if count:
            ink = "#fff" if share > 0.75 else "currentColor"
            yield _text(x + _CELL / 2 - 0.5, corner[1] + _CELL / 2 + 4, _count(count), "middle", ink)


def curves_svg(curves: Sequence[Curve], colors: Mapping[str, Color]) -> str:
    """Precision against recall; of many classes the worst ones, since those are looked for."""
    worst = sorted(curves, key=lambda curve: sum(curve.precision) / len(curve.precision))[:_MOST_CURVES]
    parts = _axes("recall", "precision")
    for number, curve in enumerate(worst):
        color = "rgb({},{},{})".format(*colors[curve.label])
        ends = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(_place, curve.recall, curve.precision))
        parts.append(
            f'<polyline points="{ends}" fill="none" stroke="currentColor" stroke-opacity=".5" stroke-width="3.6"/>'
        )
        parts.append(f'<polyline points="{ends}" fill="none" stroke="{color}" stroke-width="2.4"/>')
        y = 20 + number * 18
        parts.append(
            f'<rect x="{_SIDE + 70}" y="{y - 10}" width="12" height="12" fill="{color}" stroke="currentColor" '
            'stroke-opacity=".5"/>'
        )
        parts.append(_text(_SIDE + 88, y, _short(curve.label, 24)))
    return _svg(_SIDE + 260, _SIDE + 60, parts, "precision-recall curves")


def calibration_svg(bins: Sequence[CalibrationBin]) -> str:
    """How often the model is right (bars) against how sure it says it is (dashes)."""
    parts = _axes("confidence", "share right")
    for part in bins:
        if part.count and part.accuracy is not None:
            x, top = _place(part.low, part.accuracy)
            height = _place(0, 0)[1] - top
            parts.append(
                f'<rect x="{x + 1:.1f}" y="{top:.1f}" width="{_SIDE / 10 - 2:.1f}" height="{height:.1f}" '
                f'fill="#4f7cac"><title>{part.count} predictions</title></rect>'
            )
    (x1, y1), (x2, y2) = _place(0, 0), _place(1, 1)
    parts.append(f'<path d="M{x1} {y1}L{x2} {y2}" stroke="currentColor" stroke-dasharray="5 4"/>')
    return _svg(_SIDE + 70, _SIDE + 60, parts, "calibration")


def _most_confused(confusion: Confusion) -> list[int]:
    def mistakes(i: int) -> int:
        return sum(confusion.counts[i]) + sum(row[i] for row in confusion.counts) - 2 * confusion.counts[i][i]

    return sorted(sorted(range(len(confusion.labels)), key=lambda i: -mistakes(i))[:_MOST_CLASSES])


def _place(x: float, y: float) -> tuple[float, float]:
    return 50 + x * _SIDE, 10 + (1 - y) * _SIDE


def _axes(along: str, up: str) -> list[str]:
    parts = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        (x, bottom), (left, y) = _place(tick, 0), _place(0, tick)
        parts.append(f'<path d="M{x} 10V{bottom}M{left} {y}H{left + _SIDE}" stroke="#888" stroke-opacity=".35"/>')
        parts.append(_text(x, bottom + 16, f"{tick:g}", "middle"))
        parts.append(_text(left - 6, y + 4, f"{tick:g}", "end"))
    parts.append(_text(50 + _SIDE / 2, _SIDE + 46, along, "middle"))
    parts.append(_text(14, 10 + _SIDE / 2, up, "middle", turned=True))
    return parts


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{title}">'
        f"<title>{title}</title>{''.join(parts)}</svg>"
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", ink: str = "currentColor", *, turned: bool = False
) -> str:
    turn = f' transform="rotate(-60 {x:.1f} {y:.1f})"' if turned and anchor == "start" else ""
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned and anchor == "middle" else turn
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}"{turn}>{escape(printable(text))}</text>'


def _short(name: str, most: int = 18) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _count(count: int) -> str:
    return str(count) if count < 1000 else f"{count / 1000:.0f}k"

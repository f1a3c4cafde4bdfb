"""Draws the scores of a whole image as bars below or beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from automl_cv_client.drawing.lettering import clean, fitted, font_for, font_size, score_in_words, width_of
from automl_cv_client.drawing.palette import INK, PAPER, Color, color_of

if TYPE_CHECKING:
    from PIL.Image import Image

_TRACK: Color = (230, 231, 236)
_NARROWEST = 24
"""Width of the panel, at least, in heights of a letter."""


def draw_classes(image: Image, scores: Sequence[tuple[str, float]], title: str | None = None) -> Image:
    """A new RGB image: ``image`` with a panel of score bars, below a wide image and beside a tall one.

    Args:
        scores: (label, score) pairs, drawn in this order; score 0 to 1, a score that is not a number has no bar.
        title: a line above the bars.
    """
    canvas = image.convert("RGB")
    letters = font_size(canvas.size)
    rows = (title is not None) + len(scores)
    height = round((rows * 1.7 + 1.2) * letters) if rows else 0
    if canvas.height > 1.25 * canvas.width and height <= canvas.height:
        panel = _panel((max(canvas.width, _NARROWEST * letters), canvas.height), scores, title, letters)
        return _joined(canvas, panel, (canvas.width, 0))
    panel = _panel((max(canvas.width, _NARROWEST * letters), height), scores, title, letters)
    return _joined(canvas, panel, (0, canvas.height))


def _joined(image: Image, panel: Image, place: tuple[int, int]) -> Image:
    from PIL import Image

    width, height = max(image.width, place[0] + panel.width), max(image.height, place[1] + panel.height)
    canvas = Image.new("RGB", (width, height), PAPER)
    centred = (width - image.width) // 2 if place[0] == 0 else 0
    canvas.paste(image, (centred, 0))
    canvas.paste(panel, place)
    return canvas


def _panel(size: tuple[int, int], scores: Sequence[tuple[str, float]], title: str | None, letters: int) -> Image:
    from PIL import Image, ImageDraw

    panel = Image.new("RGB", size, PAPER)
    canvas = ImageDraw.Draw(panel)
    step, y = round(1.7 * letters), round(0.6 * letters) + round(0.85 * letters)
    if title is not None:
        _write(canvas, (letters, y), title, size[0] - 2 * letters, letters, "lm")
        y += step
    names = [clean(label) for label, _ in scores]
    column = min(0.45 * size[0], max((width_of(name, font_for(name, letters)) for name in names), default=0.0))
    for name, (label, score) in zip(names, scores, strict=True):
        _write(canvas, (letters, y), name, column, letters, "lm")
        _write(canvas, (size[0] - letters, y), score_in_words(score) or "n/a", 4 * letters, letters, "rm")
        _bar(canvas, (2 * letters + column, size[0] - 4.2 * letters), y, letters, score, color_of(label))
        y += step
    return panel


def _write(canvas: Any, place: tuple[float, float], text: str, room: float, letters: int, anchor: str) -> None:
    text = clean(text)
    font = font_for(text, letters)
    canvas.text(place, fitted(text, font, room), fill=INK, font=font, anchor=anchor)


def _bar(canvas: Any, ends: tuple[float, float], y: float, letters: int, score: float, color: Color) -> None:
    """A bar from ``ends[0]`` that would reach ``ends[1]`` at a score of 1."""
    left, right, half = round(ends[0]), round(ends[1]), round(0.42 * letters)
    if right - left < 2 * half:
        return
    canvas.rounded_rectangle((left, y - half, right, y + half), half, fill=_TRACK)
    share = min(max(score, 0.0), 1.0) if math.isfinite(score) else 0.0
    if share > 0:
        end = left + max(1, round(share * (right - left)))
        canvas.rounded_rectangle((left, y - half, end, y + half), min(half, (end - left) // 2), fill=color)

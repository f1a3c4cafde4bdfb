"""Draws the scores of a whole image as bars below or beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from automl_cv_client.drawing.lettering import clean, font_size, line_of, score_in_words
from automl_cv_client.drawing.palette import INK, PAPER, Color, color_from
from automl_cv_client.drawing.style import USUAL, Style

if TYPE_CHECKING:
    from PIL.Image import Image

_TRACK: Color = (230, 231, 236)
_BAR: Color = (22, 110, 220)
_NARROWEST = 24
"""Width of the panel, at least, in heights of a letter."""
_MOST = 10
"""Rows of bars; of more labels the last row says how many."""


def draw_classes(
    image: Image,
    scores: Sequence[tuple[str, float | None]],
    title: str | None = None,
    style: Style = USUAL,
) -> Image:
    """A new RGB image: ``image`` with a panel of score bars, below a wide image and beside a tall one.

    Args:
        image: upright.
        scores: (label, score) pairs, drawn in this order; score 0 to 1. A score that is not a number has no bar, nor
            has None, which is what people labelled. Of more than 10 the last line says how many there are.
        title: a line above the bars.
        style: of the letters; the colors of its labels are those of their bars.
    """
    photo = image.convert("RGB")
    letters = style.text or font_size(photo.size)
    shown = scores if len(scores) <= _MOST else scores[: _MOST - 1]
    more = len(scores) - len(shown)
    rows = (title is not None) + len(shown) + (more > 0)
    height = round((rows * 1.7 + 1.2) * letters) if rows else 0
    beside = photo.height > 1.25 * photo.width and height <= photo.height
    size = (max(photo.width, _NARROWEST * letters), photo.height if beside else height)
    panel = _panel(size, shown, title, letters, style, more)
    return _joined(photo, panel, (photo.width, 0) if beside else (0, photo.height))


def _joined(photo: Image, panel: Image, corner: tuple[int, int]) -> Image:
    from PIL import Image

    width, height = max(photo.width, corner[0] + panel.width), max(photo.height, corner[1] + panel.height)
    canvas = Image.new("RGB", (width, height), PAPER)
    centred = (width - photo.width) // 2 if corner[0] == 0 else 0
    canvas.paste(photo, (centred, 0))
    canvas.paste(panel, corner)
    return canvas


def _panel(
    size: tuple[int, int],
    scores: Sequence[tuple[str, float | None]],
    title: str | None,
    letters: int,
    style: Style,
    more: int,
) -> Image:
    from PIL import Image, ImageDraw

    panel = Image.new("RGB", size, PAPER)
    canvas = ImageDraw.Draw(panel)
    step, y = round(1.7 * letters), round(0.6 * letters) + round(0.85 * letters)
    if title is not None:
        line_of(clean(title), letters, size[0] - 2 * letters, style.font).draw(canvas, letters, y, INK)
        y += step
    names = [clean(label) for label, _ in scores]
    column = min(0.45 * size[0], max((line_of(name, letters, font=style.font).width for name in names), default=0.0))
    for name, (label, score) in zip(names, scores, strict=True):
        line_of(name, letters, column, style.font).draw(canvas, letters, y, INK)
        chosen = (style.colors or {}).get(label)
        if score is not None:
            words = line_of(score_in_words(score) or "n/a", letters, 4 * letters)
            words.draw(canvas, size[0] - letters - words.width, y, INK)
            ends = (2 * letters + column, size[0] - 4.2 * letters)
            _bar(canvas, ends, y, letters, score, color_from(chosen) if chosen else _BAR)
        y += step
    if more:
        line_of(f"… and {more} more", letters, size[0] - 2 * letters).draw(canvas, letters, y, INK)
    return panel


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

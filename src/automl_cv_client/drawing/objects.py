"""Draws found objects on an image: filled polygons, boxes, and a name tag for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl_cv_client._numbers import rank
from automl_cv_client.drawing.labels import Tag, draw_tags
from automl_cv_client.drawing.lettering import clean, font_size, score_in_words
from automl_cv_client.drawing.marks import Bounds, ObjectMark, bounds_of, rings_of
from automl_cv_client.drawing.palette import color_of
from automl_cv_client.drawing.shapes import fill_polygons, outline_box, outline_polygons

if TYPE_CHECKING:
    from PIL.Image import Image

_OPACITY = 0.42
"""Of filled polygons: the object stays recognisable, its colour too."""


def draw_objects(image: Image, marks: Sequence[ObjectMark]) -> Image:
    """A new RGB image of the same size with the marks drawn on it, those with high scores on top.

    Polygons are filled by the even-odd rule, so holes stay clear. Marks outside the image and coordinates
    that are not finite are left out.
    """
    canvas = image.convert("RGB") if image.mode != "RGB" else image.copy()
    if min(canvas.size) < 1:
        return canvas
    letters = font_size(canvas.size)
    line = max(2, round(letters / 6))
    drawable = _from_low_to_high(marks, canvas.size)
    for mark, _ in drawable:
        fill_polygons(canvas, rings_of(mark, canvas.size), color_of(mark.label), _OPACITY)
    for mark, box in drawable:
        rings = rings_of(mark, canvas.size)
        outline_polygons(canvas, rings, color_of(mark.label), line)
        outline_box(canvas, box, color_of(mark.label), max(1, line // 2) if rings else line)
    tags = [Tag(_text(mark), box, color_of(mark.label)) for mark, box in reversed(drawable)]
    draw_tags(canvas, tags, letters)
    return canvas


def _from_low_to_high(marks: Sequence[ObjectMark], size: tuple[int, int]) -> list[tuple[ObjectMark, Bounds]]:
    pairs = [(mark, bounds_of(mark, size)) for mark in marks]
    drawable = [(mark, box) for mark, box in pairs if box is not None]
    return sorted(drawable, key=lambda pair: -rank(pair[0].score))


def _text(mark: ObjectMark) -> str:
    return f"{clean(mark.label)} {score_in_words(mark.score)}".strip()

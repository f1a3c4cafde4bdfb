"""Draws objects on an image: filled outlines, boxes, and a name tag for each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from automl_cv_client._numbers import rank
from automl_cv_client.annotations import Annotation
from automl_cv_client.drawing.labels import Tag, draw_tags
from automl_cv_client.drawing.lettering import clean, font_size, score_in_words
from automl_cv_client.drawing.palette import Color, color_of, colors_of
from automl_cv_client.drawing.shapes import Bounds, Ring, blur, fill_polygons, outline_box, outline_polygons
from automl_cv_client.drawing.style import USUAL, Style
from automl_cv_client.geometry import points, scale_segment

if TYPE_CHECKING:
    from PIL.Image import Image

_OPACITY = 0.42
"""Of filled polygons: the object stays recognisable, its color too."""


class Look(NamedTuple):
    """How one object is drawn where its class does not say it, as in a report: found, missed or invented.

    Attributes:
        color: of its lines and its tag.
        dashed: whether its box is dashed.
        word: in its tag, before the label.
    """

    color: Color
    dashed: bool = False
    word: str = ""


class _Drawable(NamedTuple):
    item: Annotation
    box: Bounds
    rings: list[Ring]
    look: Look


def draw_objects(
    image: Image,
    objects: Sequence[Annotation],
    style: Style = USUAL,
    colors: Mapping[str, Color] | None = None,
    looks: Sequence[Look] | None = None,
) -> Image:
    """A new RGB image of the same size with the objects drawn on it, those with high scores on top.

    Outlines are filled by the even-odd rule, so holes stay clear. Objects outside the image and coordinates
    that are not finite are left out.

    Args:
        image: upright.
        objects: in fractions of the image.
        style: what is drawn, and how; its threshold is the caller's to apply.
        colors: of the labels; by default those of the labels that occur.
        looks: of each object, in place of its label's color.
    """
    canvas = image.convert("RGB") if image.mode != "RGB" else image.copy()
    if min(canvas.size) < 1:
        return canvas
    by_label = colors_of((item.label for item in objects), style.colors) if colors is None else colors
    drawables = [
        _Drawable(item, box, rings_of(item, canvas.size), look)
        for item, look in zip(objects, looks or [_look(item, by_label) for item in objects], strict=True)
        if (box := bounds_of(item, canvas.size)) is not None
    ]
    drawables.sort(key=lambda drawable: -rank(_score(drawable.item)))
    if style.blur:
        for drawable in drawables:
            blur(canvas, drawable.box, drawable.rings)
    line = style.line or max(2, round(font_size(canvas.size) / 6))
    _draw_shapes(canvas, drawables, style, line)
    if style.labels or style.scores:
        tags = [_tag(drawable, style) for drawable in reversed(drawables)]
        draw_tags(canvas, tags, style.text, style.font)
    return canvas


def bounds_of(item: Annotation, size: tuple[int, int]) -> Bounds | None:
    """The part of the object's box, or without one of its outline, that lies in the image, in pixels; else None."""
    corners = [tuple(item.box.to_pixels(size))] if all(map(math.isfinite, item.box)) else []
    if not corners:
        columns = (zip(*ring, strict=True) for ring in rings_of(item, size))
        corners = [(min(xs), min(ys), max(xs), max(ys)) for xs, ys in columns]
    if not corners:
        return None
    lefts, tops, rights, bottoms = zip(*corners, strict=True)
    left, right = sorted((min(lefts), max(rights)))
    top, bottom = sorted((min(tops), max(bottoms)))
    width, height = size
    if left > width or top > height or right < 0 or bottom < 0:
        return None
    return max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)


def rings_of(item: Annotation, size: tuple[int, int]) -> list[Ring]:
    """The corners of the segments that enclose something, in pixels, kept within a few image sizes of the image."""
    rings: list[Ring] = []
    for segment in item.polygons or ():
        if all(map(math.isfinite, segment)):
            ring = [(_near(x, size[0]), _near(y, size[1])) for x, y in points(scale_segment(segment, size))]
            if len(set(ring)) >= 3:
                rings.append(ring)
    return rings


def _draw_shapes(canvas: Image, drawables: Sequence[_Drawable], style: Style, line: int) -> None:
    if style.masks and not style.blur:
        for drawable in drawables:
            fill_polygons(canvas, drawable.rings, drawable.look.color, _OPACITY)
    for drawable in drawables:
        outlined = style.masks and bool(drawable.rings)
        if outlined:
            outline_polygons(canvas, drawable.rings, drawable.look.color, line)
        if style.boxes:
            width = max(1, line // 2) if outlined else line
            outline_box(canvas, drawable.box, drawable.look.color, width, dashed=drawable.look.dashed)


def _look(item: Annotation, colors: Mapping[str, Color]) -> Look:
    return Look(colors.get(item.label) or color_of(item.label))


def _tag(drawable: _Drawable, style: Style) -> Tag:
    """Its texts from the longest to the shortest: the score goes first, then the label."""
    item, look = drawable.item, drawable.look
    label = f"{look.word} {clean(item.label)}".strip() if style.labels else ""
    score = score_in_words(item.score) if style.scores else ""
    texts = tuple(dict.fromkeys(text for text in (f"{label} {score}".strip(), label or score) if text))
    return Tag(texts, drawable.box, look.color)


def _score(item: Annotation) -> float:
    return 1.0 if item.score is None else item.score


def _near(value: float, extent: int) -> float:
    return min(max(value, -2.0 * extent), 3.0 * extent)

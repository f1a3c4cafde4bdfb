"""Places the name tags of objects inside the image, where they hide each other least."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from automl_cv_client.drawing.lettering import fitted, font_for, width_of
from automl_cv_client.drawing.marks import Bounds
from automl_cv_client.drawing.palette import Color, ink_on

if TYPE_CHECKING:
    from PIL.Image import Image


class Tag(NamedTuple):
    """A name tag: its text, the box it names, and the colour it shares with it."""

    text: str
    box: Bounds
    color: Color


class _Placed(NamedTuple):
    tag: Tag
    text: str
    left: int
    top: int
    right: int
    bottom: int

    def overlaps(self, other: _Placed) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def draw_tags(image: Image, tags: Iterable[Tag], letters: int) -> None:
    """Draws tags with ``letters`` pixels high text, the most important first: that one has its best place."""
    placed: list[_Placed] = []
    for tag in tags:
        places = list(_places(tag, image.size, letters))
        free = (place for place in places if not any(place.overlaps(other) for other in placed))
        if places:
            placed.append(next(free, places[0]))
    for place in reversed(placed):
        _draw(image, place, letters)


def _places(tag: Tag, size: tuple[int, int], letters: int) -> Iterator[_Placed]:
    """Above the box, inside its top, below it, inside its bottom; always within the image."""
    pad = max(2, letters // 4)
    text = fitted(tag.text, font_for(tag.text, letters), size[0] - 2 * pad)
    if not text:
        return
    width = round(width_of(text, font_for(tag.text, letters))) + 2 * pad
    height = min(size[1], letters + letters // 2)
    left, top, right, bottom = (round(value) for value in tag.box)
    for x in (left, right - width):
        x = max(0, min(x, size[0] - width))
        for y in (top - height, top, bottom, bottom - height):
            y = max(0, min(y, size[1] - height))
            yield _Placed(tag, text, x, y, x + width, y + height)


def _draw(image: Image, place: _Placed, letters: int) -> None:
    from PIL import ImageDraw

    canvas = ImageDraw.Draw(image)
    corner = min(letters // 5, (place.bottom - place.top) // 2)
    canvas.rounded_rectangle((place.left, place.top, place.right - 1, place.bottom - 1), corner, fill=place.tag.color)
    font = font_for(place.tag.text, letters)
    middle = ((place.left + place.right) / 2, (place.top + place.bottom) / 2)
    canvas.text(middle, place.text, fill=ink_on(place.tag.color), font=font, anchor="mm")

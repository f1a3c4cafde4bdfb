"""Places the name tags of objects inside the image, where they hide each other and other objects least.

Many tags get smaller letters. Then each tag, the most important object first, is tried at places around its box; taken
is the one that covers least. Once all have a place, each is moved to a better one, if there is any, now that the others
are known. An object that is smaller than its tag loses the score first, then the label, when there are many.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from automl_cv_client.drawing.lettering import Line, font_size, line_of
from automl_cv_client.drawing.palette import Color, ink_on
from automl_cv_client.drawing.shapes import Bounds

if TYPE_CHECKING:
    from PIL.Image import Image

_FEW = 8
"""Objects up to which every tag is written whole."""
_SHARE = 0.12
"""Of the image, that tags may cover before their letters get smaller."""
_LEAST_SIZE = 9
_LEAST_SHARE = 0.45
"""Of the usual height: letters are never smaller than this."""
_ROUNDS = 3
_MOST_COVERED = 0.2
"""Of a tag, by other tags: one of many that is covered more than that is left out."""
_WITH_SCORE, _WITHOUT = 0.6, 1.2
"""How large a tag may be, in areas of its box, when there are many."""


class Tag(NamedTuple):
    """A name tag: its text, whole and shortened, the box it names, and the color it shares with it."""

    texts: tuple[str, ...]
    box: Bounds
    color: Color


class Placed(NamedTuple):
    """A tag at a place in the image, in whole pixels."""

    tag: Tag
    line: Line
    left: int
    top: int
    right: int
    bottom: int


def draw_tags(image: Image, tags: Sequence[Tag], size: int | None = None, font: str | None = None) -> None:
    """Draw tags, the most important first: that one has its best place, and lies on top.

    Args:
        image: RGB; it is drawn on.
        tags: of the objects.
        size: height of the letters in pixels; chosen by default.
        font: as for :func:`line_of`.
    """
    for placed in reversed(placed_tags(tags, image.size, size, font)):
        _draw(image, placed)


def placed_tags(
    tags: Sequence[Tag], image: tuple[int, int], size: int | None = None, font: str | None = None
) -> list[Placed]:
    """Where each tag goes; those of small objects may be left out."""
    letters = size or letters_for(tags, image, font)
    options = [_places(tag, image, letters, font, many=len(tags) > _FEW) for tag in tags]
    boxes = _Grid(image)
    for number, tag in enumerate(tags):
        boxes.add(number, tag.box)
    taken = _Grid(image)
    chosen: dict[int, Placed] = {}
    for _ in range(_ROUNDS):
        moved = False
        for number, places in enumerate(options):
            if not places:
                continue
            best = min(places, key=lambda place: _cost(place, places.index(place), number, taken, boxes))
            if chosen.get(number) != best:
                moved = True
                chosen[number] = best
                taken.add(number, best[2:])
        if not moved:
            break
    if len(tags) > _FEW:
        for number in sorted(chosen, reverse=True):  # the least important first
            rectangle = chosen[number][2:]
            if taken.covered(number, rectangle) > _MOST_COVERED * _area(rectangle):
                taken.remove(number)
                del chosen[number]
    return [chosen[number] for number in sorted(chosen)]


def letters_for(tags: Sequence[Tag], image: tuple[int, int], font: str | None = None) -> int:
    """Height of letters: the usual one, or a smaller one where tags would cover much of the image."""
    usual = font_size(image)
    if len(tags) <= 1:
        return usual
    covered = sum(line_of(tag.texts[0], usual, font=font).width for tag in tags if tag.texts) * 1.5 * usual
    share = covered / (image[0] * image[1])
    smaller = usual * min(1.0, math.sqrt(_SHARE / share)) if share > 0 else usual
    return max(min(usual, _LEAST_SIZE), round(max(smaller, _LEAST_SHARE * usual)))


def _places(tag: Tag, image: tuple[int, int], letters: int, font: str | None, *, many: bool) -> list[Placed]:
    """Places for the tag, the usual ones first: above the box, inside its top, below it, inside its bottom, beside."""
    pad = max(2, letters // 4)
    line = _fitting(tag, letters, image[0] - 2 * pad, font, many=many)
    if line is None:
        return []
    width, height = round(line.width) + 2 * pad, min(image[1], letters + letters // 2)
    left, top, right, bottom = (round(edge) for edge in tag.box)
    corners = [(x, y) for y in (top - height, top, bottom, bottom - height) for x in (left, right - width)]
    corners += [(right, top), (left - width, top), (right, bottom - height), (left - width, bottom - height)]
    inside = dict.fromkeys((max(0, min(x, image[0] - width)), max(0, min(y, image[1] - height))) for x, y in corners)
    return [Placed(tag, line, x, y, x + width, y + height) for x, y in inside]


def _fitting(tag: Tag, letters: int, room: float, font: str | None, *, many: bool) -> Line | None:
    """The longest of the tag's texts that suits its box; of few objects the whole text, whatever the box."""
    area = (tag.box[2] - tag.box[0]) * (tag.box[3] - tag.box[1])
    for number, text in enumerate(tag.texts):
        line = line_of(text, letters, room, font)
        most = area * (_WITH_SCORE if number == 0 and len(tag.texts) > 1 else _WITHOUT)
        if line.runs and (not many or line.width * letters * 1.5 <= most):
            return line
    return None


def _cost(place: Placed, order: int, number: int, taken: _Grid, boxes: _Grid) -> float:
    """What a place covers, in square pixels: other tags count most, other objects little, and an unusual place less."""
    rectangle = place[2:]
    unusual = 0.01 * order * _area(rectangle)
    return 10 * taken.covered(number, rectangle) + 0.2 * boxes.covered(number, rectangle) + unusual


class _Grid:
    """Rectangles, found by the cells of the image they lie in, so that a thousand tags do not meet a million."""

    def __init__(self, image: tuple[int, int]) -> None:
        self._cell = max(16.0, max(image) / 24)
        self._rectangles: dict[int, Sequence[float]] = {}
        self._cells: dict[tuple[int, int], set[int]] = defaultdict(set)

    def add(self, number: int, rectangle: Sequence[float]) -> None:
        """Put the rectangle of this number there, in place of an earlier one."""
        self.remove(number)
        self._rectangles[number] = rectangle
        for cell in self._of(rectangle):
            self._cells[cell].add(number)

    def remove(self, number: int) -> None:
        """Take the rectangle of this number away, if there is one."""
        for cell in self._of(self._rectangles.pop(number, ())):
            self._cells[cell].discard(number)

    def covered(self, number: int, rectangle: Sequence[float]) -> float:
        """Square pixels of the rectangle that others cover, each counted by itself."""
        near: set[int] = set().union(*(self._cells.get(cell, ()) for cell in self._of(rectangle)))
        return sum(_overlap(rectangle, self._rectangles[other]) for other in near if other != number)

    def _of(self, rectangle: Sequence[float]) -> Iterator[tuple[int, int]]:
        if not rectangle:
            return iter(())
        left, top, right, bottom = (int(edge / self._cell) for edge in rectangle)
        return ((x, y) for x in range(left, right + 1) for y in range(top, bottom + 1))


def _area(rectangle: Sequence[float]) -> float:
    return (rectangle[2] - rectangle[0]) * (rectangle[3] - rectangle[1])


def _overlap(first: Sequence[float], other: Sequence[float]) -> float:
    width = min(first[2], other[2]) - max(first[0], other[0])
    height = min(first[3], other[3]) - max(first[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _draw(image: Image, placed: Placed) -> None:
    from PIL import ImageDraw

    canvas = ImageDraw.Draw(image)
    corner = min(placed.line.size // 5, (placed.bottom - placed.top) // 2)
    box = (placed.left, placed.top, placed.right - 1, placed.bottom - 1)
    canvas.rounded_rectangle(box, corner, fill=placed.tag.color)
    start = (placed.left + placed.right - placed.line.width) / 2
    placed.line.draw(canvas, start, (placed.top + placed.bottom) / 2, ink_on(placed.tag.color))

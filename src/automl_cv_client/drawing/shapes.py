"""Boxes and polygons with smooth edges, drawn into an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl_cv_client.drawing.palette import Color, ink_on

if TYPE_CHECKING:
    from PIL.Image import Image

Bounds = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

Ring = Sequence[tuple[float, float]]
_SMOOTHED_UP_TO = 1_500_000
"""Square pixels of a mask drawn larger for smooth edges. Larger images are viewed reduced, which smooths them."""
_FINER = 4
_RIM = 0.5
"""Opacity of the thin edge around lines, black or white, so that each color is seen on every background."""
_DASH = 4
"""Length of a dash in thicknesses of its line; the gap is half as long."""
_CELLS = 6
"""Of what is blurred, along its longer side: too few to be put together again."""


def fill_polygons(image: Image, rings: Sequence[Ring], color: Color, opacity: float) -> None:
    """Fills the area inside an odd number of rings."""
    masks = _Mask(rings, image.size, margin=1)
    if masks.empty:
        return
    from PIL import Image, ImageChops, ImageDraw

    area = Image.new("L", masks.size, 0)
    for ring in rings:
        inside = Image.new("L", masks.size, 0)
        ImageDraw.Draw(inside).polygon(masks.place(ring), fill=255)
        area = ImageChops.difference(area, inside)  # of 0 and 255: exclusive or, the even-odd rule
    masks.paste(image, area, color, opacity)


def outline_polygons(image: Image, rings: Sequence[Ring], color: Color, width: int) -> None:
    """Draws the rings as closed lines, ``width`` pixels thick, over a thin rim of black or white."""
    for extra, ink, opacity in ((2, ink_on(color), _RIM), (0, color, 1.0)):
        masks = _Mask(rings, image.size, margin=width + 3)
        if masks.empty:
            return
        from PIL import Image, ImageDraw

        lines = Image.new("L", masks.size, 0)
        for ring in rings:
            corners = masks.place([*ring, *ring[:2]])
            ImageDraw.Draw(lines).line(corners, fill=255, width=(width + extra) * masks.finer, joint="curve")
        masks.paste(image, lines, ink, opacity)


def outline_box(image: Image, box: Bounds, color: Color, width: int, *, dashed: bool = False) -> None:
    """Draws a box whose line lies inside its bounds, over a thin rim of black or white."""
    from PIL import Image, ImageDraw

    left, top, right, bottom = _whole(box, image.size)
    width = min(width, 1 + min(right - left, bottom - top) // 2)  # of a tiny box the line would be wider than itself
    edge = Image.new("L", (right - left + 3, bottom - top + 3), 0)
    rim = ImageDraw.Draw(edge)
    rim.rectangle((0, 0, edge.width - 1, edge.height - 1), outline=round(255 * _RIM), width=width + 2)
    image.paste(ink_on(color), (left - 1, top - 1), edge)
    canvas = ImageDraw.Draw(image)
    if not dashed:
        canvas.rectangle((left, top, right, bottom), outline=color, width=width)
        return
    step, dash = max(3, round(1.5 * _DASH * width)), _DASH * width
    for x in range(left, right + 1, step):
        for y in (top, bottom - width + 1):
            canvas.rectangle((x, y, min(x + dash - 1, right), y + width - 1), fill=color)
    for y in range(top, bottom + 1, step):
        for x in (left, right - width + 1):
            canvas.rectangle((x, y, x + width - 1, min(y + dash - 1, bottom)), fill=color)


def blur(image: Image, box: Bounds, rings: Sequence[Ring]) -> None:
    """Makes what is inside the rings, or without them inside the box, unrecognisable: a few large cells."""
    from PIL import Image, ImageChops, ImageDraw
    from PIL.Image import Resampling

    left, top, right, bottom = _whole(box, image.size)
    part = image.crop((left, top, right + 1, bottom + 1))
    share = _CELLS / max(part.size)
    if share < 1:
        cells = part.resize((max(1, round(part.width * share)), max(1, round(part.height * share))), Resampling.BOX)
        part = cells.resize(part.size, Resampling.BICUBIC)
    mask = Image.new("L", part.size, 0 if rings else 255)
    for ring in rings:
        inside = Image.new("L", part.size, 0)
        ImageDraw.Draw(inside).polygon([(x - left - 0.5, y - top - 0.5) for x, y in ring], fill=255)
        mask = ImageChops.difference(mask, inside)
    image.paste(part, (left, top), mask)


def _whole(box: Bounds, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The first and the last column and row of a box, at least one of each."""
    left, top = min(round(box[0]), size[0] - 1), min(round(box[1]), size[1] - 1)
    return left, top, max(left, round(box[2]) - 1), max(top, round(box[3]) - 1)


class _Mask:
    """The part of the image that the rings touch, drawn finer than it is when it is small."""

    def __init__(self, rings: Sequence[Ring], size: tuple[int, int], margin: int) -> None:
        xs = [x for ring in rings for x, _ in ring] or [-9.0 * margin]
        ys = [y for ring in rings for _, y in ring] or [-9.0 * margin]
        self.left, self.top = max(0, int(min(xs)) - margin), max(0, int(min(ys)) - margin)
        self.width = min(size[0], int(max(xs)) + margin + 1) - self.left
        self.height = min(size[1], int(max(ys)) + margin + 1) - self.top
        self.empty = self.width <= 0 or self.height <= 0
        self.finer = _FINER if self.width * self.height <= _SMOOTHED_UP_TO else 1
        self.size = (self.width * self.finer, self.height * self.finer)

    def place(self, ring: Ring) -> list[tuple[float, float]]:
        # Pillow counts from pixel centres, polygons from pixel edges: half a pixel apart.
        return [((x - self.left) * self.finer - 0.5, (y - self.top) * self.finer - 0.5) for x, y in ring]

    def paste(self, image: Image, mask: Image, color: Color, opacity: float) -> None:
        from PIL.Image import Resampling

        if self.finer > 1:
            mask = mask.resize((self.width, self.height), Resampling.BOX)
        if opacity < 1:
            mask = mask.point([round(value * opacity) for value in range(256)])
        image.paste(color, (self.left, self.top), mask)

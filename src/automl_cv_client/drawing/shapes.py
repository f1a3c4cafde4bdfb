"""Boxes and polygons with smooth edges, drawn into an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from automl_cv_client.drawing.marks import Bounds
from automl_cv_client.drawing.palette import Color

if TYPE_CHECKING:
    from PIL.Image import Image

Ring = Sequence[tuple[float, float]]
_SMOOTHED_UP_TO = 1_500_000
"""Square pixels of a mask drawn larger for smooth edges. Larger images are viewed reduced, which smooths them."""
_FINER = 4


def fill_polygons(image: Image, rings: Sequence[Ring], color: Color, opacity: float) -> None:
    """Fills the area inside an odd number of rings."""
    masks = _Mask(rings, image.size, margin=1)
    if masks.empty:
        return
    from PIL import Image, ImageChops, ImageDraw

    area = Image.new("L", masks.size, 0)
    for ring in rings:
        one = Image.new("L", masks.size, 0)
        ImageDraw.Draw(one).polygon(masks.place(ring), fill=255)
        area = ImageChops.difference(area, one)  # of 0 and 255: exclusive or, the even-odd rule
    masks.paste(image, area, color, opacity)


def outline_polygons(image: Image, rings: Sequence[Ring], color: Color, width: int) -> None:
    """Draws the rings as closed lines, ``width`` pixels thick, over a thin dark edge."""
    for extra, ink, opacity in ((2, (0, 0, 0), 0.35), (0, color, 1.0)):
        masks = _Mask(rings, image.size, margin=width + 3)
        if masks.empty:
            return
        from PIL import Image, ImageDraw

        lines = Image.new("L", masks.size, 0)
        for ring in rings:
            corners = masks.place([*ring, *ring[:2]])
            ImageDraw.Draw(lines).line(corners, fill=255, width=(width + extra) * masks.finer, joint="curve")
        masks.paste(image, lines, ink, opacity)


def outline_box(image: Image, box: Bounds, color: Color, width: int) -> None:
    """Draws a box whose line lies inside its bounds, over a thin dark edge."""
    from PIL import Image, ImageDraw

    left, top = min(round(box[0]), image.width - 1), min(round(box[1]), image.height - 1)
    right, bottom = max(left, round(box[2]) - 1), max(top, round(box[3]) - 1)
    edge = Image.new("L", (right - left + 3, bottom - top + 3), 0)
    ImageDraw.Draw(edge).rectangle((0, 0, edge.width - 1, edge.height - 1), outline=90, width=width + 2)
    image.paste((0, 0, 0), (left - 1, top - 1), edge)
    ImageDraw.Draw(image).rectangle((left, top, right, bottom), outline=color, width=width)


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

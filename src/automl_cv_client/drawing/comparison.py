"""Two drawn images side by side, each under its title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_cv_client.drawing.lettering import clean, font_size, line_of
from automl_cv_client.drawing.palette import INK, PAPER

if TYPE_CHECKING:
    from PIL.Image import Image


def side_by_side(left: Image, right: Image, titles: tuple[str, str] = ("", "")) -> Image:
    """A new RGB image of both at one height, that of the lower one; titles above where there are any."""
    from PIL import Image, ImageDraw

    height = min(left.height, right.height)
    images = [_at_height(image, height) for image in (left, right)]
    letters = font_size(images[0].size)
    gap = max(4, letters // 2)
    head = round(1.8 * letters) if any(titles) else 0
    canvas = Image.new("RGB", (sum(image.width for image in images) + gap, height + head), PAPER)
    draw = ImageDraw.Draw(canvas)
    x = 0
    for image, title in zip(images, titles, strict=True):
        canvas.paste(image, (x, head))
        line_of(clean(title), letters, image.width - letters).draw(draw, x + letters / 2, head / 2, INK)
        x += image.width + gap
    return canvas


def _at_height(image: Image, height: int) -> Image:
    if image.height == height:
        return image.convert("RGB")
    return image.convert("RGB").resize((max(1, round(image.width * height / image.height)), height))

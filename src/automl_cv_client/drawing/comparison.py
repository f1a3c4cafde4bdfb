"""Two drawn pictures side by side, each under its title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_cv_client.drawing.lettering import clean, fitted, font_for, font_size
from automl_cv_client.drawing.palette import INK, PAPER

if TYPE_CHECKING:
    from PIL.Image import Image


def side_by_side(left: Image, right: Image, titles: tuple[str, str] = ("", "")) -> Image:
    """A new RGB picture of both at one height, that of the lower one; titles above where there are any."""
    from PIL import Image, ImageDraw

    height = min(left.height, right.height)
    pictures = [_at_height(picture, height) for picture in (left, right)]
    letters = font_size(pictures[0].size)
    gap = max(4, letters // 2)
    head = round(1.8 * letters) if any(titles) else 0
    canvas = Image.new("RGB", (sum(one.width for one in pictures) + gap, height + head), PAPER)
    draw = ImageDraw.Draw(canvas)
    x = 0
    for picture, title in zip(pictures, titles, strict=True):
        canvas.paste(picture, (x, head))
        text = clean(title)
        font = font_for(text, letters)
        text = fitted(text, font, picture.width - letters)
        draw.text((x + letters / 2, head / 2), text, fill=INK, font=font, anchor="lm")
        x += picture.width + gap
    return canvas


def _at_height(picture: Image, height: int) -> Image:
    if picture.height == height:
        return picture.convert("RGB")
    return picture.convert("RGB").resize((max(1, round(picture.width * height / picture.height)), height))

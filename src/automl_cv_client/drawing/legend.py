"""A caption below an image, with the scale of its color map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_cv_client.drawing.colormaps import colored
from automl_cv_client.drawing.lettering import clean, font_size, line_of
from automl_cv_client.drawing.palette import INK, PAPER

if TYPE_CHECKING:
    from PIL.Image import Image


def captioned(image: Image, words: str, colormap: str, ends: tuple[str, str]) -> Image:
    """A new RGB image: ``image`` above a line of ``words`` and the colors from the lowest value to the highest one.

    Args:
        image: RGB.
        words: the caption; what does not fit is cut.
        colormap: a name of :data:`COLORMAPS`.
        ends: what the first and the last color mean.
    """
    import numpy as np
    from PIL import Image as images
    from PIL import ImageDraw

    letters = font_size(image.size)
    step, pad = round(1.7 * letters), letters
    canvas = images.new("RGB", (image.width, image.height + 2 * step + letters // 2), PAPER)
    canvas.paste(image, (0, 0))
    draw = ImageDraw.Draw(canvas)
    first, second = image.height + 0.6 * step, image.height + 1.6 * step
    line_of(" ".join(words.split()), letters, image.width - 2 * pad).draw(draw, pad, first, INK)
    low, high = (line_of(clean(end), letters, image.width / 4) for end in ends)
    left = round(pad + low.width + letters / 2)
    width = image.width - left - round(high.width + letters / 2) - pad
    low.draw(draw, pad, second, INK)
    if width > letters:
        shares = np.tile(np.linspace(0, 1, width, dtype=np.float32), (max(1, letters // 2), 1))
        scale = images.fromarray(colored(shares, colormap))
        canvas.paste(scale, (left, round(second - scale.height / 2)))
        high.draw(draw, left + width + letters / 2, second, INK)
    return canvas

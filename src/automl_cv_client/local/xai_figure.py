"""The figure of an explanation as the service makes it: four panels, RGBA, 1157 x 1181 pixels, as PNG (§5)."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from automl_cv_client.drawing.colormaps import colored
from automl_cv_client.drawing.heat import heat, strongest
from automl_cv_client.drawing.lettering import line_of
from automl_cv_client.local.preprocessing import FloatArray

SIZE = (1157, 1181)
_PANEL = 520
_LEFT = (39, 598)
_TOP = (76, 646)
_PAPER = (255, 255, 255, 255)
_INK = (20, 20, 24)


def figure(view: Image.Image, attributions: FloatArray, title: str) -> bytes:
    """A PNG of: what the model saw, the attributions, both together, and the most important fifth.

    Args:
        view: RGB, what the model saw.
        attributions: ``[3, rows, columns]``.
        title: a line above the panels.
    """
    canvas = Image.new("RGBA", SIZE, _PAPER)
    drawing = ImageDraw.Draw(canvas)
    _write(drawing, SIZE[0] / 2, 22, title, 24)
    for number, (name, panel) in enumerate(_panels(view, attributions)):
        left, top = _LEFT[number % 2], _TOP[number // 2]
        canvas.paste(panel.resize((_PANEL, _PANEL), Image.Resampling.BICUBIC), (left, top))
        _write(drawing, left + _PANEL / 2, top - 15, name, 19)
    file = io.BytesIO()
    canvas.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _panels(view: Image.Image, attributions: FloatArray) -> list[tuple[str, Image.Image]]:
    values = heat(attributions, "positive")
    colors = colored(values, "inferno")
    pixels = np.asarray(view, dtype=np.float32)
    mixed = Image.fromarray((0.45 * pixels + 0.55 * colors).astype(np.uint8))
    top = strongest(attributions, 0.2, "positive")[..., np.newaxis]
    kept = Image.fromarray(np.where(top, pixels, 0.12 * pixels).astype(np.uint8))
    return [
        ("what the model sees", view),
        ("attributions", Image.fromarray(colors)),
        ("together", mixed),
        ("the 20 % that count most", kept),
    ]


def _write(drawing: ImageDraw.ImageDraw, x: float, y: float, text: str, letters: int) -> None:
    line = line_of(text, letters, SIZE[0] - 40)
    line.draw(drawing, x - line.width / 2, y, _INK)

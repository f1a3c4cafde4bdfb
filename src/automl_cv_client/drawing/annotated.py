"""Draws an annotated image: its objects on it, or the scores of its labels beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from automl_cv_client._numbers import checked_threshold
from automl_cv_client.annotations import AnnotatedImage, SupportsAnnotated
from automl_cv_client.drawing.classes import draw_classes
from automl_cv_client.drawing.lettering import font_size, line_of
from automl_cv_client.drawing.objects import draw_objects
from automl_cv_client.drawing.palette import INK, PAPER, Color
from automl_cv_client.drawing.style import USUAL, Style
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

_CLASSES_SHOWN = 5


def draw(
    image: Image,
    annotated: SupportsAnnotated,
    style: Style = USUAL,
    colors: Mapping[str, Color] | None = None,
) -> Image:
    """A new RGB image with what a result or a training row says of it.

    Args:
        image: upright.
        annotated: a result, a row or plain values.
        style: what is drawn, and how.
        colors: of the labels, where several images share them; by default those of the labels that occur.

    Raises:
        InvalidInput: a part of the style cannot be, such as an unknown color.
    """
    for name in ("line", "text"):
        pixels = getattr(style, name)
        if pixels is not None and (isinstance(pixels, bool) or not isinstance(pixels, int) or pixels < 1):
            raise InvalidInput(f"{name} must be whole pixels, 1 or more, not {pixels!r}")
    content = annotated.annotated()
    if style.threshold is not None:
        content = content.above(checked_threshold(style.threshold))
    if content.task.explainable:
        labels = content.present() if content.task is Task.MULTILABEL else content.ranked()[:_CLASSES_SHOWN]
        drawn = draw_classes(image, labels, style=style)
        nothing = not labels
    else:
        drawn = draw_objects(image, content.objects, style, colors)
        nothing = not content.objects
    return _with_note(drawn, content, style) if nothing and style.note else drawn


def _with_note(image: Image, content: AnnotatedImage, style: Style) -> Image:
    """The image with a line in its lower left corner that says that nothing was found."""
    from PIL import ImageDraw

    asked = style.threshold is not None or content.task is Task.MULTILABEL
    text = f"nothing above {content.threshold:g}" if asked else "nothing found"
    letters = style.text or font_size(image.size)
    pad = letters // 3
    line = line_of(text, letters, image.width - 4 * pad, style.font)
    top = image.height - 2 * pad - round(1.5 * letters)
    canvas = ImageDraw.Draw(image)
    box = (pad, top, round(line.width) + 3 * pad, top + round(1.5 * letters))
    canvas.rounded_rectangle(box, letters // 5, fill=PAPER)
    line.draw(canvas, 2 * pad, top + 0.75 * letters, INK)
    return image

"""How results are drawn: what a caller may choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from automl_cv_client.drawing.palette import Color

ColorChoice = str | Color
"""A color: ``"#f00"``, ``"#ff0000"``, a name that Pillow knows such as ``"red"``, or (red, green, blue), 0 to 255."""


class Style(NamedTuple):
    """How a result is drawn. Every part has a value that suits most images.

    Attributes:
        labels: write the label of each object.
        scores: write its score behind the label.
        boxes: draw the boxes.
        masks: fill the outlines of instances, and draw their edges.
        line: thickness of lines in pixels; by default it follows the size of the image.
        text: height of letters in pixels; by default it follows the size of the image and the number of objects.
        colors: colors of some labels; the others keep their own.
        threshold: draw only what has a score above it.
        blur: make the objects found unrecognisable, such as faces and number plates.
        font: a font file; by default one that has the letters of the label is looked for.
        note: write a line where there is nothing to draw, such as "nothing above 0.5".
    """

    labels: bool = True
    scores: bool = True
    boxes: bool = True
    masks: bool = True
    line: int | None = None
    text: int | None = None
    colors: Mapping[str, ColorChoice] | None = None
    threshold: float | None = None
    blur: bool = False
    font: str | None = None
    note: bool = False


USUAL = Style()
"""What is drawn when nothing else is asked for."""

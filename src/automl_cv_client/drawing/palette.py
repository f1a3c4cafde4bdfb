"""Colours of labels: the same label has the same colour in every image, run and process."""

from __future__ import annotations

import zlib

Color = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

PAPER: Color = (252, 252, 253)
INK: Color = (28, 28, 32)
"""What is drawn beside an image: the ground, and the letters on it."""

PALETTE: tuple[Color, ...] = (
    (255, 64, 85),
    (0, 168, 255),
    (255, 159, 10),
    (48, 209, 88),
    (191, 90, 242),
    (255, 214, 10),
    (0, 210, 200),
    (255, 105, 180),
    (94, 92, 230),
    (162, 220, 40),
    (255, 120, 70),
    (100, 210, 255),
    (214, 50, 150),
    (0, 150, 110),
    (222, 184, 100),
    (60, 110, 240),
    (240, 130, 240),
    (130, 190, 140),
    (200, 80, 40),
    (170, 160, 255),
)
"""Bright enough to be seen on dark images, saturated enough to be seen on light ones."""


def color_of(label: str) -> Color:
    """The colour of a label. Not Python's ``hash``, which differs from one process to the next."""
    return PALETTE[zlib.crc32(label.encode("utf-8", "replace")) % len(PALETTE)]


def ink_on(background: Color) -> Color:
    """Black or white, whichever is read more easily on a background.

    By WCAG's relative luminance both are equal at 0.18; on the saturated colours between that and 0.3 people
    read white more easily, and its contrast is still 3 to 1.
    """
    red, green, blue = ((value / 255) ** 2.2 for value in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if luminance > 0.3 else (255, 255, 255)

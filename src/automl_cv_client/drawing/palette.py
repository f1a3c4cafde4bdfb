"""Colors of labels: no two classes of an image, report or comparison share one, as long as there are 20 or fewer.

A label has a place in the palette by its name, the same in every image, run and process. Where two labels of one
image have the same place, the later one by the alphabet moves on to the next free one.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping

from automl_cv_client.errors import InvalidInput

Color = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

PAPER: Color = (252, 252, 253)
INK: Color = (28, 28, 32)
"""What is drawn beside an image: the ground, and the letters on it."""

PALETTE: tuple[Color, ...] = (
    (253, 26, 137),
    (22, 161, 254),
    (255, 176, 156),
    (0, 125, 90),
    (184, 33, 153),
    (248, 231, 157),
    (61, 212, 255),
    (255, 126, 192),
    (5, 0, 255),
    (189, 255, 9),
    (152, 6, 0),
    (140, 255, 240),
    (179, 112, 195),
    (110, 150, 0),
    (112, 51, 108),
    (120, 95, 255),
    (182, 166, 101),
    (144, 94, 1),
    (89, 0, 197),
    (150, 206, 21),
)
"""Found by a search for 20 colors that lie furthest apart, also for the three kinds of color blindness.

Distances are those of OKLab (Ottosson, 2020), where white and black are 1 apart: at least 0.13 between any two, and at
least 0.085 as people without one of the three cones see them (simulated after Machado, Oliveira and Fernandes, 2009).
"""

APART = 0.13
"""The least distance of two colors of the palette."""


def color_of(label: str) -> Color:
    """The color of a label by itself. Not by Python's ``hash``, which differs from one process to the next."""
    return PALETTE[_place_of(label)]


def colors_of(labels: Iterable[str], chosen: Mapping[str, str | Color] | None = None) -> dict[str, Color]:
    """A color for each label; of up to 20 labels no two share one.

    Args:
        labels: those of one image, report or comparison.
        chosen: colors of some labels, as ``"#f00"``, a name such as ``"red"``, or (red, green, blue). The others
            keep away from them.

    Raises:
        InvalidInput: a chosen color is none.

    >>> colors_of(["cat"], {"cat": "#f00"})
    {'cat': (255, 0, 0)}
    """
    colors = {label: color_from(color) for label, color in (chosen or {}).items()}
    given = list(colors.values())
    free = {place for place, color in enumerate(PALETTE) if all(distance(color, other) >= APART for other in given)}
    wanted = sorted(set(labels) - colors.keys())
    moved = []
    for label in wanted:
        if (place := _place_of(label)) in free:
            free.remove(place)
            colors[label] = PALETTE[place]
        else:
            moved.append(label)
    for label in moved:
        start = _place_of(label)
        place = min(free, key=lambda place: (place - start) % len(PALETTE), default=start)
        free.discard(place)
        colors[label] = PALETTE[place]
    return colors


def color_from(color: str | Color) -> Color:
    """A color in numbers. Raises InvalidInput for what is none."""
    if isinstance(color, str):
        from PIL import ImageColor

        try:
            red, green, blue = ImageColor.getrgb(color)[:3]
        except ValueError:
            raise InvalidInput(f"unknown color {color[:40]!r}: use one such as '#ff0000', '#f00' or 'red'") from None
        return red, green, blue
    if len(color) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in color):
        raise InvalidInput(f"unknown color {color!r}: use red, green and blue from 0 to 255, or such as '#ff0000'")
    return color[0], color[1], color[2]


def distance(first: Color, other: Color) -> float:
    """How far two colors are apart, in OKLab; black and white are 1 apart."""
    return math.dist(_oklab(first), _oklab(other))


def ink_on(background: Color) -> Color:
    """Black or white, whichever is read more easily on a background.

    By WCAG's relative luminance both are equal at 0.18; on the saturated colors between that and 0.3 people
    read white more easily, and its contrast is still 3 to 1.
    """
    red, green, blue = ((value / 255) ** 2.2 for value in background)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if luminance > 0.3 else (255, 255, 255)


def _place_of(label: str) -> int:
    return zlib.crc32(label.encode("utf-8", "replace")) % len(PALETTE)


def _oklab(color: Color) -> tuple[float, float, float]:
    red, green, blue = (_linear(part / 255) for part in color)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)

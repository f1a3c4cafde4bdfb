"""Text on images: fonts for any script, sizes that suit the image, labels cut to fit."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

LONGEST_LABEL = 48
_DEFAULT_FONT_ENDS = 0x250
_DEFAULT_FONT_ALSO = "…"
"""The font Pillow brings (Aileron) covers Latin up to there, and this."""
_WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "msyh.ttc",
    "PingFang.ttc",
    "wqy-microhei.ttc",
    "Arial Unicode.ttf",
    "DejaVuSans.ttf",
)
"""Fonts of other scripts that Linux, Windows and macOS may have; asked for in this order."""


def font_size(size: tuple[int, int]) -> int:
    """Height of letters in pixels for an image of ``size``: the same share of a small and of a large one."""
    return max(11, round(0.032 * math.sqrt(size[0] * size[1])))


def font_for(text: str, size: int) -> Any:
    """A font for ``text``, ``size`` pixels high. Letters it does not have are drawn as boxes."""
    font = _load(size, any(map(_is_wide, text)))
    try:
        font.getlength(text)
    except (OSError, RuntimeError, ValueError):  # text that the layout library of complex scripts gives up on
        return _load(size, False)
    return font


def _is_wide(letter: str) -> bool:
    return ord(letter) >= _DEFAULT_FONT_ENDS and letter not in _DEFAULT_FONT_ALSO


@lru_cache(maxsize=32)
def _load(size: int, wide: bool) -> Any:
    from PIL import ImageFont

    for name in _WIDE_FONTS if wide else ():
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def clean(text: str) -> str:
    """The text without control characters and with blanks made single, cut to ``LONGEST_LABEL`` letters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(text)[:1000])
    words = " ".join(printable.split())
    return words if len(words) <= LONGEST_LABEL else words[: LONGEST_LABEL - 1].rstrip() + "…"


def score_in_words(score: float) -> str:
    """
    >>> score_in_words(0.974), score_in_words(float("nan"))
    ('97%', '')
    """
    return f"{score:.0%}" if math.isfinite(score) else ""


def width_of(text: str, font: Any) -> float:
    """Pixels from the start of the text to the start of what follows it."""
    return float(font.getlength(text))


def fitted(text: str, font: Any, room: float) -> str:
    """The text, its end replaced by … until it is at most ``room`` pixels wide; may become empty."""
    if width_of(text, font) <= room:
        return text
    while text and width_of(text + "…", font) > room:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""

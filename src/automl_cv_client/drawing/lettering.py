"""Text on images: a font for each letter, sizes that suit the image, labels cut to fit.

Pillow brings a font of Latin letters. Others are looked for by name where the system keeps its fonts, script by script.
A line is cut into runs of one font each, as fonts of other scripts often lack digits and Latin letters.
"""

from __future__ import annotations

import math
import os
import unicodedata
import warnings
from functools import lru_cache
from typing import Any, NamedTuple

from automl_cv_client.errors import InvalidInput

LONGEST_LABEL = 48
FONT = "AUTOML_CV_FONT"
"""The variable that names a font file to try first."""

_EVERYWHERE = ("DejaVuSans.ttf", "Arial Unicode.ttf", "segoeui.ttf", "Nirmala.ttc", "LeelawUI.ttf", "Tahoma.ttf")
_EAST_ASIAN = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJK-VF.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "NanumGothic.ttf",
    "msyh.ttc",
    "malgun.ttf",
    "PingFang.ttc",
    "AppleSDGothicNeo.ttc",
    "Arial Unicode.ttf",
)
_SYMBOLS = ("Symbola.ttf", "Symbola_hint.ttf", "NotoEmoji-Regular.ttf", "NotoSansSymbols2-Regular.ttf", "seguisym.ttf",
            "NotoSansSymbols-Regular.ttf", "DejaVuSans.ttf")  # fmt: skip
_EAST_ASIAN_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "FULLWIDTH", "IDEOGRAPHIC", "HALFWIDTH")
_NO_CHARACTER = "\U0010fffe"
_MIDDLE = 0.35
"""Of a letter's height: from the middle of the line down to the line that letters stand on."""

_warned: set[str] = set()


class Line(NamedTuple):
    """A line of text, ready to be drawn.

    Attributes:
        runs: pieces of text, each with its Pillow font, from left to right.
        width: pixels from the start of the text to the start of what follows it.
        size: height of the letters in pixels.
    """

    runs: tuple[tuple[str, Any], ...]
    width: float
    size: int

    def draw(self, canvas: Any, x: float, middle: float, fill: tuple[int, int, int]) -> None:
        """Draw the line on an ``ImageDraw``, from ``x`` on, around the height ``middle``."""
        for text, font in self.runs:
            canvas.text((x, middle + _MIDDLE * self.size), text, fill=fill, font=font, anchor="ls")
            x += _length(text, font)


def font_size(size: tuple[int, int]) -> int:
    """Height of letters in pixels for an image of ``size``: the same share of a small and of a large one."""
    return max(11, round(0.032 * math.sqrt(size[0] * size[1])))


def line_of(text: str, size: int, room: float = math.inf, font: str | None = None) -> Line:
    """The text in fonts that have its letters; its end is replaced by … until it is at most ``room`` pixels wide.

    Args:
        text: of any script. Letters that no font has are drawn as boxes, and one warning says what to install.
        size: height of the letters in pixels.
        room: pixels; what does not fit even as … leaves no text.
        font: a font file, or the name of one that Pillow finds; by default that of the variable AUTOML_CV_FONT.

    Raises:
        InvalidInput: ``font`` cannot be read.
    """
    chosen = font or os.environ.get(FONT) or ""
    line = _line(text, size, chosen)
    while text and line.width > room:
        text = text[:-1]
        line = _line(f"{text.rstrip()}…" if text else "", size, chosen)
    return line


def clean(text: str) -> str:
    """The text without control characters and with blanks made single, cut to ``LONGEST_LABEL`` letters."""
    printable = "".join(letter if letter.isprintable() or _joins(letter) else " " for letter in str(text)[:1000])
    words = " ".join(printable.split())
    return words if len(words) <= LONGEST_LABEL else words[: LONGEST_LABEL - 1].rstrip() + "…"


def score_in_words(score: float | None) -> str:
    """
    >>> score_in_words(0.974), score_in_words(0.004), score_in_words(float("nan"))
    ('97%', '<1%', '')
    """
    if score is None or not math.isfinite(score):
        return ""
    return "<1%" if 0 < score < 0.01 else f"{score:.0%}"


def _joins(letter: str) -> bool:
    """Zero-width joiners, which shape Indic and Persian letters and join emoji."""
    return letter in "\u200c\u200d"


@lru_cache(maxsize=2048)
def _line(text: str, size: int, chosen: str) -> Line:
    runs: list[tuple[str, Any]] = []
    for letter in text:
        if runs and (_belongs(letter) or _has(runs[-1][1], letter)):
            runs[-1] = (runs[-1][0] + letter, runs[-1][1])
        else:
            runs.append((letter, _font_with(letter, size, chosen)))
    # A font that has all letters keeps writing in one direction in order: cut only where that is needed.
    if len(runs) > 1:
        whole = next((font for _, font in runs if all(_belongs(each) or _has(font, each) for each in text)), None)
        runs = [(text, whole)] if whole is not None else runs
    runs = [(part, font if _length(part, font) >= 0 else _plain(size)) for part, font in runs]
    return Line(tuple(runs), sum(_length(part, font) for part, font in runs), size)


def _belongs(letter: str) -> bool:
    """Whether a letter goes with the one before it, whatever font that has: marks, joiners, blanks."""
    return unicodedata.category(letter)[0] in "MZ" or unicodedata.category(letter) == "Cf"


def _length(text: str, font: Any) -> float:
    """Pixels; -1 for text that the layout library of complex scripts gives up on."""
    try:
        return float(font.getlength(text))
    except (OSError, RuntimeError, ValueError):
        return -1.0


def _font_with(letter: str, size: int, chosen: str) -> Any:
    """The first font that has the letter: the one chosen, Pillow's own, then the system's."""
    first = _named(chosen, size) if chosen else None
    if chosen and first is None:
        raise InvalidInput(f"cannot read the font {chosen!r}: give a file such as NotoSansCJK-Regular.ttc ({FONT})")
    for font in (first, _plain(size)):
        if font is not None and _has(font, letter):
            return font
    for name in _names_for(letter):
        font = _named(name, size)
        if font is not None and _has(font, letter):
            return font
    _warn(letter)
    return first or _plain(size)


def _names_for(letter: str) -> tuple[str, ...]:
    script = _script(letter)
    if script in _EAST_ASIAN_SCRIPTS:
        return _EAST_ASIAN
    if _is_symbol(letter):
        return _SYMBOLS
    return (*_EVERYWHERE[:1], f"NotoSans{script.title()}-Regular.ttf", *_EVERYWHERE[1:])


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]


def _is_symbol(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "S"


def _warn(letter: str) -> None:
    script = _script(letter)
    package = "fonts-noto-core"
    if script in _EAST_ASIAN_SCRIPTS:
        package = "fonts-noto-cjk"
    elif _is_symbol(letter):
        package = "fonts-symbola"
    if package not in _warned and letter.isprintable():
        _warned.add(package)
        warnings.warn(
            f"no font here has the letter {letter!r} of a label, so a box is drawn: install one (on Debian the package "
            f"{package}), or name a font file by font= or by the variable {FONT}",
            UserWarning,
            stacklevel=2,
        )


def _has(font: Any, letter: str) -> bool:
    try:
        return _known(font, letter)
    except (OSError, RuntimeError, ValueError):
        return False


@lru_cache(maxsize=4096)
def _known(font: Any, letter: str) -> bool:
    """Whether the font has the letter: Pillow does not say, but draws what it lacks as it draws what nobody has."""
    shape = font.getmask(letter)
    return bool(shape.getbbox()) and bytes(shape) != _unknown(font)


@lru_cache(maxsize=64)
def _unknown(font: Any) -> bytes:
    return bytes(font.getmask(_NO_CHARACTER))


@lru_cache(maxsize=256)
def _named(name: str, size: int) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, size)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=64)
def _plain(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)

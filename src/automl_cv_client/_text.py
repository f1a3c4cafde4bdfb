"""Makes text from outside safe to show: in a terminal or log, in XML, in a spreadsheet; and sizes as words."""

from __future__ import annotations

import re
from typing import Any

_FIRST = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")  # the last four are wide forms, which count, too
_PASSED_OVER = " \u00a0\ufeff\u200b"

_XML_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, production 2: no control characters and no lone surrogates."""

LONGEST_NAME = 160
"""Characters of a name in a message."""


def printable(text: str) -> str:
    """The text with what a terminal could obey (escape sequences, line ends, bidirectional marks) written out.

    >>> printable("cat\\x1b[2J")
    'cat\\\\x1b[2J'
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def shortened(text: str, limit: int = LONGEST_NAME) -> str:
    """As :func:`printable`, with the middle left out when the text is longer than ``limit`` characters."""
    if len(text) > limit:
        text = text[: limit // 2 - 1] + "…" + text[-(limit // 2) :]
    return printable(text)


def bytes_in_words(count: int) -> str:
    """
    >>> bytes_in_words(12), bytes_in_words(193_400), bytes_in_words(5_250_000)
    ('12 bytes', '193 kB', '5.2 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def xml_safe(text: str) -> str:
    """The text with what XML has no way to write replaced by U+FFFD; markup is escaped by the writer."""
    return _XML_FORBIDDEN.sub("\ufffd", text)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may run the text as a formula. https://owasp.org/www-community/attacks/CSV_Injection

    >>> [is_formula(text) for text in ("=1+1", "  @x", "cat = dog")]
    [True, True, False]
    """
    return text.lstrip(_PASSED_OVER).startswith(_FIRST)


def harmless(cell: Any) -> Any:
    """The cell, and a text that begins as a formula behind an apostrophe, which spreadsheets hide.

    >>> harmless("=1+1"), harmless(-1)
    ("'=1+1", -1)
    """
    return f"'{cell}" if isinstance(cell, str) and is_formula(cell) else cell

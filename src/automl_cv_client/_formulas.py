"""Texts that a spreadsheet would take for formulas. https://owasp.org/www-community/attacks/CSV_Injection"""

from __future__ import annotations

from typing import Any

_FIRST = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")  # the last four are wide forms, which count, too
_PASSED_OVER = " \u00a0\ufeff\u200b"


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may run the text as a formula.

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

"""Prints for people. Nothing from outside reaches the terminal unescaped: no control characters, no rich markup."""

from __future__ import annotations

import sys

from rich.console import Console

from automl_cv_client._imaging.inputs import LONGEST_PATH, shortened

_NO_WRAP = 10_000  # columns: what goes into a pipe or file is never wrapped or cut


def console(*, stderr: bool = False) -> Console:
    """A console that shows text as it is. Made anew at each call, as tests and pipes replace the streams."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _NO_WRAP
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False, soft_wrap=True)


def safe(text: object) -> str:
    """The text with control characters, and characters that turn its direction, escaped."""
    return shortened(str(text), LONGEST_PATH)


def complain(message: str) -> None:
    """One line on stderr, after the program's name."""
    console(stderr=True).print(f"automl-cv: {safe(message)}")

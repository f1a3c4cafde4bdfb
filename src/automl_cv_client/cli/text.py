"""Prints, for people and for programs. Nothing from outside reaches the terminal unescaped: no control characters, no
rich markup."""

from __future__ import annotations

import json
import math
import os
import sys
from contextvars import ContextVar
from typing import Any

from rich.console import Console

from automl_cv_client._imaging.inputs import LONGEST_PATH
from automl_cv_client._text import shortened

_NO_WRAP = 10_000  # columns: what goes into a pipe or file is never wrapped or cut
NO_COLOR = "NO_COLOR"  # https://no-color.org

_json_begun: ContextVar[bool] = ContextVar("json_begun", default=False)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # rich would exit with 1, which says that an image failed


def console(*, stderr: bool = False) -> Console:
    """A console that shows text as it is. Made anew at each call, as tests and pipes replace the streams."""
    stream = sys.stderr if stderr else sys.stdout
    return _Console(
        file=stream,
        width=None if stream.isatty() else _NO_WRAP,
        color_system=None if os.environ.get(NO_COLOR) else "auto",
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
    )


def safe(text: object) -> str:
    """The text with control characters, and characters that turn its direction, escaped."""
    return shortened(str(text), LONGEST_PATH)


def complain(message: str) -> None:
    """One line on stderr, after the program's name."""
    # Not by a console of rich: it would write past the proxy that keeps a line and a bar apart.
    print(f"automl-cv: {safe(message)}", file=sys.stderr)


def json_begins(begun: bool = True) -> None:
    """Remember that stdout has its JSON value, or the beginning of one: an error must not add a second."""
    _json_begun.set(begun)


def json_has_begun() -> bool:
    """Whether this command has printed JSON."""
    return _json_begun.get()


def print_json(value: object, *, indent: int | None = None) -> None:
    """One JSON value on stdout, see :func:`in_json`."""
    json_begins()
    print(in_json(value, indent=indent), flush=True)


def in_json(value: object, *, indent: int | None = None) -> str:
    """The value as JSON; not-a-number and infinity, which JSON has no word for, as the strings results read back.

    ASCII only: a label or file name cannot carry terminal escapes, and every encoding of the output can hold it.
    """
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value

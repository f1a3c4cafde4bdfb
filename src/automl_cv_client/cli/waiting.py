"""Tells on standard error what a call waits for: silence for six seconds looks like a hang."""

from __future__ import annotations

import logging
import os
import sys
from contextvars import ContextVar
from typing import Annotated

import typer

from automl_cv_client._flow.hooks import Hooks, RequestEvent, RetryEvent
from automl_cv_client.cli.text import NO_COLOR, complain
from automl_cv_client.errors import CallError, ConnectionFailed, StatusError, TimedOut

_verbosity: ContextVar[int] = ContextVar("verbosity", default=0)
_LOGGER = logging.getLogger("automl_cv_client")


class _Lines(logging.Handler):
    """The package's log as lines on stderr; it holds no key and no image."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(record.getMessage())


_HANDLER = _Lines()


def start_quietly() -> None:
    """As a command begins: nothing is told yet."""
    _verbosity.set(0)
    _LOGGER.removeHandler(_HANDLER)
    _LOGGER.setLevel(logging.NOTSET)


def _more(count: int) -> None:
    _verbosity.set(_verbosity.get() + count)
    if _verbosity.get() > 1 and _HANDLER not in _LOGGER.handlers:
        _LOGGER.addHandler(_HANDLER)
        _LOGGER.setLevel(logging.DEBUG)


def _without_colors(wanted: bool) -> None:
    if wanted:
        os.environ[NO_COLOR] = "1"  # for the progress bar too, which knows nothing of our options


Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        callback=_more,
        help="Tell of retries and waits on standard error; -vv of every request.",
    ),
]
NoColor = Annotated[
    bool,
    typer.Option("--no-color", callback=_without_colors, help=f"No colors; the variable {NO_COLOR} does it too."),
]


def hooks(attempts: int) -> Hooks:
    """What a client of ``attempts`` per call is given, so that its waits are told."""
    if _verbosity.get() > 1:
        return Hooks()  # the log has them
    if _verbosity.get() == 1:
        return Hooks(on_retry=lambda event: complain(in_words(event, attempts)))
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return Hooks()
    return Hooks(on_retry=lambda event: _show(in_words(event, attempts)), on_request=_wipe)


def in_words(event: RetryEvent, attempts: int) -> str:
    """Such as ``429, waiting 3 s (2 of 5)``."""
    pause = f"{event.pause:.1f}" if event.pause < 1 else f"{event.pause:.0f}"
    return f"{_reason(event.error)}, waiting {pause} s ({event.attempt} of {attempts})"


def _reason(error: CallError) -> str:
    if isinstance(error, StatusError):
        return str(error.status)
    if isinstance(error, ConnectionFailed):
        return "no connection"
    return "no answer in time" if isinstance(error, TimedOut) else type(error).__name__


def _show(line: str) -> None:
    print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


def _wipe(event: RequestEvent) -> None:
    if event.attempt > 1:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)

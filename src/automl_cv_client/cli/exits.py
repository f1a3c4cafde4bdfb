"""Exit codes, and how an error ends a command: one short message on stderr, no traceback for errors of our own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from automl_cv_client.cli.text import complain
from automl_cv_client.errors import AutoMLVisionError

FAILED, USAGE, INTERRUPTED = 1, 2, 130

EXIT_CODES = (
    "Exit codes: 0 all well; 1 some picture failed; 2 wrong usage or configuration, such as a missing variable or a "
    "refused key; 130 interrupted."
)

P = ParamSpec("P")
T = TypeVar("T")


class Unusable(Exception):
    """The command cannot go on as it was called or configured; the message says why and what to do."""


def guarded(command: Callable[P, T]) -> Callable[P, T]:
    """The command with its errors turned into a message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **options: P.kwargs) -> T:
        try:
            return command(*args, **options)
        except (AutoMLVisionError, Unusable) as error:
            complain(str(error))
            raise typer.Exit(USAGE) from None
        except KeyboardInterrupt:  # typer before 0.15 would exit with 1
            raise typer.Exit(INTERRUPTED) from None

    return run


def require_local_models() -> None:
    """Do nothing when the extra ``local`` is installed. Raises Unusable, saying what to install, otherwise."""
    from automl_cv_client.local.requirements import check_installed

    try:
        check_installed()
    except ModuleNotFoundError as error:
        raise Unusable(str(error)) from None

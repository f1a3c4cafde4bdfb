"""Exit codes, the same for every command, and how an error ends one: a line on stderr, no traceback of our own."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import typer

from automl_cv_client.cli.text import complain, json_begins, json_has_begun, print_json
from automl_cv_client.errors import AuthenticationFailed, AutoMLVisionError, CallError, ImageError, is_hopeless
from automl_cv_client.settings import KEY
from automl_cv_client.task import as_commands

WELL, FAILED, USAGE, INTERRUPTED, UNHEARD = 0, 1, 2, 130, 141

EXIT_CODES = {
    WELL: "success",
    FAILED: "finished, but something failed: an image, a check of the doctor, a row of training data",
    USAGE: "stopped: wrong usage or configuration, such as a missing variable or a refused key",
    INTERRUPTED: "interrupted (Ctrl-C)",
    UNHEARD: "the reader of the output exited (| head -1)",
}

_EXTRAS = {
    "faster_coco_eval": "eval",
    "numpy": "numpy",
    "onnxruntime": "local",
    "pyarrow": "parquet",
    "starlette": "local",
    "uvicorn": "local",
}
"""Which extra brings a library that a command may find missing."""

UsageError: Any = typer.BadParameter.__mro__[1]  # click's, which new versions of typer bring along under another name


class Unusable(Exception):
    """The command cannot go on as it was called or configured; the message says why and what to do."""


def exit_code_of(run: Callable[[], object], *, as_json: bool = False) -> int:
    """Run a command to its end, and say on stderr what ended it early.

    Args:
        run: the command; returns the exit code, or something else when all is well.
        as_json: also say it on stdout, as JSON, where the command has printed none.

    Returns:
        One of ``EXIT_CODES``. Errors that are no fault of the user are raised: they are ours.
    """
    json_begins(False)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _in_a_line
            code = _told(run, as_json)
        sys.stdout.flush()  # else a closed pipe or full disk would show when Python has ended, as a traceback
        return code
    except BrokenPipeError:
        fall_silent()
        return UNHEARD
    except OSError as error:
        complain(f"cannot write the output: {error.strerror}")
        fall_silent()
        return USAGE


def code_of(error: AutoMLVisionError) -> int:
    """FAILED for what is wrong with one image or one call, USAGE for what would be wrong with any other, too."""
    of_one = isinstance(error, ImageError | CallError) and not is_hopeless(error)
    return FAILED if of_one else USAGE


def in_words(error: AutoMLVisionError) -> str:
    """The message, with the names of commands for those of methods, and without what azure-identity has to say of its
    ten ways to sign in, which the doctor shows.
    """
    if isinstance(error, AuthenticationFailed) and str(error).startswith("no token") and not os.environ.get(KEY):
        return (
            f"the variable {KEY} is not set, and azure-identity cannot sign in: set it to the endpoint's key (studio: "
            "Endpoints, tab 'Consume'), or sign in with 'az login'; automl-cv doctor says more"
        )
    return as_commands(str(error))


def _in_a_line(message: Warning | str, category: object, filename: str, lineno: int, *_: object, **__: object) -> None:
    """A warning for who types a command: without the place in the source, which says nothing to them."""
    complain(f"warning: {message}")


def _told(run: Callable[[], object], as_json: bool) -> int:
    try:
        code = run()
        return code if isinstance(code, int) else WELL
    except UsageError as error:
        kind, words, code = "UsageError", _of_wrong_usage(error), USAGE
    except AutoMLVisionError as error:
        kind, words, code = type(error).__name__, in_words(error), code_of(error)
    except Unusable as error:
        kind, words, code = "UsageError", str(error), USAGE
    except ModuleNotFoundError as error:
        kind, words, code = "ModuleNotFoundError", _missing(error), USAGE
    except OSError as error:
        if error.filename is None:
            raise
        kind, words, code = "OSError", f"{os.fsdecode(error.filename)}: {error.strerror}", USAGE
    except typer.Abort:
        return INTERRUPTED
    complain(words)
    if as_json and not json_has_begun():
        print_json({"error": {"type": kind, "message": words}})
    return code


def _of_wrong_usage(error: Any) -> str:
    words = " ".join(str(error.format_message()).replace("Value error, ", "").split())
    path = error.ctx.command_path if error.ctx else "automl-cv"
    # "Did you mean 'detect'?" ends in a mark of its own.
    return f"{words} See {path} --help" if words.endswith("?") else f"{words.rstrip('.')}; see {path} --help"


def _missing(error: ModuleNotFoundError) -> str:
    """What to install. Raises the error again when it is not a library of ours that is missing."""
    if "pip install" in str(error):
        return str(error)
    library = (error.name or "").partition(".")[0]
    if library not in _EXTRAS:
        raise error
    return f'this needs {library}, not installed here. Run: pip install "automl-cv-client[{_EXTRAS[library]}]"'


def fall_silent() -> None:
    """Send what is still to be written to nowhere, so that Python does not complain about a closed pipe at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a stream of tests has no number
            if _is_closed(stream):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _is_closed(stream: Any) -> bool:
    try:
        stream.flush()
    except OSError:
        return True
    return False


def require_local_models() -> None:
    """Do nothing when the extra ``local`` is installed; else raises ModuleNotFoundError, saying what to install."""
    from automl_cv_client.local.endpoint import check_installed

    check_installed()

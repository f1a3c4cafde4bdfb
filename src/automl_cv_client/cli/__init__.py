"""The command line ``automl-cv``: one file a command, needs the extra ``cli``.

This file imports neither typer nor rich, so that it can say what to install when they are missing.
"""

from __future__ import annotations

import codecs
import logging
import os
import sys

_LIBRARIES = ("rich", "typer")
_PLAIN = {"–": "-", "→": "->", "…": "...", "·": ".", "×": "x"}
_WITHOUT = "automl_cv_without"


def _replaced(error: UnicodeError) -> tuple[str | bytes, int]:
    """For an encoding without them: our own signs as near as ASCII comes, anything else escaped."""
    if isinstance(error, UnicodeEncodeError) and (plain := _PLAIN.get(error.object[error.start])):
        return plain, error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error(_WITHOUT, _replaced)


def main() -> None:
    """Run the command line with this process's arguments, and exit with its code (see ``automl-cv --help``)."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - closed by the caller: >&-
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_WITHOUT)  # a label in a script the terminal lacks is no crash
    logging.getLogger("azure").addHandler(logging.NullHandler())  # else its warnings land on stderr beside our errors
    try:
        from automl_cv_client.cli.app import app
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _LIBRARIES:
            raise
        print(
            f'automl-cv needs {missing}, not installed here. Run: pip install "automl-cv-client[cli]"', file=sys.stderr
        )
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    app(prog_name="automl-cv")

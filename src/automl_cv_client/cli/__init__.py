"""The command line ``automl-cv``: one file a command, needs the extra ``cli``.

This file imports neither typer nor rich, so that it can say what to install when they are missing.
"""

from __future__ import annotations

import logging
import os
import sys

_LIBRARIES = ("rich", "typer")


def main() -> None:
    """Run the command line with this process's arguments, and exit with its code (see ``automl-cv --help``)."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - closed by the caller: >&-
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a label in a script the terminal lacks is no crash
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

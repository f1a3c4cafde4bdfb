"""Puts the commands together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from automl_cv_client.cli import classify, classify_multilabel, demo, detect, doctor, explain, segment, serve
from automl_cv_client.cli.exits import EXIT_CODES
from automl_cv_client.cli.options import WHERE_THE_KEY_IS

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Plain help and plain tracebacks: no boxes when piped, no local variables (a key may be one) in a trace.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from automl_cv_client import __version__

        typer.echo(f"automl-cv {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Score pictures with computer-vision models behind Azure Machine Learning online endpoints.

    Try it without an endpoint: automl-cv demo
    """


_COMMANDS: dict[str, Callable[..., None]] = {"demo": demo.demo, "serve": serve.serve, "doctor": doctor.doctor}
_SCORING: dict[str, Callable[..., None]] = {
    "detect": detect.detect,
    "segment": segment.segment,
    "classify": classify.classify,
    "classify-multilabel": classify_multilabel.classify_multilabel,
    "explain": explain.explain,
}
for _name, _command in _COMMANDS.items():
    app.command(_name, epilog=EXIT_CODES)(_command)
for _name, _command in _SCORING.items():
    app.command(_name, epilog=f"{WHERE_THE_KEY_IS}\n\n{EXIT_CODES}")(_command)

"""Puts the commands together."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from automl_cv_client.cli import (
    batch,
    classify,
    classify_multilabel,
    compare,
    dataset,
    demo,
    detect,
    doctor,
    evaluate,
    explain,
    segment,
    serve,
)
from automl_cv_client.cli.program import Command, Program
from automl_cv_client.cli.text import NO_COLOR

EXAMPLES = """
automl-cv demo cat.jpg                          # no endpoint needed
automl-cv doctor                                # what is wrong with mine?
automl-cv detect photos/ --out drawn/
automl-cv COMMAND --help                        # options and examples
"""

app = typer.Typer(
    cls=Program,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["--help", "-h"]},
    # Plain help and plain tracebacks: no boxes when piped, no local variables (a key may be one) in a trace.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from automl_cv_client import __version__

        typer.echo(f"automl-cv {__version__}")
        raise typer.Exit


def _without_colors(wanted: bool) -> None:
    if wanted:
        os.environ[NO_COLOR] = "1"  # for the progress bar too, which knows nothing of our options


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option("--no-color", callback=_without_colors, help=f"No colours; the variable {NO_COLOR} does it too."),
    ] = False,
) -> None:
    """Score images with computer-vision models behind Azure Machine Learning online endpoints."""


_PANELS = {
    "Without an endpoint": {"demo": demo, "serve": serve},
    "Score images": {
        "detect": detect,
        "segment": segment,
        "classify": classify,
        "classify-multilabel": classify_multilabel,
        "explain": explain,
    },
    "Measure": {"evaluate": evaluate, "compare": compare},
    "See what is wrong": {"doctor": doctor},
}
for _panel, _modules in _PANELS.items():
    for _name, _module in _modules.items():
        _run = getattr(_module, _name.replace("-", "_"))
        app.command(_name, cls=Command, epilog=_module.EXAMPLES, rich_help_panel=_panel)(_run)
app.add_typer(batch.app, name="batch", rich_help_panel="Score images")
app.add_typer(dataset.app, name="dataset", rich_help_panel="See what is wrong")

"""Puts the commands together."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_cv_client.cli import (
    batch,
    batch_endpoint,
    compare,
    dataset,
    demo,
    doctor,
    evaluate,
    explain,
    plan,
    serve,
    tasks,
)
from automl_cv_client.cli.program import Program, add_command
from automl_cv_client.cli.waiting import NoColor, Verbose
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv demo cat.jpg                          # no endpoint needed
automl-cv doctor                                # what is wrong with mine?
automl-cv detect photos/ --out drawn/
automl-cv COMMAND --help                        # options and examples
"""

app: typer.Typer = typer.Typer(
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


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    verbose: Verbose = 0,
    no_color: NoColor = False,
) -> None:
    """Score images with computer-vision models behind Azure Machine Learning online endpoints."""


add_command(app, "demo", demo.demo, examples=demo.EXAMPLES, panel="Without an endpoint")
add_command(app, "serve", serve.serve, examples=serve.EXAMPLES, panel="Without an endpoint")
for _task in (Task.DETECTION, Task.SEGMENTATION, Task.CLASSIFICATION, Task.MULTILABEL):
    _name = _task.method.replace("_", "-")
    add_command(app, _name, tasks.command_of(_task), examples=tasks.EXAMPLES[_task], panel="Score images")
add_command(app, "explain", explain.explain, examples=explain.EXAMPLES, panel="Score images")
add_command(app, "evaluate", evaluate.evaluate, examples=evaluate.EXAMPLES, panel="Measure")
add_command(app, "compare", compare.compare, examples=compare.EXAMPLES, panel="Measure")
add_command(app, "plan", plan.plan, examples=plan.EXAMPLES, panel="Measure")
add_command(app, "doctor", doctor.doctor, examples=doctor.EXAMPLES, panel="See what is wrong")
app.add_typer(batch.app, name="batch", rich_help_panel="Score images")
app.add_typer(batch_endpoint.app, name="batch-endpoint", rich_help_panel="Score images")
app.add_typer(dataset.app, name="dataset", rich_help_panel="See what is wrong")

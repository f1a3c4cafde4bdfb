"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from automl_cv_client.cli.completing import deployments, tasks
from automl_cv_client.errors import InvalidInput
from automl_cv_client.settings import DEPLOYMENT, ENDPOINT, KEY, URI
from automl_cv_client.task import Task, as_commands, task_of

ENDPOINT_PANEL = "Endpoint"
WHERE_THE_KEY_IS = (
    f"The key is read from the variable {KEY} and from nowhere else: an option would show in the list of processes "
    "and stay in the shell's history. Without it azure-identity signs in."
)
TASKS = f"One of {', '.join(Task)}; or {', '.join(as_commands(task.method) for task in Task)}."


def task_named(name: str) -> Task:
    """The task by AutoML's name, or by the command that scores it, as in Python. Raises BadParameter, naming them."""
    method = name.replace("-", "_")
    try:
        return task_of(method if any(task.method == method for task in Task) else name)
    except InvalidInput:
        pass
    raise typer.BadParameter(f"{name!r} is no task: {TASKS[0].lower()}{TASKS[1:-1]}")


def task_option(words: str) -> Any:
    """``--task`` of a command, with its help."""
    return typer.Option("--task", metavar="TASK", parser=task_named, autocompletion=tasks, help=words)


Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Images, folders of images, and quoted patterns.")]

AsJson = Annotated[
    bool, typer.Option("--json", help='Print one JSON list of {"path", "task", "result"} or {"path", "task", "error"}.')
]

AsJsonLines = Annotated[
    bool, typer.Option("--jsonl", help="Print such an object per line as it comes, for streams of images.")
]

# Optional[…] rather than … | None: typer 0.12 reads aliases of the former only.
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", metavar="DIR", help="Also write each image with its result drawn on it to this folder."),
]

Uri = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--uri",
        metavar="URI",
        rich_help_panel=ENDPOINT_PANEL,
        help=f"The endpoint's scoring URI, in place of the variable {URI}. Without either, the endpoint that "
        f"{ENDPOINT} names is looked up in its workspace.",
    ),
]

Deployment = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--deployment",
        metavar="NAME",
        rich_help_panel=ENDPOINT_PANEL,
        autocompletion=deployments,
        help=f"The deployment to ask, in place of the variable {DEPLOYMENT}. Without either, the endpoint's traffic "
        "rules choose.",
    ),
]

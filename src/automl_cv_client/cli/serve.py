"""``automl-cv serve``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.text import Text

from automl_cv_client.cli.exits import guarded, require_local_models
from automl_cv_client.cli.text import console
from automl_cv_client.settings import KEY, URI
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from automl_cv_client.local import LocalEndpoint

TaskOption = Annotated[
    Optional[Task],  # noqa: UP045
    typer.Option("--task", help="Serve this task only, at /score; else all four, each at /<task>/score."),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0 for a free one.")]
MaxInFlight = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--max-in-flight", min=1, help="Answer 429 to more requests at once; a default deployment takes 2."),
]
AsJson = Annotated[bool, typer.Option("--json", help='Print {"key", "scoring_uris"} as JSON.')]


@guarded
def serve(task: TaskOption = None, port: Port = 0, max_in_flight: MaxInFlight = None, as_json: AsJson = False) -> None:
    """Serve demo models on this machine.

    They answer as AutoML models on Azure do, until Ctrl-C; the exit code is then 0.

    Prints the scoring URIs and the variables to export. The key is shown on purpose: it is made up at each start,
    and opens nothing but this server, which listens on loopback only.
    """
    require_local_models()
    from automl_cv_client import local

    local.serve(task, port=port, max_in_flight=max_in_flight, on_ready=_print_json if as_json else _print_how_to_use)


def _print_json(endpoint: LocalEndpoint) -> None:
    uris = {task.value: endpoint.scoring_uri_of(task) for task in endpoint.tasks}
    print(json.dumps({"key": endpoint.key, "scoring_uris": uris}), flush=True)


def _print_how_to_use(endpoint: LocalEndpoint) -> None:
    screen = console()
    screen.print("Serving demo models that speak the AutoML contract, on this machine only. Ctrl-C stops.\n")
    for task in endpoint.tasks:
        line = Text(f"  {task.method.replace('_', '-'):<20}")
        screen.print(line.append(endpoint.scoring_uri_of(task), "bold"))
    example = Task.DETECTION if Task.DETECTION in endpoint.tasks else endpoint.tasks[0]
    several = "  # or another of the above" if len(endpoint.tasks) > 1 else ""
    screen.print("\nIn another terminal:\n")
    screen.print(f"  export {KEY}={endpoint.key}")
    screen.print(f"  export {URI}={endpoint.scoring_uri_of(example)}{several}")
    screen.print(f"  automl-cv {example.method.replace('_', '-')} PICTURE\n")

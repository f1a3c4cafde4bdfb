"""``automl-cv serve``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer
from rich.text import Text

from automl_cv_client.cli.exits import require_local_models
from automl_cv_client.cli.options import TASKS
from automl_cv_client.cli.text import console, print_json
from automl_cv_client.settings import KEY, URI
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from automl_cv_client.local import LocalEndpoint

EXAMPLES = """
automl-cv serve                                  # all four tasks
automl-cv serve --task image-object-detection --port 8000
automl-cv serve --task image-object-detection --model model.onnx
automl-cv serve --deployment blue --deployment green
"""

TaskOption = Annotated[
    Optional[Task],  # noqa: UP045
    typer.Option(
        "--task",
        metavar="TASK",
        help=f"Serve this task only, at /score; else all four, each at /<task>/score. {TASKS}",
    ),
]
OwnModel = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--model",
        metavar="FILE",
        help="Serve your own model.onnx, exported by AutoML; needs --task.",
    ),
]
Labels = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--labels", metavar="FILE", help="Its labels.json, if not beside it."),
]
Normalized = Annotated[
    bool, typer.Option("--normalized", help="Your model normalises the image by itself, if the file does not tell.")
]
Resize = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--resize",
        metavar="PIXELS",
        min=1,
        help="For a classifier: the shorter side in training; 256 for a crop of 224.",
    ),
]
Crop = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--crop", metavar="PIXELS", min=1, help="For a classifier: the crop in training, if the file leaves it open."
    ),
]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="PORT", help="The port on 127.0.0.1; 0 for a free one.")]
MaxInFlight = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--max-in-flight",
        metavar="N",
        min=1,
        help="Answer 429 to more than this many requests at once; a default deployment takes 2.",
    ),
]
Deployments = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--deployment",
        metavar="NAME",
        help="The name of a deployment; again for more, which all have the same model. The first has the traffic. "
        "[default: default]",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help='Print one JSON object {"key", "scoring_uris"}, in one line, once it answers.')
]


def serve(
    task: TaskOption = None,
    model: OwnModel = None,
    labels: Labels = None,
    normalized: Normalized = False,
    resize: Resize = None,
    crop: Crop = None,
    port: Port = 0,
    max_in_flight: MaxInFlight = None,
    deployments: Deployments = None,
    as_json: AsJson = False,
) -> None:
    """Serve demo models, or your own ONNX model, on this machine.

    They answer as AutoML models on Azure do, until Ctrl-C; the exit code is then 0.

    Prints the scoring URIs and the variables to export. The key is shown on purpose: it is made up at each start,
    and opens nothing but this server, which listens on loopback only.
    """
    require_local_models()
    from automl_cv_client import local

    show = _print_json if as_json else partial(_print_how_to_use, model.name if model else "demo models")
    local.serve(
        task,
        model=model,
        labels=labels,
        normalized=normalized or None,
        resize=resize,
        crop=crop,
        port=port,
        deployments=deployments or ["default"],
        max_in_flight=max_in_flight,
        on_ready=show,
    )


def _print_json(endpoint: LocalEndpoint) -> None:
    uris = {task.value: endpoint.scoring_uri_of(task) for task in endpoint.tasks}
    print_json({"key": endpoint.key, "scoring_uris": uris})


def _print_how_to_use(served: str, endpoint: LocalEndpoint) -> None:
    screen = console()
    screen.print(Text(f"Serving {served} by the AutoML contract, on this machine only. Ctrl-C stops.\n"))
    for task in endpoint.tasks:
        line = Text(f"  {task.method.replace('_', '-'):<20}")
        screen.print(line.append(endpoint.scoring_uri_of(task), "bold"))
    example = Task.DETECTION if Task.DETECTION in endpoint.tasks else endpoint.tasks[0]
    several = "  # or another of the above" if len(endpoint.tasks) > 1 else ""
    screen.print("\nIn another terminal:\n")
    screen.print(f"  export {KEY}={endpoint.key}")
    screen.print(f"  export {URI}={endpoint.scoring_uri_of(example)}{several}")
    screen.print(f"  automl-cv {example.method.replace('_', '-')} IMAGE\n")

"""``automl-cv serve``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, cast

import typer
from rich.text import Text

from automl_cv_client.cli.exits import require_local_models
from automl_cv_client.cli.options import TASKS, task_option
from automl_cv_client.cli.text import console, print_json
from automl_cv_client.settings import KEY, URI
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from automl_cv_client.local import LocalDeployment, LocalEndpoint
    from automl_cv_client.local.rules import Authentication, Wire

EXAMPLES = """
automl-cv serve                                  # all four tasks
automl-cv serve --task image-object-detection --model model.onnx
automl-cv serve --deployment blue --deployment green --mirror green=10
automl-cv serve --concurrency 1 --fault status=503:0.1 --fault latency=0.1-0.5
"""

TaskOption = Annotated[
    Optional[Task],  # noqa: UP045
    task_option(f"Serve this task only, at /score; else all four, each at /<task>/score. {TASKS}"),
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
        metavar="NAME[=FILE]",
        help="The name of a deployment, and its own model.onnx; again for more. The first has the traffic. "
        "[default: default]",
    ),
]
Traffic = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--traffic", metavar="NAME=PERCENT", help="A deployment's share of the traffic; again for more, 100 in all."
    ),
]
Mirror = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--mirror", metavar="NAME=PERCENT", help="Score so much of the traffic in this deployment, too, unheard."
    ),
]
Instances = Annotated[int, typer.Option(metavar="N", min=0, help="Instances of each deployment.")]
ConcurrencyOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--concurrency",
        metavar="N",
        min=1,
        help="Requests an instance scores at once: above 2 x this x instances in flight, 429.",
    ),
]
RequestTimeout = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option("--request-timeout", metavar="SECONDS", help="Answer 408 to what takes longer; the service's is 5."),
]
ColdStart = Annotated[
    float, typer.Option("--cold-start", metavar="SECONDS", min=0, help="Answer model_not_ready for so long.")
]
WireOption = Annotated[
    str,
    typer.Option(
        "--wire",
        metavar="VERSION",
        help="The version of the service's server: 1.62, 1.51, 1.47, legacy, huggingface, catalogue-huggingface, "
        "mmdetection, doubly-encoded.",
    ),
]
Auth = Annotated[str, typer.Option("--auth", metavar="MODE", help="What lets in: key, aml_token or aad_token.")]
FaultOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--fault",
        metavar="KIND",
        help="What goes wrong on purpose: status=503:0.1, container=500, latency=0.1-0.5, drop=1:0.2, truncate:0.05, "
        "reset:0.05; again for more.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of faults, traffic and mirroring.")]
Bare = Annotated[bool, typer.Option("--no-front-end", help="A bare container, as in Docker: no key, its own statuses.")]
ControlPlane = Annotated[
    bool,
    typer.Option("--control-plane", help="Stand in for Resource Manager and a managed identity; needs --task."),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help='Print one JSON object {"key", "scoring_uris", "status_uri"}, in one line, once it answers.'
    ),
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
    traffic: Traffic = None,
    mirror: Mirror = None,
    instances: Instances = 1,
    concurrency: ConcurrencyOption = None,
    request_timeout: RequestTimeout = None,
    cold_start: ColdStart = 0.0,
    wire: WireOption = "1.62",
    auth: Auth = "key",
    faults: FaultOption = None,
    seed: Seed = 0,
    bare: Bare = False,
    control_plane: ControlPlane = False,
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
        deployments=[
            replace(
                deployment,
                instances=instances,
                concurrency=concurrency,
                request_timeout=request_timeout,
                cold_start=cold_start,
                wire=cast("Wire", wire),
            )
            for deployment in _deployments(deployments or ["default"], traffic or [], mirror or [])
        ],
        max_in_flight=max_in_flight,
        rules=local.EndpointRules(
            auth=cast("Authentication", auth), faults=faults or (), seed=seed, front_end=not bare
        ),
        control_plane=control_plane,
        on_ready=show,
    )


def _deployments(given: list[str], traffic: list[str], mirror: list[str]) -> list[LocalDeployment]:
    from automl_cv_client.local import LocalDeployment

    names = [text.partition("=")[0] for text in given]
    shares, mirrored = (
        _percentages(name, texts, names) for name, texts in (("--traffic", traffic), ("--mirror", mirror))
    )
    return [
        LocalDeployment(
            name=name,
            model=text.partition("=")[2] or None,
            traffic=shares.get(name, 0) if shares else None,
            mirror=mirrored.get(name, 0),
        )
        for name, text in zip(names, given, strict=True)
    ]


def _percentages(option: str, given: list[str], names: list[str]) -> dict[str, int]:
    """``green=10`` and the like, by name."""
    shares = {}
    for text in given:
        name, _, percent = text.partition("=")
        if name not in names or not percent.isdecimal():
            raise typer.BadParameter(
                f"{text!r} is not NAME=PERCENT with one of the deployments {', '.join(names)}", param_hint=option
            )
        shares[name] = int(percent)
    return shares


def _print_json(endpoint: LocalEndpoint) -> None:
    uris = {task.value: endpoint.scoring_uri_of(task) for task in endpoint.tasks}
    told: dict[str, Any] = {"key": endpoint.key, "scoring_uris": uris, "status_uri": endpoint.status_uri}
    if endpoint.has_control_plane:
        told["variables"] = endpoint.variables
    print_json(told)


def _print_how_to_use(served: str, endpoint: LocalEndpoint) -> None:
    screen = console()
    screen.print(Text(f"Serving {served} by the AutoML contract, on this machine only. Ctrl-C stops.\n"))
    for task in endpoint.tasks:
        line = Text(f"  {task.method.replace('_', '-'):<20}")
        screen.print(line.append(endpoint.scoring_uri_of(task), "bold"))
    screen.print(Text(f"  {'status page':<20}{endpoint.status_uri}"))
    example = Task.DETECTION if Task.DETECTION in endpoint.tasks else endpoint.tasks[0]
    several = "  # or another of the above" if len(endpoint.tasks) > 1 else ""
    screen.print("\nIn another terminal:\n")
    screen.print(f"  export {KEY}={endpoint.key}")
    screen.print(f"  export {URI}={endpoint.scoring_uri_of(example)}{several}")
    screen.print(f"  automl-cv {example.method.replace('_', '-')} IMAGE\n")
    if endpoint.has_control_plane:
        screen.print("Or by way of the control plane, in place of these two variables:\n")
        for name, value in endpoint.variables.items():
            screen.print(f"  export {name}={value}")
        screen.print("")

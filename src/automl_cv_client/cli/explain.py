"""``automl-cv explain``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Optional, cast, get_args

import typer
from rich.text import Text

from automl_cv_client._protocol.xai import Algorithm, XaiParameters
from automl_cv_client.cli.completing import algorithms
from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.exits import Unusable, code_of
from automl_cv_client.cli.images import WRITTEN, name_part
from automl_cv_client.cli.options import Deployment, Uri
from automl_cv_client.cli.report import Scored
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.cli.text import console, print_json, safe
from automl_cv_client.errors import CallError, ImageError, InvalidInput
from automl_cv_client.results import Classification, Explanation, MultilabelClassification
from automl_cv_client.task import Task

_ALGORITHMS: tuple[str, ...] = get_args(Algorithm)

EXAMPLES = """
automl-cv explain cat.jpg --out heat.png
automl-cv explain cat.jpg --algorithm guided_gradcam --out heat.npy
automl-cv explain room.jpg --multilabel --threshold 0.3 --out heat.png
"""

Image = Annotated[str, typer.Argument(metavar="PATH", help="An image.")]
Method = Annotated[
    str,
    typer.Option("--algorithm", metavar="NAME", autocompletion=algorithms, help=f"One of {', '.join(_ALGORITHMS)}."),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the image with the attributions laid over it, .png or .jpg; or the numbers, .npy. With several "
        "classes each has a file of its own: heat.1-cat.png.",
    ),
]
Figure = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--figure", metavar="FILE", help="Also write the service's own figure of four panels."),
]
Multilabel = Annotated[bool, typer.Option("--multilabel", help="Explain every label above the threshold.")]
Threshold = Annotated[
    float,
    typer.Option(
        "--threshold",
        min=0.0,
        max=1.0,
        metavar="P",
        help="For --multilabel: probability, 0 to 1, above which a label is explained.",
    ),
]
Steps = Annotated[
    int,
    typer.Option(
        "--steps", min=2, metavar="N", help="Steps of xrai and integrated_gradients; more are finer and slower."
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help='Print the result as one JSON object, or {"path", "task", "error"}.')
]


def explain(
    path: Image,
    algorithm: Method = "xrai",
    out: Out = None,
    figure: Figure = None,
    multilabel: Multilabel = False,
    threshold: Threshold = 0.5,
    steps: Steps = 50,
    as_json: AsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Say why an image was classified as it was, and show where the reason lies."""
    parameters = _parameters(algorithm, out, figure, threshold, steps)
    _check(path, out, figure)
    task = Task.MULTILABEL if multilabel else Task.CLASSIFICATION
    try:
        with client_for(uri, deployment) as client:
            result = client.explain(path, parameters, task=task)
    except (ImageError, CallError) as error:
        if not as_json:
            raise
        print_json(Scored(path, task, error=error).to_json())
        raise typer.Exit(code_of(error)) from None
    explanations = _explanations(result)
    written = [
        _write(explanation, target, number, len(explanations), figure=target is figure)
        for number, explanation in enumerate(explanations)
        for target in (out, figure)
        if target is not None
    ]
    if as_json:
        print_json(result.model_dump(mode="json"))
        return
    screen = console()
    screen.print(Text(safe(path), "bold"))
    for explanation in explanations:
        screen.print(
            Text(f"  {safe(explanation.label)}  {explanation.score:.3f}  explained by {explanation.algorithm}")
        )
    if not explanations:
        screen.print(Text(f"  no label above {threshold:g}"))
    for file in written:
        screen.print(Text(f"  written: {safe(file)}", "dim"))


def _parameters(algorithm: str, out: Path | None, figure: Path | None, threshold: float, steps: int) -> XaiParameters:
    if algorithm not in _ALGORITHMS:
        raise InvalidInput(f"unknown algorithm {algorithm!r}: use {', '.join(_ALGORITHMS)}")
    return XaiParameters(
        algorithm=cast(Algorithm, algorithm),
        visualizations=figure is not None or out is None,
        attributions=out is not None,
        confidence_score_threshold_multilabel=float(threshold),
        n_steps=steps,
    )


def _check(path: str, out: Path | None, figure: Path | None) -> None:
    """Raises Unusable for what would be found out after the explanation only, which may take minutes."""
    if os.path.isdir(path):
        raise Unusable(f"{path}: explain takes one image, and this is a folder")
    check_targets(filter(None, (out,)), (*WRITTEN, ".npy", ".json"), inputs=[path])
    check_targets(filter(None, (figure,)), WRITTEN, inputs=[path])
    if out is not None and figure is not None and out.resolve() == figure.resolve():
        raise Unusable(f"--out and --figure both name {out}")


def _explanations(result: Classification | MultilabelClassification) -> tuple[Explanation, ...]:
    if isinstance(result, MultilabelClassification):
        return result.explanations
    return (result.explanation,) if result.explanation else ()


def _write(explanation: Explanation, target: Path, number: int, count: int, *, figure: bool) -> Path:
    if count > 1:
        target = target.with_name(f"{target.stem}.{number + 1}{name_part(explanation.label)}{target.suffix}")
    if figure:  # without attributions, what is drawn is the service's figure
        explanation = explanation.model_copy(update={"sent_attributions": None})
    try:
        return explanation.save(target)
    except OSError as error:
        reason = error.strerror or str(error)
    raise Unusable(f"cannot write {target}: {reason}")

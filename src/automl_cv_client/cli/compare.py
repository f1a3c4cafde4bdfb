"""``automl-cv compare``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from automl_cv_client.cli.completing import deployments as complete_deployments
from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.evaluate import (
    REPORTS,
    AsJson,
    Images,
    Labels,
    Reports,
    Threshold,
    folder_of,
    require_evaluation,
    show,
)
from automl_cv_client.cli.exits import FAILED, Unusable
from automl_cv_client.cli.labelled import score_labelled
from automl_cv_client.cli.options import ENDPOINT_PANEL, Uri
from automl_cv_client.cli.progress import bar_for
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.settings import URI

EXAMPLES = """
automl-cv compare labels.jsonl --images photos/ \\
    --deployment blue --deployment green --report blue-green.html
automl-cv compare labels.jsonl --results blue.jsonl --results green.jsonl
"""


def compare(
    labels: Labels,
    deployments: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--deployment",
            metavar="NAME",
            autocompletion=complete_deployments,
            rich_help_panel=ENDPOINT_PANEL,
            help="Give it twice: the one with the traffic first.",
        ),
    ] = None,
    images: Images = None,
    results: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option("--results", metavar="FILE", help="Stored results of both, given twice, instead of scoring."),
    ] = None,
    report: Reports = None,
    threshold: Threshold = 0.5,
    draws: Annotated[
        int, typer.Option("--draws", metavar="N", min=20, help="Draws of the bootstrap, for the intervals.")
    ] = 1000,
    as_json: AsJson = False,
    uri: Uri = None,
) -> None:
    """Compare two deployments on the same labelled images.

    Metrics with 95 % confidence intervals, latency, and the images they see differently: what to know before moving
    traffic.
    """
    require_evaluation()
    from automl_cv_client.evaluation import compare as measure

    names = deployments or ([file.stem for file in results] if results else [])
    if len(names) != 2 or (results is not None and len(results) != 2):
        raise Unusable("compare takes two of each: --deployment blue --deployment green, or --results twice")
    check_targets(report or (), REPORTS, inputs=(labels, *(results or ())))
    predictions: Sequence[Any] = results or ()
    if not results:
        folder = folder_of(images)
        with client_for(uri, None) as client:
            sides = [(f"deployment {name}", client.with_options(deployment=name)) for name in names]
            predictions = score_labelled(sides, labels, folder)
    with bar_for("measuring") as bar:
        found = measure(
            labels=labels,
            deployments=names,
            images=images,
            predictions=predictions,
            threshold=threshold,
            draws=draws,
            endpoint="" if results else uri or os.environ.get(URI, ""),
            progress=bar.share,
        )
    show(found, as_json, report)
    if found.left_out:
        raise typer.Exit(FAILED)

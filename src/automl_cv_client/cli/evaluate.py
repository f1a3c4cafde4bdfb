"""``automl-cv evaluate``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer

from automl_cv_client._client import Client
from automl_cv_client.cli.exits import FAILED, Unusable, guarded
from automl_cv_client.cli.options import Deployment, Uri
from automl_cv_client.cli.text import console
from automl_cv_client.settings import DEPLOYMENT, URI, EndpointSettings

Labels = Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="Training rows: what is in the pictures.")]
Images = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--images", metavar="DIR", help="The folder the pictures are in."),
]
Reports = Annotated[
    Optional[list[Path]],  # noqa: UP045
    typer.Option("--report", metavar="FILE", help="Also write the report: .html, .json, .md or .txt. May be repeated."),
]
Threshold = Annotated[
    float, typer.Option("--threshold", min=0.0, max=1.0, help="Score above which a label or object counts as found.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@guarded
def evaluate(
    labels: Labels,
    images: Images = None,
    results: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--results", metavar="FILE", help="Stored results, or a batch job's results.jsonl: asks nobody."),
    ] = None,
    store: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--store", metavar="FILE", help="Keep the results, for --results."),
    ] = None,
    report: Reports = None,
    threshold: Threshold = 0.5,
    as_json: AsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Measure how good an endpoint is, against labels.

    Scores the labelled pictures in --images, or takes --results. Exits with 1 when pictures had no result.
    """
    from automl_cv_client.evaluation import evaluate as measure
    from automl_cv_client.evaluation import score_rows, write_results

    name = deployment or ""
    if results is not None:
        found = measure(results, labels, images=images, threshold=threshold, name=name)
    else:
        with client_for(uri, deployment) as client:
            answers = dict(score_rows(client, labels, folder_of(images)))
        if store is not None:
            write_results(answers.items(), store)
        found = measure(answers, labels, images=images, threshold=threshold, name=name)
    show(found, as_json, report)
    if found.left_out:
        raise typer.Exit(FAILED)


@contextmanager
def client_for(uri: str | None, deployment: str | None) -> Iterator[Client]:
    """A client by options and variables."""
    given = {name: value for name, value in ((URI, uri), (DEPLOYMENT, deployment)) if value is not None}
    settings = EndpointSettings.from_env({**os.environ, **given})
    with Client(settings.scoring_uri, settings.secret(), deployment=settings.deployment) as client:
        yield client


def folder_of(images: Path | None) -> Path:
    """The folder of pictures. Raises Unusable when none is given."""
    if images is None:
        raise Unusable("give the folder the pictures are in (--images DIR), or stored results")
    return images


def show(report: object, as_json: bool, files: list[Path] | None) -> None:
    """Print a report and write it to files."""
    for file in files or []:
        report.save(file)  # type: ignore[attr-defined]
    if as_json:
        typer.echo(report.to_json())  # type: ignore[attr-defined]
        return
    console().print(report.text())  # type: ignore[attr-defined]
    for file in files or []:
        console().print(f"report: {file}")

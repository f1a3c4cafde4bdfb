"""``automl-cv evaluate``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from automl_cv_client._client import Client
from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.exits import FAILED, Unusable
from automl_cv_client.cli.labelled import score_labelled
from automl_cv_client.cli.options import Deployment, Uri
from automl_cv_client.cli.progress import bar_for
from automl_cv_client.cli.resuming import watching
from automl_cv_client.cli.targets import check_targets
from automl_cv_client.cli.text import console, print_json, safe
from automl_cv_client.settings import URI

if TYPE_CHECKING:
    from automl_cv_client.evaluation import Comparison, EvaluationReport
    from automl_cv_client.results import Outcome, Result

EXAMPLES = """
automl-cv evaluate labels.jsonl --images photos/ --report report.html
automl-cv evaluate labels.jsonl --images photos/ --job job/   # can be resumed
automl-cv evaluate labels.jsonl --results job/results.jsonl --json
"""

Labels = Annotated[Path, typer.Argument(metavar="LABELS.jsonl", help="Training rows: what is in the images.")]
Images = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--images", metavar="DIR", help="The folder the images are in."),
]
Reports = Annotated[
    Optional[list[Path]],  # noqa: UP045
    typer.Option("--report", metavar="FILE", help="Also write the report: .html, .json, .md or .txt. May be repeated."),
]
Threshold = Annotated[
    float,
    typer.Option(
        "--threshold",
        min=0.0,
        max=1.0,
        metavar="P",
        help="Score, 0 to 1, above which a label or object counts as found.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]


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
    job: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--job", metavar="DIR", help="Score as a batch job in this folder; run again to resume it."),
    ] = None,
    report: Reports = None,
    threshold: Threshold = 0.5,
    as_json: AsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Measure how good an endpoint is, against labels.

    Scores the labelled images in --images, or takes --results. Labelled images without a result are a failure.
    """
    require_evaluation()
    _check_choice(results, store, job)
    check_targets(report or (), REPORTS, inputs=(labels, *filter(None, (results,))))
    check_targets(filter(None, (store,)), inputs=(labels,))
    from automl_cv_client.evaluation import evaluate as measure
    from automl_cv_client.evaluation import write_results

    name, asked = deployment or "", uri or os.environ.get(URI, "")
    if job is not None and results is None:
        with client_for(uri, deployment) as client:
            results = _scored_by_job(client, labels, folder_of(images), job)
    predictions: Path | Mapping[str, Outcome[Result]] | None = results
    if predictions is None:
        with client_for(uri, deployment) as client:
            (answers,) = score_labelled([("the endpoint", client)], labels, folder_of(images))
        if store is not None:
            write_results(answers.items(), store)
        predictions = answers
    with bar_for("measuring") as bar:
        found = measure(
            predictions,
            labels,
            images=images,
            threshold=threshold,
            name=name,
            endpoint=asked if job or results is None else "",
            progress=bar.share,
        )
    show(found, as_json, report)
    if found.left_out:
        raise typer.Exit(FAILED)


def _check_choice(results: Path | None, store: Path | None, job: Path | None) -> None:
    """Raises Unusable for options of which one would be left out without a word."""
    if results is not None and (job or store):
        raise Unusable("--results is measured without scoring: leave out --job and --store")
    if job is not None and store is not None:
        raise Unusable(f"--job keeps the results, in {job / 'results.jsonl'}: leave out --store")


def _scored_by_job(client: Client, labels: Path, images: Path, job: Path) -> Path:
    """Score the labelled images as a batch job, which goes on where it was stopped; its results."""
    from automl_cv_client.batch import score_folder
    from automl_cv_client.dataset import LocalImages, read_jsonl

    files = LocalImages(images)
    rows = list(read_jsonl(labels))
    if not rows:
        raise Unusable(f"{labels} holds no rows")
    paths = [file for file in (files.find(row.image_url) for row in rows) if file is not None]
    if not paths:
        raise Unusable(f"none of the {len(rows)} labelled images is in {images}: see --images")
    with watching(job) as progress:
        score_folder(client, paths, job, rows[0].task, progress=progress)
    return job / "results.jsonl"


REPORTS = (".html", ".json", ".md", ".txt")
"""The endings of a report's file."""


def require_evaluation() -> None:
    """Raises Unusable, saying what to install, when numpy is missing: the extra for it alone would not be enough."""
    try:
        import automl_cv_client.evaluation  # noqa: F401
    except ModuleNotFoundError as error:
        raise Unusable(f'measuring needs {error.name}: pip install "automl-cv-client[eval]"') from None


def folder_of(images: Path | None) -> Path:
    """The folder of images. Raises Unusable when none is given."""
    if images is None:
        raise Unusable("give the folder the images are in (--images DIR), or stored results")
    return images


def show(report: EvaluationReport | Comparison, as_json: bool, files: list[Path] | None) -> None:
    """Print a report and write it to files."""
    for file in files or []:
        report.save(file)
    if as_json:
        print_json(report.as_dict(), indent=2)
        return
    console().print(report.text())
    for file in files or []:
        console().print(f"report: {safe(file)}")

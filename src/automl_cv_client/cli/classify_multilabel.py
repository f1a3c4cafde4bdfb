"""``automl-cv classify-multilabel``."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_cv_client.cli import scoring
from automl_cv_client.cli.exits import guarded
from automl_cv_client.cli.options import AsJson, Deployment, Out, Paths, Uri
from automl_cv_client.task import Task

Threshold = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="The probability above which a label counts as present.")
]


@guarded
def classify_multilabel(
    paths: Paths,
    threshold: Threshold = 0.5,
    as_json: AsJson = False,
    out: Out = None,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Name everything each picture shows."""
    scoring.run(Task.MULTILABEL, paths, as_json=as_json, out=out, uri=uri, deployment=deployment, threshold=threshold)

"""``automl-cv classify-multilabel``."""

from __future__ import annotations

from typing import Annotated

import typer

from automl_cv_client.cli import scoring
from automl_cv_client.cli.options import AsJson, Deployment, Out, Paths, Uri
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv classify-multilabel photos/
automl-cv classify-multilabel photos/ --threshold 0.3 --json > labels.json
"""

Threshold = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, metavar="P", help="Probability, 0 to 1, above which a label counts as present."),
]


def classify_multilabel(
    paths: Paths,
    threshold: Threshold = 0.5,
    out: Out = None,
    as_json: AsJson = False,
    uri: Uri = None,
    deployment: Deployment = None,
) -> None:
    """Name everything each image shows."""
    scoring.run(Task.MULTILABEL, paths, as_json=as_json, out=out, uri=uri, deployment=deployment, threshold=threshold)

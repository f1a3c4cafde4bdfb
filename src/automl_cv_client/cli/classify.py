"""``automl-cv classify``."""

from __future__ import annotations

from automl_cv_client.cli import scoring
from automl_cv_client.cli.options import AsJson, Deployment, Out, Paths, Uri
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv classify cat.jpg
automl-cv classify photos/ --deployment green
automl-cv classify photos/ --json > classes.json
"""


def classify(
    paths: Paths, out: Out = None, as_json: AsJson = False, uri: Uri = None, deployment: Deployment = None
) -> None:
    """Name the one thing each image shows."""
    scoring.run(Task.CLASSIFICATION, paths, out=out, as_json=as_json, uri=uri, deployment=deployment)

"""``automl-cv detect``."""

from __future__ import annotations

from automl_cv_client.cli import scoring
from automl_cv_client.cli.options import AsJson, Deployment, Out, Paths, Uri
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv detect cat.jpg
automl-cv detect photos/ --out drawn/    # and draw the boxes
automl-cv detect photos/ --json | jq '.[].result.objects | length'
"""


def detect(
    paths: Paths, out: Out = None, as_json: AsJson = False, uri: Uri = None, deployment: Deployment = None
) -> None:
    """Find objects.

    Prints label, score, and box (left, top, right, bottom) in pixels of the upright image.
    """
    scoring.run(Task.DETECTION, paths, out=out, as_json=as_json, uri=uri, deployment=deployment)

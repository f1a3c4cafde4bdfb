"""``automl-cv segment``."""

from __future__ import annotations

from automl_cv_client.cli import scoring
from automl_cv_client.cli.options import AsJson, Deployment, Out, Paths, Uri
from automl_cv_client.task import Task

EXAMPLES = """
automl-cv segment a.jpg b.jpg --out drawn/  # the outlines, filled
automl-cv segment photos/ --json > outlines.json
"""


def segment(
    paths: Paths, out: Out = None, as_json: AsJson = False, uri: Uri = None, deployment: Deployment = None
) -> None:
    """Find objects and their outlines.

    Prints label, score and box; the outlines are in the JSON and on the drawn images.
    """
    scoring.run(Task.SEGMENTATION, paths, out=out, as_json=as_json, uri=uri, deployment=deployment)

"""Where the samples score: your endpoint if its variables are set, else a local one with demo models."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from automl_cv_client import Task
from automl_cv_client.local import LocalEndpoint


@contextmanager
def endpoint_for(task: Task) -> Iterator[tuple[str, str]]:
    """The scoring URI and the key of an endpoint for this task."""
    if uri := os.environ.get("AUTOML_CV_SCORING_URI"):
        yield uri, os.environ["AUTOML_CV_KEY"]
        return
    with LocalEndpoint(task) as endpoint:
        yield endpoint.scoring_uri, endpoint.key

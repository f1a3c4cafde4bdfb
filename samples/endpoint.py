"""Where the samples score: at the endpoint your variables name, else at one on this machine with demo models.

No sample itself. In code of your own leave it out: there, ``Client.from_env()`` is all you need.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from automl_cv_client import Task
from automl_cv_client.local import LocalEndpoint


@contextmanager
def endpoint_for(task: Task, deployments: Sequence[str] = ("default",)) -> Iterator[None]:
    """While open, ``AUTOML_CV_SCORING_URI`` and ``AUTOML_CV_KEY`` name an endpoint; if they do already, yours."""
    if os.environ.get("AUTOML_CV_SCORING_URI") or os.environ.get("AUTOML_CV_ENDPOINT"):
        yield
        return
    with LocalEndpoint(task, deployments=deployments) as endpoint:
        os.environ |= {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri, "AUTOML_CV_KEY": endpoint.key}
        try:
            yield
        finally:
            del os.environ["AUTOML_CV_SCORING_URI"], os.environ["AUTOML_CV_KEY"]

"""Scores images in a batch job by calling an online endpoint. The file is yours: change what you like.

The service calls init() once per worker process, then run() with the paths of each mini-batch. An image becomes one
line of predictions.csv, a JSON object as in the results.jsonl of `automl-cv batch run`.
"""

from __future__ import annotations

import json
import os

from automl_cv_client import Client, Outcome, Run
from automl_cv_client.errors import ImageError

stream: Run


def init() -> None:
    """One stream for all mini-batches: it remembers how many requests the deployment takes at once."""
    global stream
    client = Client.from_env()  # AUTOML_CV_SCORING_URI, or AUTOML_CV_ENDPOINT to look up its key; else Entra ID
    stream = client.stream(os.environ["AUTOML_CV_TASK"], concurrency=int(os.environ["AUTOML_CV_CONCURRENCY"]))


def run(mini_batch: list[str]) -> list[str]:
    outcomes = stream.score(mini_batch)  # raises when nothing more can succeed: a revoked key, an endpoint that is gone
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(failures) == len(outcomes) and not all(isinstance(error, ImageError) for error in failures):
        raise failures[-1]  # not the images' fault: let the service retry, and count them
    return [as_line(path, outcome) for path, outcome in zip(mini_batch, outcomes, strict=True)]


def as_line(path: str, outcome: Outcome) -> str:
    if outcome.result is not None:
        return json.dumps({"input": path, "status": "ok", "result": json.loads(outcome.result.model_dump_json())})
    error = {"kind": type(outcome.error).__name__, "message": str(outcome.error)}
    return json.dumps({"input": path, "status": "error", "error": error})

"""Scores images in a batch job with an exported ONNX model. The file is yours: change what you like.

The service calls init() once per worker process, then run() with the paths of each mini-batch. An image becomes one
line of predictions.csv, a JSON object as in the results.jsonl of `automl-cv batch run`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from automl_cv_client import Outcome
from automl_cv_client.errors import ImageError
from automl_cv_client.local import LocalModel

model: LocalModel


def init() -> None:
    global model
    (file,) = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*.onnx")  # labels.json lies beside it
    model = LocalModel(file, os.environ["AUTOML_CV_TASK"])


def run(mini_batch: list[str]) -> list[str]:
    outcomes = list(model.score_many(mini_batch, model.task, concurrency=1))
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(failures) == len(outcomes) and not all(isinstance(error, ImageError) for error in failures):
        raise failures[-1]  # not the images' fault: let the service retry, and count them
    return [as_line(path, outcome) for path, outcome in zip(mini_batch, outcomes, strict=True)]


def as_line(path: str, outcome: Outcome) -> str:
    if outcome.result is not None:
        return json.dumps({"input": path, "status": "ok", "result": json.loads(outcome.result.model_dump_json())})
    error = {"kind": type(outcome.error).__name__, "message": str(outcome.error)}
    return json.dumps({"input": path, "status": "error", "error": error})

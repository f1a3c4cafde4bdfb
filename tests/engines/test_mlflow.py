"""The driver for AutoML's models with the real MLflow, which saves and loads a model of the same interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client.batch import init_batch_endpoint, try_batch_endpoint
from tests.batch.endpoint import automl_model

mlflow = pytest.importorskip("mlflow", reason="needs MLflow: make test-engines")


@pytest.mark.filterwarnings("ignore")  # of its own
def test_a_model_that_mlflow_saved_is_scored_in_the_job(tmp_path: Path) -> None:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    class Wrapper(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
        def predict(self, context: Any, model_input: Any) -> Any:
            return automl_model.Model().predict(model_input)

    signature = ModelSignature(inputs=Schema([ColSpec("string", "image")]))
    mlflow.pyfunc.save_model(
        str(tmp_path / "model" / "mlflow-model"),
        python_model=Wrapper(),
        signature=signature,
        pip_requirements=["pandas"],
        code_paths=[str(Path(__file__).parents[2] / "tests")],
    )
    (tmp_path / "photos").mkdir()
    for number in range(5):
        Image.new("RGB", (20 + number, 20)).save(tmp_path / "photos" / f"{number}.png")
    (tmp_path / "photos" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    init_batch_endpoint(tmp_path / "endpoint", "image-object-detection", "mlflow")
    trial = try_batch_endpoint(
        tmp_path / "endpoint", tmp_path / "photos", model=tmp_path / "model", mini_batch_size=2, processes=2
    )
    labels = [outcome.result.annotated().objects[0].label for outcome in trial.output if outcome.ok is True]
    assert labels == [f"{20 + number}x20 000000" for number in range(5)]
    assert (trial.rows, trial.failed, trial.problems) == (6, 0, ())

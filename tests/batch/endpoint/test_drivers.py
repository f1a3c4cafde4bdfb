"""The three drivers, each in real processes: with an ONNX model, the local endpoint, and a model as of MLflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from automl_cv_client import Client, Result, Task
from automl_cv_client.batch import BatchTrial, EndpointModel, init_batch_endpoint, try_batch_endpoint
from automl_cv_client.errors import ImageError
from automl_cv_client.local import LocalEndpoint, LocalModel
from tests.onnx_models import write_color_model, write_r_cnn_model

HERE = Path(__file__).parent


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Images of several colors and kinds; one taken sideways, one torn, and two of one name."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save(folder / "0.png")
    Image.new("RGB", (40, 20), "blue").save(folder / "1, \n'x'.jpg", exif=exif)
    Image.new("P", (30, 20)).save(folder / "2.gif")
    Image.new("CMYK", (30, 20)).save(folder / "3.jpg")
    Image.new("RGB", (40, 20), "lime").save(folder / "inner" / "0.png")
    (folder / "torn.png").write_bytes((folder / "0.png").read_bytes()[:60])
    return folder


def tried(tmp_path: Path, photos: Path, task: Task, model: EndpointModel, path: Path | None = None) -> BatchTrial:
    folder = tmp_path / "endpoint"
    if not folder.exists():
        init_batch_endpoint(folder, task, model)
    return try_batch_endpoint(folder, photos, model=path, mini_batch_size=2, processes=2)


def results_of(trial: BatchTrial) -> dict[str, Result]:
    """The results by name; checks that each image has one row, and that the torn one alone is an error."""
    assert (trial.rows, trial.failed, trial.stopped, trial.output.repeated) == (6, 0, "", 0), trial.problems
    assert len(trial.output) == 6
    (torn,) = [outcome for outcome in trial.output if not outcome.ok]
    assert str(torn.input).endswith("torn.png")
    assert type(torn.error).__name__ in ("ImageError", "UnexpectedReply")
    return {str(outcome.input): outcome.unwrap() for outcome in trial.output if outcome.ok}


def same(one: Result, other: Result) -> bool:
    """Whether two results are equal but for who answered, and when."""
    return one.model_dump_json(exclude={"call"}) == other.model_dump_json(exclude={"call"})


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.MULTILABEL, Task.DETECTION, Task.SEGMENTATION])
def test_an_onnx_model_answers_in_the_job_as_it_does_here(task: Task, tmp_path: Path, photos: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    if task.explainable:
        file = write_color_model(folder)
    else:
        mask = [[[[1.0] * 800] * 600]] if task is Task.SEGMENTATION else None
        file = write_r_cnn_model(folder, [[80, 60, 400, 300]], [1], [0.9], mask)
    trial = tried(tmp_path, photos, task, "onnx", folder)
    here = LocalModel(file, task)
    results = results_of(trial)
    assert all(same(result, here.score(path, task)) for path, result in results.items())
    assert isinstance(next(outcome.error for outcome in trial.output if not outcome.ok), ImageError)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalEndpoint]:
    with LocalEndpoint(Task.DETECTION) as endpoint:
        yield endpoint


def test_an_online_endpoint_answers_through_the_job(
    tmp_path: Path, photos: Path, local: LocalEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", local.scoring_uri)
    monkeypatch.setenv("AUTOML_CV_KEY", local.key)
    results = results_of(tried(tmp_path, photos, Task.DETECTION, "online"))
    with Client(local.scoring_uri, local.key) as client:
        assert all(same(result, client.detect(path)) for path, result in results.items())


def test_a_refused_key_is_no_row_of_any_image(
    tmp_path: Path, photos: Path, local: LocalEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", local.scoring_uri)
    monkeypatch.setenv("AUTOML_CV_KEY", "canary-of-no-use")
    trial = tried(tmp_path, photos, Task.DETECTION, "online")
    assert trial.rows <= 1  # a mini-batch of the torn image alone says nothing of the endpoint
    assert trial.failed == 6 - trial.rows
    assert trial.retried >= 4
    assert any("refused" in problem or "401" in problem for problem in trial.problems)
    assert "canary" not in f"{trial!r}"


@pytest.fixture
def mlflow_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's folder, and where Python finds what stands in for MLflow."""
    (tmp_path / "libraries").mkdir()
    shutil.copy(HERE / "mlflow_stand_in.py", tmp_path / "libraries" / "mlflow.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "libraries"))
    folder = tmp_path / "model" / "mlflow-model"
    folder.mkdir(parents=True)
    (folder / "MLmodel").touch()
    shutil.copy(HERE / "automl_model.py", folder / "model.py")
    return folder


def change(model: Path, look_at: str) -> None:
    """Let the model fail."""
    text = (model / "model.py").read_text(encoding="utf-8")
    (model / "model.py").write_text(text.replace('"""Where a test fails."""', look_at), encoding="utf-8")


FAULTS = {
    "none": "pass",
    "fails on several": "if len(frame) > 1: raise RuntimeError('CUDA out of memory')",
    "drops one": "if len(frame) > 1: frame.drop(frame.index[0], inplace=True)",
    "needs an index from 0": "frame.loc[0, 'image']",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_model_of_mlflow_gets_upright_images_and_no_row_is_lost_or_shifted(
    fault: str, tmp_path: Path, photos: Path, mlflow_model: Path
) -> None:
    change(mlflow_model, fault)
    results = results_of(tried(tmp_path, photos, Task.DETECTION, "mlflow", mlflow_model.parent))
    labels = {
        str(Path(path).relative_to(photos)): result.annotated().objects[0].label for path, result in results.items()
    }
    assert labels == {
        "0.png": "40x20 ff0000",
        "1, \n'x'.jpg": "20x40 0000fe",  # upright
        "2.gif": "30x20 000000",
        "3.jpg": "30x20 ffffff",
        "inner/0.png": "40x20 00ff00",
    }


def test_an_image_that_the_model_cannot_score_is_an_error_of_its_own(
    tmp_path: Path, photos: Path, mlflow_model: Path
) -> None:
    change(
        mlflow_model,
        "if any(self.row(image)['boxes'][0]['label'] == '40x20 00ff00' for image in frame['image']): 1 / 0",
    )
    Image.new("I;16", (40, 20), 40_000).save(photos / "16-bit.png")
    init_batch_endpoint(tmp_path / "endpoint", Task.DETECTION, "mlflow")
    trial = try_batch_endpoint(tmp_path / "endpoint", photos, model=mlflow_model, mini_batch_size=7)
    errors = {Path(str(outcome.input)).name: str(outcome.error) for outcome in trial.output if not outcome.ok}
    assert trial.rows == len(trial.output) == 7
    assert set(errors) == {"0.png", "torn.png", "16-bit.png"}
    assert "ZeroDivisionError: division by zero" in errors["0.png"]
    assert "more than 8 bits per channel" in errors["16-bit.png"]


def test_a_model_that_scores_nothing_fails_its_mini_batches(tmp_path: Path, photos: Path, mlflow_model: Path) -> None:
    change(mlflow_model, "raise RuntimeError('CUDA error: device-side assert')")
    trial = tried(tmp_path, photos, Task.DETECTION, "mlflow", mlflow_model)
    assert trial.retried >= 4
    assert trial.failed == 6 - trial.rows >= 4
    assert any("the model scored none of" in problem and "CUDA error" in problem for problem in trial.problems)

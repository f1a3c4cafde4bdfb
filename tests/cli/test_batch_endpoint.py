"""``automl-cv batch-endpoint``: init, try, and batch read of what was tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import run
from tests.onnx_models import write_color_model

TASK = "image-classification"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return write_color_model(tmp_path / "model")


def test_init_try_read(tmp_path: Path, folder: Path, model: Path) -> None:
    endpoint, out = tmp_path / "endpoint", tmp_path / "out"
    done = run("batch-endpoint", "init", endpoint, "--task", TASK, "--model", "onnx")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        str(endpoint / name) for name in ("batch_driver.py", "deployment.yml", "endpoint.yml", "conda.yml")
    ]
    words = ("batch-endpoint", "try", endpoint, folder, "--model", model)
    tried = run(*words, "--mini-batch", "1", "--workers", "2", "--out", out)
    assert (tried.code, tried.err) == (0, "")
    facts = dict(line.rsplit(maxsplit=1) for line in tried.out.splitlines() if not line.startswith("seconds"))
    assert facts == {
        "files": "4",
        "mini batches": "4",
        "retried": "0",
        "rows": "4",
        "ok": "2",
        "failed": "0",
        "repeated": "0",
        "passed over": "2",
        "stopped": "-",
    }
    read = run("batch", "read", out / "predictions.csv", "--task", TASK, "--images", folder)
    assert (read.code, read.out) == (0, "2 images ok, 0 failed, 0 rows repeated, 2 files passed over\n")


def test_init_writes_over_nothing_without_force(tmp_path: Path) -> None:
    words = ("batch-endpoint", "init", tmp_path, "--task", TASK)
    assert run(*words, "--json").json == {
        "files": [str(tmp_path / name) for name in ("batch_driver.py", "deployment.yml", "endpoint.yml", "conda.yml")]
    }
    again = run(*words)
    assert (again.code, again.out) == (2, "")
    assert "has batch_driver.py, deployment.yml, endpoint.yml, conda.yml already" in again.err
    assert "--force" in again.err
    assert run(*words, "--force").code == 0


def test_what_went_wrong_is_told_line_by_line(tmp_path: Path, folder: Path) -> None:
    endpoint = tmp_path / "endpoint"
    endpoint.mkdir()
    (endpoint / "deployment.yml").write_text(
        f"code_configuration: {{scoring_script: driver.py}}\nenvironment_variables: {{AUTOML_CV_TASK: {TASK}}}\n"
        "mini_batch_size: 1\nretry_settings: {max_retries: 1}\nerror_threshold: 3\n"
    )
    (endpoint / "driver.py").write_text("def init(): ...\ndef run(mini_batch):\n    raise RuntimeError('no GPU')\n")
    done = run("batch-endpoint", "try", endpoint, folder, "--json")
    assert done.code == 1
    assert (done.json["retried"], done.json["failed"], done.json["rows"]) == (4, 2, 0)
    assert done.json["stopped"] == "4 images failed, and error_threshold is 3"
    assert done.err.count("RuntimeError: no GPU; its 1 images failed") == 4
    assert done.err.count("the output has no row for it") == 2
    assert "automl-cv: the job ended early: 4 images failed" in done.err
    (endpoint / "driver.py").write_text("def init():\n    raise RuntimeError('no model')\ndef run(mini_batch): ...")
    done = run("batch-endpoint", "try", endpoint, folder, "--json")
    assert (done.code, done.json["error"]["type"]) == (2, "BatchError")
    assert "init of driver.py failed: RuntimeError: no model" in done.json["error"]["message"]

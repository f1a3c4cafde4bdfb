"""The files of a batch endpoint: what is written, that Azure's own SDK reads it, and that nothing is written over."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from automl_cv_client import Task
from automl_cv_client.batch import EndpointModel, init_batch_endpoint
from automl_cv_client.batch.endpoint.deployment import read_deployment
from automl_cv_client.errors import InvalidInput

NAMES = ["batch_driver.py", "deployment.yml", "endpoint.yml", "conda.yml"]
each_model = pytest.mark.parametrize("model", ["mlflow", "onnx", "online"])


def written(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


@each_model
@pytest.mark.parametrize("task", Task)
def test_the_files_say_the_same_to_the_service_and_to_a_trial(model: EndpointModel, task: Task, tmp_path: Path) -> None:
    files = init_batch_endpoint(tmp_path / "new" / "endpoint", task, model)
    assert [file.name for file in files] == NAMES
    assert set(written(files[0].parent)) == set(NAMES)
    deployment = read_deployment(files[0].parent)
    assert (deployment.script, dict(deployment.variables)["AUTOML_CV_TASK"]) == ("batch_driver.py", task.value)
    assert deployment.error_threshold > 0
    assert deployment.max_retries == 2


@each_model
@pytest.mark.filterwarnings("ignore")  # of its own libraries
def test_azures_own_sdk_takes_them(model: EndpointModel, tmp_path: Path) -> None:
    from azure.ai.ml import load_batch_endpoint
    from azure.ai.ml.entities._load_functions import load_model_batch_deployment

    init_batch_endpoint(tmp_path / "endpoint", "detect", model)
    deployment: Any = load_model_batch_deployment(tmp_path / "endpoint" / "deployment.yml")
    ours = read_deployment(tmp_path / "endpoint")
    assert deployment.settings.mini_batch_size == ours.mini_batch_size
    assert deployment.settings.retry_settings.timeout == ours.timeout
    assert deployment.settings.error_threshold == ours.error_threshold
    assert deployment.settings.environment_variables == dict(ours.variables)
    assert (deployment.model is None) == (model == "online")
    assert load_batch_endpoint(tmp_path / "endpoint" / "endpoint.yml").name == deployment.endpoint_name
    packages = yaml.safe_load((tmp_path / "endpoint" / "conda.yml").read_text())["dependencies"][-1]["pip"]
    assert {"azureml-core", "azureml-dataset-runtime[fuse]"} < set(packages)


@each_model
def test_a_driver_is_short_and_says_what_it_does(model: EndpointModel, tmp_path: Path) -> None:
    driver, *_ = init_batch_endpoint(tmp_path, Task.DETECTION, model)
    text = driver.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 80
    module = ast.parse(text, feature_version=(3, 8))
    assert ast.get_docstring(module)
    functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    assert {"init", "run"} <= functions
    assert ("automl_cv_client" in text) == (model != "mlflow")  # the models' own environments do not have it


@each_model
def test_no_key_has_a_place_in_them(model: EndpointModel, tmp_path: Path) -> None:
    init_batch_endpoint(tmp_path, Task.DETECTION, model)
    assert not [name for name, text in written(tmp_path).items() if "AUTOML_CV_KEY" in text]


def test_nothing_is_written_over_unless_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "conda.yml").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine, too")
    with pytest.raises(InvalidInput, match=r"has conda\.yml already: choose another folder.*--force"):
        init_batch_endpoint(tmp_path, Task.DETECTION)
    assert written(tmp_path) == {"conda.yml": "mine", "notes.txt": "mine, too"}
    init_batch_endpoint(tmp_path, Task.DETECTION, overwrite=True)
    assert "mlflow" in written(tmp_path)["conda.yml"]
    assert set(written(tmp_path)) == {*NAMES, "notes.txt"}


def test_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "endpoint" / "endpoint.yml").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="is a folder"):
        init_batch_endpoint(tmp_path / "endpoint", Task.DETECTION, overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot write the files of the batch endpoint"):
        init_batch_endpoint(tmp_path / "file" / "endpoint", Task.DETECTION)
    with pytest.raises(InvalidInput, match="cannot write the files of the batch endpoint"):
        init_batch_endpoint(tmp_path / "file", Task.DETECTION, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["endpoint", "file"]
    assert os.listdir(tmp_path / "endpoint") == ["endpoint.yml"]


def test_an_unknown_model_names_those_that_are_known(tmp_path: Path) -> None:
    wrong: Any = "pickle"
    with pytest.raises(InvalidInput, match="'mlflow', 'onnx' or 'online'"):
        init_batch_endpoint(tmp_path, Task.DETECTION, wrong)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is no YAML"),
        ("- a", "does not describe a deployment"),
        ("{}", "names no scoring_script"),
        ("code_configuration: {scoring_script: gone.py}", "names no scoring_script"),
        ("code_configuration: x", "code_configuration must have keys of its own"),
        ("{script}\nmini_batch_size: 0", "mini_batch_size must be a whole number from 1 on"),
        ("{script}\nsettings: {mini_batch_size: many}", "mini_batch_size must be a whole number"),
        ("{script}\nsettings: {retry_settings: {timeout: -1}}", "timeout must be a whole number"),
        ("{script}\nsettings: {output_action: print}", "must be append_row or summary_only"),
        ("{script}\noutput_file_name: ../x.csv", "a name without folders"),
        ("{script}\nmodel: {path: gone}", "there is no model 'gone'"),
        ("{script}\nenvironment_variables: {A: [1]}", "the environment variable A must be a text"),
        ("{script}\nenvironment_variables: {AUTOML_CV_KEY: canary-123}", "holds a key by value"),
    ],
)
def test_a_deployment_that_cannot_be_names_the_key(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "driver.py").touch()
    script = "code_configuration: {scoring_script: driver.py}"
    (tmp_path / "deployment.yml").write_text(text.replace("{script}", script))
    with pytest.raises(InvalidInput) as raised:
        read_deployment(tmp_path)
    assert says in str(raised.value)
    assert "canary" not in str(raised.value)


def test_without_a_deployment_it_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'automl-cv batch-endpoint init' writes such a folder"):
        read_deployment(tmp_path)


def test_the_settings_of_older_files_stand_at_the_top_and_what_is_missing_is_the_services(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").touch()
    (tmp_path / "deployment.yml").write_text(
        "code_configuration: {code: code, scoring_script: score.py}\n"
        "mini_batch_size: 7\nmax_concurrency_per_instance: 3\nresources: {instance_count: 2}\n"
    )
    deployment = read_deployment(tmp_path)
    assert (deployment.mini_batch_size, deployment.processes, deployment.max_retries) == (7, 6, 3)
    assert (deployment.timeout, deployment.error_threshold, deployment.appends) == (30, -1, True)

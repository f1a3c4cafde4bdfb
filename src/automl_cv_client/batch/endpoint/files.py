"""Writes the files that deploy an Azure ML batch endpoint: a driver, and what the service asks for beside it.

The drivers are Python files in ``drivers/``, copied as they are: what the linter and the tests see is what users get.
The schemas of the YAML files: https://learn.microsoft.com/azure/machine-learning/reference-yaml-deployment-batch
"""

from __future__ import annotations

import os
import tempfile
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

from automl_cv_client._keywords import named
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task, TaskInput, task_of

EndpointModel = Literal["mlflow", "onnx", "online"]
"""What scores the images: an AutoML model in MLflow format, an exported ONNX model, or an online endpoint."""

DRIVER, DEPLOYMENT, ENDPOINT, CONDA = "batch_driver.py", "deployment.yml", "endpoint.yml", "conda.yml"

_DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/modelBatchDeployment.schema.json
type: model
name: {name}
endpoint_name: my-batch-endpoint        # change: as in endpoint.yml
{model}code_configuration:
  code: .
  scoring_script: batch_driver.py
environment:
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest
  conda_file: conda.yml
compute: azureml:my-cluster             # change: your compute cluster{identity}
resources:
  instance_count: 1
settings:
  mini_batch_size: {mini_batch_size:<21}# images per call of run()
  max_concurrency_per_instance: 1       # worker processes per machine{processes}
  retry_settings:
    max_retries: 2                      # of a mini-batch that raises, or whose process dies
    timeout: {timeout:<27}# seconds per mini-batch; then its process is killed
  error_threshold: {error_threshold:<21}# images of failed mini-batches; more end the job, -1 never does
  output_action: append_row
  output_file_name: predictions.csv
  environment_variables:
    AUTOML_CV_TASK: {task}
{variables}"""

_MODEL = "model: azureml:my-model@latest          # change: {what}\n"
_MODELS: dict[EndpointModel, str] = {
    "mlflow": _MODEL.format(what="the registered model, a folder with the file MLmodel"),
    "onnx": _MODEL.format(what="the registered model, a folder with model.onnx and labels.json"),
    "online": "",
}
_ONLINE_VARIABLES = """\
    AUTOML_CV_SCORING_URI: https://my-endpoint.westeurope.inference.ml.azure.com/score  # change
    # No key here: everyone who sees the deployment would see it. The identity of the cluster signs in. For an endpoint
    # with key authentication, replace the URI by AUTOML_CV_ENDPOINT (its name), AUTOML_CV_WORKSPACE,
    # AUTOML_CV_RESOURCE_GROUP and AUTOML_CV_SUBSCRIPTION_ID: then the identity looks up the key.
    # Requests in flight at most; how many really are is found out. With several processes (instance_count x
    # max_concurrency_per_instance), divide what the deployment takes by their number.
    AUTOML_CV_CONCURRENCY: "64"
"""

_ENDPOINT = """\
$schema: https://azuremlschemas.azureedge.net/latest/batchEndpoint.schema.json
name: my-batch-endpoint                 # change: unique in the region
auth_mode: aad_token
"""

_CONDA = """\
name: batch-{model}
channels:
  - conda-forge
dependencies:
  - python={python}
  - pip
  - pip:
      - azureml-core                    # batch deployments need these two
      - azureml-dataset-runtime[fuse]
{packages}"""
_MLFLOW_PACKAGES = """\
      # Change: the model runs with the packages it was trained with. Take them, and the version of Python, from the
      # conda.yaml beside the file MLmodel.
      - azureml-automl-dnn-vision
      - mlflow
"""
_PACKAGES: dict[EndpointModel, tuple[str, str]] = {
    "mlflow": ("3.9", _MLFLOW_PACKAGES),
    "onnx": ("3.11", "      - automl-cv-client[local]\n"),
    "online": ("3.11", "      - automl-cv-client\n"),
}


@named
def init_batch_endpoint(
    folder: str | os.PathLike[str], task: TaskInput, model: EndpointModel = "mlflow", *, overwrite: bool = False
) -> tuple[Path, ...]:
    """Write a driver, ``deployment.yml``, ``endpoint.yml`` and ``conda.yml`` for an Azure ML batch endpoint.

    The driver gives each image one line of ``predictions.csv``, its result or its error, in a form that
    :func:`read_batch_output` reads. Lines to change are marked in the YAML files.

    Args:
        folder: where to; made when it is not there.
        task: of the model, such as ``"image-object-detection"``.
        model: ``"mlflow"`` for a model that AutoML trained, ``"onnx"`` for an exported ONNX model, ``"online"`` to call
            an online endpoint.
        overwrite: replace files that are there.

    Returns:
        The paths of the four files.

    Raises:
        InvalidInput: a file is there already, and ``overwrite`` is not given; or it cannot be written.

    Example:
        >>> for path in init_batch_endpoint("endpoint/", "image-object-detection", "onnx"):
        ...     print(path)
    """
    if model not in get_args(EndpointModel):
        raise InvalidInput(f"unknown model {model!r}: use 'mlflow', 'onnx' or 'online'")
    texts = _texts(task_of(task), model)
    target = Path(folder)
    there = [name for name in texts if os.path.lexists(target / name)]
    if there and not overwrite:
        raise InvalidInput(
            f"{target} has {', '.join(there)} already: choose another folder, or replace them by --force, in Python "
            "overwrite=True"
        )
    folders = [name for name in there if (target / name).is_dir()]
    if folders:
        raise InvalidInput(f"{target / folders[0]} is a folder: choose another one for the files")
    reason = ""
    try:
        _write_all(target, texts)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    if reason:
        raise InvalidInput(f"cannot write the files of the batch endpoint to {target}: {reason}")
    return tuple(target / name for name in texts)


def _texts(task: Task, model: EndpointModel) -> dict[str, str]:
    """The files by their names."""
    online = model == "online"
    deployment = _DEPLOYMENT.format(
        name=f"automl-{model}",
        model=_MODELS[model],
        task=task.value,
        identity=", with a managed identity that may score" if online else "",
        processes="; one keeps all requests in flight" if online else "",
        mini_batch_size=200 if online else 10,
        timeout=1800 if online else 300,
        error_threshold=1000 if online else 100,
        variables=_ONLINE_VARIABLES if online else "",
    )
    python, packages = _PACKAGES[model]
    driver = resources.files("automl_cv_client.batch.endpoint").joinpath("drivers", f"{model}.py")
    return {
        DRIVER: driver.read_text(encoding="utf-8"),
        DEPLOYMENT: deployment,
        ENDPOINT: _ENDPOINT,
        CONDA: _CONDA.format(model=model, python=python, packages=packages),
    }


def _write_all(folder: Path, texts: dict[str, str]) -> None:
    """All files, or none: they take their names when all of them are written."""
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=parent) as made:
        for name, text in texts.items():
            Path(made, name).write_text(text, encoding="utf-8", newline="\n")
        folder.mkdir(exist_ok=True)
        for name in texts:
            os.replace(Path(made, name), folder / name)

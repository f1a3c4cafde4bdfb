"""Reads of a ``deployment.yml`` what decides how the service drives a batch job."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl_cv_client._extras import need
from automl_cv_client._text import shortened
from automl_cv_client.batch.endpoint.files import DEPLOYMENT
from automl_cv_client.errors import InvalidInput
from automl_cv_client.settings import KEY


@dataclass(frozen=True)
class Deployment:
    """What of a deployment concerns its driver; the defaults are the service's.

    https://learn.microsoft.com/azure/machine-learning/reference-yaml-deployment-batch

    Attributes:
        code: the folder of the driver.
        script: the driver's path in it.
        model: the model's file or folder on this machine; None where the file names a registered one, or none.
        mini_batch_size: images per call of ``run``.
        processes: worker processes: machines times processes per machine.
        max_retries: how often a mini-batch is retried.
        timeout: seconds per mini-batch.
        error_threshold: images of failed mini-batches above which the job ends; -1 for never.
        appends: whether the service collects the rows in a file; else the driver writes files of its own.
        output_file: the name of that file.
        variables: environment variables.
    """

    code: Path
    script: str
    model: Path | None = None
    mini_batch_size: int = 10
    processes: int = 1
    max_retries: int = 3
    timeout: int = 30
    error_threshold: int = -1
    appends: bool = True
    output_file: str = "predictions.csv"
    variables: tuple[tuple[str, str], ...] = ()


def read_deployment(folder: str | os.PathLike[str]) -> Deployment:
    """The deployment of a folder. Raises InvalidInput, naming the key, for what the service would refuse."""
    file = Path(folder) / DEPLOYMENT
    given = _read_yaml(file)
    settings = {**given, **_mapping(given, "settings", file)}  # files of before type: model have them at the top
    code_configuration = _mapping(given, "code_configuration", file)
    retries = _mapping(settings, "retry_settings", file)
    instances = _number(_mapping(settings, "resources", file), "instance_count", 1, 1, file)
    code = Path(folder) / str(code_configuration.get("code", "."))
    script = str(code_configuration.get("scoring_script", ""))
    if not script or not (code / script).is_file():
        raise InvalidInput(f"{file}: code_configuration names no scoring_script that is there: {shortened(script)!r}")
    action = settings.get("output_action", "append_row")
    if action not in ("append_row", "summary_only"):
        raise InvalidInput(f"{file}: output_action must be append_row or summary_only, not {shortened(str(action))!r}")
    output_file = str(settings.get("output_file_name", Deployment.output_file))
    if output_file in ("", ".", "..") or Path(output_file).name != output_file:
        raise InvalidInput(f"{file}: output_file_name must be a name without folders, not {shortened(output_file)!r}")
    return Deployment(
        code=code,
        script=script,
        model=_model(given.get("model"), Path(folder), file),
        mini_batch_size=_number(settings, "mini_batch_size", Deployment.mini_batch_size, 1, file),
        processes=instances * _number(settings, "max_concurrency_per_instance", 1, 1, file),
        max_retries=_number(retries, "max_retries", Deployment.max_retries, 0, file),
        timeout=_number(retries, "timeout", Deployment.timeout, 1, file),
        error_threshold=_number(settings, "error_threshold", Deployment.error_threshold, -1, file),
        appends=action == "append_row",
        output_file=output_file,
        variables=_variables(_mapping(settings, "environment_variables", file), file),
    )


def _read_yaml(file: Path) -> dict[str, Any]:
    need("cli", "yaml")
    import yaml

    try:
        given = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror}): 'automl-cv batch-endpoint init' writes such a folder"
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = "is no YAML: " + shortened(" ".join(str(error).split()), 300)
    else:
        if isinstance(given, dict):
            return given
        problem = "does not describe a deployment"
    raise InvalidInput(f"{file} {problem}")


def _mapping(given: dict[str, Any], key: str, file: Path) -> dict[str, Any]:
    value = given.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{file}: {key} must have keys of its own, not {shortened(str(value))!r}")
    return value


def _number(given: dict[str, Any], key: str, default: int, least: int, file: Path) -> int:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInput(f"{file}: {key} must be a whole number from {least} on, not {shortened(str(value))!r}")
    return value


def _model(given: object, folder: Path, file: Path) -> Path | None:
    """The model where it lies on this machine: ``model: {path: …}``."""
    path = given.get("path") if isinstance(given, dict) else None
    if not isinstance(path, str) or "://" in path:
        return None
    model = folder / path
    if not model.exists():
        raise InvalidInput(f"{file}: there is no model {shortened(path)!r}")
    return model


def _variables(given: dict[str, Any], file: Path) -> tuple[tuple[str, str], ...]:
    for name, value in given.items():
        if not isinstance(value, str | int | float):
            raise InvalidInput(f"{file}: the environment variable {shortened(str(name))} must be a text")
    if given.get(KEY):
        raise InvalidInput(
            f"{file} holds a key by value ({KEY}), and everyone who sees the deployment sees it: take it out, renew "
            "it, and let the identity of the compute cluster sign in"
        )
    return tuple((str(name), str(value)) for name, value in given.items())

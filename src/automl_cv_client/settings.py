"""Reads where to score, and with what, from environment variables and a workspace's ``config.json``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from automl_cv_client._frames import without_locals
from automl_cv_client._options_base import Options
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client.errors import InvalidInput

URI, KEY, DEPLOYMENT = "AUTOML_CV_SCORING_URI", "AUTOML_CV_KEY", "AUTOML_CV_DEPLOYMENT"
DIALECT = "AUTOML_CV_DIALECT"
ENDPOINT = "AUTOML_CV_ENDPOINT"
WORKSPACE_VARIABLES = {
    "subscription_id": "AUTOML_CV_SUBSCRIPTION_ID",
    "resource_group": "AUTOML_CV_RESOURCE_GROUP",
    "workspace": "AUTOML_CV_WORKSPACE",
}
_LONGEST_CONFIG = 100_000  # bytes; a config.json has some 200


class EndpointSettings(Options, frozen=True):
    """Where to score, and with what.

    Attributes:
        scoring_uri: ``AUTOML_CV_SCORING_URI``.
        key: ``AUTOML_CV_KEY``; hidden when shown.
        deployment: ``AUTOML_CV_DEPLOYMENT``; None for the endpoint's own choice.
        dialect: ``AUTOML_CV_DIALECT``: how the endpoint wants to be asked, such as ``huggingface``.
    """

    scoring_uri: str = Field(min_length=1)
    key: SecretStr | None = None
    deployment: str | None = None
    dialect: Dialect = "automl"

    @classmethod
    @without_locals
    def from_env(cls, environ: Mapping[str, str] | None = None) -> EndpointSettings:
        """The settings in ``environ`` (default: this process's variables); empty variables count as missing.

        Raises:
            InvalidInput: ``AUTOML_CV_SCORING_URI`` is missing; the message names it.
        """
        variables = _variables(environ)
        uri = variables.get(URI, "").strip()
        if not uri:
            raise InvalidInput(
                f"set {URI} to the endpoint's scoring URI (studio: Endpoints, tab 'Consume'), or {ENDPOINT} to its "
                "name in a workspace"
            )
        key = variables.get(KEY, "").strip()
        return cls(
            scoring_uri=uri,
            key=SecretStr(key) if key else None,
            deployment=variables.get(DEPLOYMENT, "").strip() or None,
            dialect=_dialect(variables),
        )

    def secret(self) -> str:
        """The key itself. Raises InvalidInput, naming the variable, when there is none."""
        if self.key is None:
            raise InvalidInput(f"set {KEY} to the endpoint's key (studio: Endpoints, tab 'Consume')")
        return self.key.get_secret_value()

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.key is not None:
            raise TypeError(
                "settings with a key are not pickled, as that would write the key down: call "
                "EndpointSettings.from_env() in each process"
            )
        return super().__reduce_ex__(protocol)


class WorkspaceSettings(Options, frozen=True):
    """Where in Azure the endpoint is to be looked up.

    Attributes:
        subscription_id: ``AUTOML_CV_SUBSCRIPTION_ID``, else from ``config.json``.
        resource_group: ``AUTOML_CV_RESOURCE_GROUP``, else from ``config.json``.
        workspace: ``AUTOML_CV_WORKSPACE``, else from ``config.json``.
        endpoint: ``AUTOML_CV_ENDPOINT``.
        deployment: ``AUTOML_CV_DEPLOYMENT``; None for the endpoint's own choice.
        dialect: ``AUTOML_CV_DIALECT``: how the endpoint wants to be asked, such as ``huggingface``.
    """

    subscription_id: str = Field(min_length=1)
    resource_group: str = Field(min_length=1)
    workspace: str = Field(min_length=1)
    endpoint: str = Field(min_length=1)
    deployment: str | None = None
    dialect: Dialect = "automl"

    @classmethod
    @without_locals
    def from_env(cls, environ: Mapping[str, str] | None = None, folder: Path | None = None) -> WorkspaceSettings:
        """The settings in ``environ``, completed by the ``config.json`` found from ``folder`` upwards.

        Raises:
            InvalidInput: something is missing, naming its variable; or ``config.json`` cannot be read.
        """
        variables = _variables(environ)
        endpoint = variables.get(ENDPOINT, "").strip()
        if not endpoint:
            raise InvalidInput(f"set {ENDPOINT} to the endpoint's name (studio: Endpoints)")
        found = {name: variables.get(variable, "").strip() for name, variable in WORKSPACE_VARIABLES.items()}
        if not all(found.values()):
            config = _Config.found_from(folder or Path.cwd())
            told = {} if config is None else config.parts()
            found = {name: value or told.get(name, "") for name, value in found.items()}
        for name, value in found.items():
            if not value:
                raise InvalidInput(
                    f"set {WORKSPACE_VARIABLES[name]}, or download config.json from the workspace's page in the "
                    "portal into this folder"
                )
        return cls(
            endpoint=endpoint,
            deployment=variables.get(DEPLOYMENT, "").strip() or None,
            dialect=_dialect(variables),
            **found,
        )

    def names(self) -> tuple[str, str, str, str]:
        """Subscription, resource group, workspace, endpoint."""
        return self.subscription_id, self.resource_group, self.workspace, self.endpoint


class _Config(BaseModel):
    """A ``config.json`` as the portal writes it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, defer_build=True)

    subscription_id: str
    resource_group: str
    workspace_name: str

    def parts(self) -> dict[str, str]:
        return {
            "subscription_id": self.subscription_id,
            "resource_group": self.resource_group,
            "workspace": self.workspace_name,
        }

    @classmethod
    def found_from(cls, folder: Path) -> _Config | None:
        """The nearest one, where azure-ai-ml looks too: in each folder upwards, there or under ``.azureml``."""
        for place in (folder, *folder.parents):
            for file in (place / "config.json", place / ".azureml" / "config.json"):
                if file.is_file():
                    return cls._read(file)
        return None

    @classmethod
    def _read(cls, file: Path) -> _Config:
        try:
            with file.open("rb") as opened:
                return cls.model_validate_json(opened.read(_LONGEST_CONFIG))
        except OSError as error:
            problem = error.strerror or type(error).__name__
        except ValidationError as error:
            problem = (
                "not "
                + ", ".join(".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors())
                + " as text"
            )
        raise InvalidInput(f"{file} is no config.json of a workspace: {problem}")


def _variables(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    if environ is None:
        return os.environ
    if not isinstance(environ, Mapping):
        raise InvalidInput(f"environ must be a mapping of names to values, not {type(environ).__name__}")
    for name in (URI, KEY, DEPLOYMENT, DIALECT, ENDPOINT, *WORKSPACE_VARIABLES.values()):
        value = environ.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"the variable {name} must be text, not {type(value).__name__}")
    return {name: value for name, value in environ.items() if value is not None}  # dotenv_values() gives None, too


def _dialect(variables: Mapping[str, str]) -> Dialect:
    given = variables.get(DIALECT, "").strip() or "automl"
    if given not in get_args(Dialect):
        raise InvalidInput(f"{DIALECT} must be one of {', '.join(get_args(Dialect))}, not {given[:40]!r}")
    return cast(Dialect, given)


@without_locals
def settings_from_env(
    environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> EndpointSettings | WorkspaceSettings:
    """The endpoint by its scoring URI when that is set, else by workspace and name.

    Raises:
        InvalidInput: neither is complete; the message names the variable to set.
    """
    variables = _variables(environ)
    if variables.get(URI, "").strip() or not variables.get(ENDPOINT, "").strip():
        return EndpointSettings.from_env(variables)
    if variables.get(KEY, "").strip():
        raise InvalidInput(f"{KEY} is set, so set {URI} too; or unset {KEY}: a workspace gives the key out itself")
    return WorkspaceSettings.from_env(variables, folder)

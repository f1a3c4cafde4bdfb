"""Settings from variables and config.json; errors name the variable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from automl_cv_client import Client, errors
from automl_cv_client.cli.app import app
from automl_cv_client.doctor import examine
from automl_cv_client.local import LocalDeployment, LocalEndpoint
from automl_cv_client.settings import EndpointSettings, WorkspaceSettings, settings_from_env

URI = {"AUTOML_CV_SCORING_URI": "https://cats.example.org/score"}
CONFIG = {"subscription_id": "s-1", "resource_group": "g-1", "workspace_name": "w-1"}
VARIABLES = {
    "AUTOML_CV_SUBSCRIPTION_ID": "s",
    "AUTOML_CV_RESOURCE_GROUP": "g",
    "AUTOML_CV_WORKSPACE": "w",
    "AUTOML_CV_ENDPOINT": "cats",
}


def test_a_scoring_uri_wins(tmp_path: Path) -> None:
    found = settings_from_env({**URI, **VARIABLES, "AUTOML_CV_KEY": "k"}, tmp_path)
    assert isinstance(found, EndpointSettings)
    assert found.secret() == "k"


def test_a_workspace_by_variables(tmp_path: Path) -> None:
    found = settings_from_env(VARIABLES, tmp_path)
    assert isinstance(found, WorkspaceSettings)
    assert found.names() == ("s", "g", "w", "cats")


def test_variables_win_over_the_nearest_config(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "workspace_name": "farther"}))
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "config.json").write_text(json.dumps(CONFIG))
    found = WorkspaceSettings.from_env(
        {"AUTOML_CV_ENDPOINT": "cats", "AUTOML_CV_RESOURCE_GROUP": "mine"}, tmp_path / "a" / "b"
    )
    assert found.names() == ("s-1", "mine", "w-1", "cats")


@pytest.mark.parametrize("missing", VARIABLES)
def test_what_is_missing_is_named(missing: str, tmp_path: Path) -> None:
    given = {name: value for name, value in VARIABLES.items() if name != missing}
    with pytest.raises(errors.InvalidInput, match=f"set .*{missing}"):
        settings_from_env(given, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"subscription_id": 5}', "\udcff"])
def test_a_broken_config_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text, errors="surrogateescape")
    with pytest.raises(errors.InvalidInput, match=r"config\.json is no config\.json of a workspace"):
        WorkspaceSettings.from_env({"AUTOML_CV_ENDPOINT": "cats"}, tmp_path)


def test_a_key_without_its_uri(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="AUTOML_CV_KEY is set, so set AUTOML_CV_SCORING_URI too"):
        settings_from_env({**VARIABLES, "AUTOML_CV_KEY": "k"}, tmp_path)


def test_without_a_key_the_client_takes_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", URI["AUTOML_CV_SCORING_URI"])
    monkeypatch.setenv("AUTOML_CV_DEPLOYMENT", "green")
    with Client.from_env() as client:
        assert client._settings.mode == "aad_token"
        assert client._settings.deployment == "green"
    with Client.from_env(deployment="blue", credential="a-key") as client:  # arguments win
        assert (client._settings.deployment, client._settings.mode) == ("blue", "key")


def test_the_dialect_is_a_variable_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = {**URI, "AUTOML_CV_KEY": "k", "AUTOML_CV_DIALECT": "huggingface"}
    with Client.from_env(variables) as client:
        assert client._settings.dialect == "huggingface"
    with Client.from_env(variables, dialect="legacy") as client:
        assert client._settings.dialect == "legacy"
    assert settings_from_env({**VARIABLES, "AUTOML_CV_DIALECT": "legacy-raw"}, tmp_path).dialect == "legacy-raw"
    assert settings_from_env({**URI, "AUTOML_CV_DIALECT": " "}, tmp_path).dialect == "automl"
    with pytest.raises(errors.InvalidInput, match="AUTOML_CV_DIALECT must be one of automl, huggingface"):
        settings_from_env({**URI, "AUTOML_CV_DIALECT": "hf"}, tmp_path)


def test_commands_ask_in_the_dialect_of_the_environment() -> None:
    deployment = LocalDeployment(name="old", wire="legacy")
    with LocalEndpoint("image-classification", deployments=[deployment]) as endpoint:
        variables = {
            "AUTOML_CV_SCORING_URI": endpoint.scoring_uri,
            "AUTOML_CV_KEY": endpoint.key,
            "AUTOML_CV_DIALECT": "legacy-raw",
        }
        photo = str(Path(__file__).parents[1] / "samples" / "photos" / "chelsea.png")
        done = CliRunner().invoke(app, ["classify", photo], env=variables)
        assert "Egyptian cat" in done.output
        assert examine(environ=variables, task="classify").ok

"""The samples that sign in, against Azure on loopback, through the real azure-identity and azure-ai-ml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.access.jwts import for_audience
from tests.access.stand_ins import GROUP, SUBSCRIPTION, WORKSPACE, Azure
from tests.access.test_identities import managed
from tests.access.test_ml_client import ml_client
from tests.sample_page import SHOWN
from tests.test_samples import clone, run

__all__ = ["clone", "ml_client"]


@pytest.mark.usefixtures("clone")
def test_entra_id(azure: Azure, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (step,) = SHOWN["sign_in_entra_id.py"].steps
    managed(azure, monkeypatch)
    azure.endpoint.accepts = for_audience("https://ml.azure.com")
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", azure.endpoint.scoring_uri)
    assert run(step.words, monkeypatch, capsys) == step.printed
    assert len(azure.plain_entra.granted) == 1


@pytest.mark.usefixtures("clone")
def test_entra_id_that_is_not_let_in(azure: Azure, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    managed(azure, monkeypatch)
    azure.endpoint.accepts = lambda token: False
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", azure.endpoint.scoring_uri)
    with pytest.raises(SystemExit, match=r"not let in: .*aad_token"):
        run(SHOWN["sign_in_entra_id.py"].steps[0].words, monkeypatch, capsys)


@pytest.mark.usefixtures("ml_client")
def test_azure_ai_ml(azure: Azure, clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (step,) = SHOWN["connect_azure_ai_ml.py"].steps
    managed(azure, monkeypatch)
    names = {"subscription_id": SUBSCRIPTION, "resource_group": GROUP, "workspace_name": WORKSPACE}
    (clone / "config.json").write_text(json.dumps(names))
    assert run(step.words, monkeypatch, capsys) == step.printed
    assert azure.endpoint.seen[0].bearer == azure.manager.keys[0]

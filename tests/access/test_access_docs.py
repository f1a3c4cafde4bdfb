"""The Python in docs/access.md runs and prints what it says; its variables and options exist."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from automl_cv_client.cli.app import app
from tests.access.stand_ins import Azure
from tests.access.test_identities import managed
from tests.access.test_ml_client import ml_client
from tests.test_readme import python_blocks

__all__ = ["ml_client"]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", python_blocks(PAGE), ids=lambda block: f"line-{block.line}")
def test_python(block: Any, azure: Azure, ml_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    managed(azure, monkeypatch)
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    monkeypatch.chdir(ROOT)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * (block.line - 1) + block.code, "access.md", "exec"), {"__name__": "access"})
    assert out.getvalue() == block.printed


def test_commands() -> None:
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()]
    known = CliRunner().invoke(app, ["doctor", "--help"], env={"COLUMNS": "200"}).output
    for line in lines:
        assert line.startswith("automl-cv doctor")
        assert all(word in known for word in shlex.split(line) if word.startswith("--"))


def test_variables() -> None:
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    for name in set(re.findall(r"AUTOML_CV_[A-Z_]+", PAGE)):
        assert f'"{name}"' in source

"""Completion at the Tab key: driven through the variables of click and typer, and once by bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from automl_cv_client import Task
from automl_cv_client._protocol.xai import Algorithm
from automl_cv_client.batch.exports import Format
from automl_cv_client.cli import completing
from automl_cv_client.dataset import Form
from tests.access.conftest import _no_identity_variables, authority, azure, bundle, tls, trusted
from tests.access.stand_ins import NAMES, Azure
from tests.access.test_identities import managed
from tests.cli.conftest import run, run_apart
from tests.cli.tree import TREE

__all__ = ["_no_identity_variables", "authority", "azure", "bundle", "tls", "trusted"]

TASKS = {task.value for task in Task}
FORMS = {form.value for form in Form}


def in_bash(line: str) -> set[str]:
    """What bash is offered at the end of a command line."""
    words = line.split(" ")
    variables = {"_AUTOML_CV_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = run(**variables)
    assert (done.code, done.err) == (0, "")
    return set(done.out.split())


def in_zsh(line: str) -> str:
    done = run(_AUTOML_CV_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS=line)
    assert (done.code, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("automl-cv ", {path[0] for path in TREE if len(path) == 1}),
        ("automl-cv class", {"classify", "classify-multilabel"}),
        ("automl-cv batch ", {"run", "status", "export", "read"}),
        ("automl-cv serve --task ", TASKS),
        ("automl-cv doctor --task image-o", {"image-object-detection"}),
        ("automl-cv batch run x --task ", TASKS),
        ("automl-cv batch run x --task classify", {"classify", "classify-multilabel"}),
        ("automl-cv serve --task d", {"detect"}),
        ("automl-cv dataset convert x y --task ", TASKS),
        ("automl-cv dataset convert x y --from ", FORMS),  # the command line has a list of its own, to start quickly
        ("automl-cv explain cat.jpg --algorithm ", set(get_args(Algorithm))),
        ("automl-cv explain cat.jpg --algorithm guided", {"guided_gradcam", "guided_backprop"}),
        ("automl-cv batch export job --format ", set(get_args(Format))),
        ("automl-cv batch run x --format p", {"parquet"}),
        ("automl-cv detect --dep", {"--deployment"}),
        ("automl-cv detect ", set()),  # then the shell itself offers files
        ("automl-cv detect --out ", set()),
    ],
)
def test_bash_and_zsh_are_offered_the_same(line, offered):
    assert in_bash(line) == offered
    zsh = in_zsh(line)
    assert all(f'"{word}"' in zsh for word in offered)
    if not offered and not line.endswith("--out "):  # of which typer 0.12.0 offers zsh an empty word
        assert zsh.strip() == "_files"


def test_the_deployment_of_the_variable_is_offered(monkeypatch):
    monkeypatch.setenv("AUTOML_CV_DEPLOYMENT", "green")
    assert in_bash("automl-cv detect cat.jpg --deployment ") == {"green"}
    assert in_bash("automl-cv detect cat.jpg --deployment b") == set()


def test_the_deployments_of_an_endpoint_in_a_workspace_are_looked_up(azure: Azure, monkeypatch):
    managed(azure, monkeypatch)
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    for name, value in zip(("SUBSCRIPTION_ID", "RESOURCE_GROUP", "WORKSPACE", "ENDPOINT"), NAMES, strict=True):
        monkeypatch.setenv(f"AUTOML_CV_{name}", value)
    assert in_bash("automl-cv detect cat.jpg --deployment ") == {"blue", "green", "red"}
    assert in_bash("automl-cv compare labels.jsonl --deployment g") == {"green"}


def test_a_lookup_that_fails_or_takes_long_says_nothing(monkeypatch, azure: Azure):
    for name, value in zip(("SUBSCRIPTION_ID", "RESOURCE_GROUP", "WORKSPACE", "ENDPOINT"), NAMES, strict=True):
        monkeypatch.setenv(f"AUTOML_CV_{name}", value)
    azure.plain_entra.revoked = True
    managed(azure, monkeypatch)
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    assert in_bash("automl-cv detect cat.jpg --deployment ") == set()
    azure.plain_entra.revoked = False
    azure.plain_entra.pause = 1.0
    monkeypatch.setattr(completing, "_PATIENCE", 0.05)
    assert in_bash("automl-cv detect cat.jpg --deployment ") == set()


def test_the_algorithms_and_formats_offered_are_those_there_are():
    assert completing.algorithms("") == list(get_args(Algorithm))
    assert completing.formats("") == list(get_args(Format))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_names_the_program(shell):
    done = run(_AUTOML_CV_COMPLETE=f"source_{shell}")
    assert (done.code, done.err) == (0, "")
    assert "automl-cv" in done.out
    assert "_AUTOML_CV_COMPLETE" in done.out


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="needs bash")
def test_bash_completes_by_the_script(tmp_path: Path):
    program = tmp_path / "automl-cv"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m automl_cv_client "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(_AUTOML_CV_COMPLETE=source_bash automl-cv)"\n'
        "COMP_WORDS=(automl-cv serve --task image-i) COMP_CWORD=3\n"
        'eval "$(complete -p automl-cv | sed "s/.*-F \\([^ ]*\\) .*/\\1/")" automl-cv\n'
        'echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert (done.stdout, done.stderr) == ("image-instance-segmentation\n", "")


def test_install_and_show_are_there(tmp_path: Path):
    page = run("--help").out
    assert "--install-completion" in page
    assert "--show-completion" in page
    # What shell this is typed in is found out from the parents of the process: typer's test variable names it instead.
    variables = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = run_apart("--show-completion", "zsh", **variables)
    assert (shown.code, "#compdef automl-cv" in shown.out) == (0, True)
    installed = run_apart("--install-completion", "bash", **variables)
    assert installed.code == 0
    assert (tmp_path / ".bash_completions" / "automl-cv.sh").is_file()
    assert "automl-cv.sh" in (tmp_path / ".bashrc").read_text()

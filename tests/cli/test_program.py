"""The program as a whole: help, version, and what it says when a library is missing."""

from __future__ import annotations

import re

import pytest

import automl_cv_client
from tests.cli.conftest import run, run_apart
from tests.servers import Answer, boxes

COMMANDS = ("demo", "serve", "detect", "segment", "classify", "classify-multilabel")
WITHOUT = "import sys; sys.modules['{library}'] = None; import automl_cv_client.cli as cli; cli.main()"


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_help_lists_the_commands_and_the_exit_codes():
    done = run("--help")
    assert done.code == 0
    assert all(f"  {command} " in done.out for command in COMMANDS)
    assert "0 success 1 finished, but something failed: an image" in flat(done.out)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_is_plain_and_has_the_exit_codes(command):
    done = run(command, "--help")
    assert done.code == 0
    assert "Exit codes: 0 success 1 finished" in flat(done.out)
    assert done.out.isascii()


@pytest.mark.parametrize("command", COMMANDS[2:])
def test_there_is_no_option_for_the_key(command):
    done = run(command, "--help")
    assert "--key" not in done.out
    assert "read from the variable AUTOML_CV_KEY and from nowhere else" in flat(done.out)
    assert run(command, "--key", "secret", "x.png").code == 2


@pytest.mark.parametrize(
    ("arguments", "about", "page"),
    [
        (["detect"], "PATH...", "detect"),
        (["detect", "--nonsense", "x"], "--nonsense", "detect"),
        (["explain", "x.png", "--steps", "many"], "--steps", "explain"),
        (["batch", "run", "x", "--out", "y"], "--task", "batch run"),
        (["serve", "--task", "cats"], "image-object-detection", "serve"),
        (["batch", "nonsense"], "nonsense", "batch"),
        (["nonsense"], "nonsense", ""),
    ],
)
def test_wrong_usage_is_2_and_one_line_on_stderr_that_names_the_help(arguments, about, page):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith("automl-cv: ")
    assert about in line
    assert line.endswith(f"; see {' '.join(('automl-cv', page)).strip()} --help")


def test_the_version_from_a_real_process():
    done = run_apart("--version")
    assert (done.code, done.out) == (0, f"automl-cv {automl_cv_client.__version__}\n")


@pytest.mark.parametrize("library", ["typer", "rich"])
def test_a_missing_library_of_the_command_line_is_named(library):
    done = run_apart(code=WITHOUT.format(library=library))
    assert (done.code, done.out) == (2, "")
    assert done.err == f'automl-cv needs {library}, not installed here. Run: pip install "automl-cv-client[cli]"\n'


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_missing_models_are_named(command, monkeypatch):
    monkeypatch.setattr("automl_cv_client.local.endpoint._LIBRARIES", ("no_such_library",))
    done = run(command)
    assert (done.code, done.out) == (2, "")
    assert "needs no_such_library" in done.err
    assert 'pip install "automl-cv-client[local]"' in done.err


def test_scoring_needs_no_local_models(server, folder):
    server.steps = [Answer(body=boxes("cat"))]
    arguments = ["detect", str(folder / "a-cat.png"), "--uri", server.url]
    code = f"import sys; sys.argv[1:] = {arguments!r}; " + WITHOUT.format(library="onnxruntime")
    done = run_apart(code=code, AUTOML_CV_KEY="k")
    assert (done.code, done.err) == (0, "")
    assert "cat  0.900" in done.out

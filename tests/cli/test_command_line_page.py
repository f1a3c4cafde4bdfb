"""docs/command-line.md: its commands are those there are, and print what it says, up to their numbers.

After a change that is meant, write them anew and read the difference: ``python -m pytest tests/cli --update-help``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import automl_cv_client
from automl_cv_client import Task
from automl_cv_client.cli.exits import EXIT_CODES
from automl_cv_client.local import LocalEndpoint
from tests.cli.conftest import run
from tests.cli.test_serve import serving
from tests.cli.tree import COMMANDS, TREE, options_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(?P<lines>.*?)^```\n(?:```text\n(?P<printed>.*?)^```\n)?", re.M | re.S)
LINES = [line for block in BLOCK.finditer(TEXT) for line in block["lines"].splitlines()]
TASKS = {
    "segment": Task.SEGMENTATION,
    "classify": Task.CLASSIFICATION,
    "classify-multilabel": Task.MULTILABEL,
    "explain": Task.CLASSIFICATION,
}
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]\d+)?")


def own_words(line: str) -> list[str]:
    """The words of the program in a line of the shell, after its name."""
    words = shlex.split(line)
    start = words.index("automl-cv") + 1
    return words[start : words.index("|", start) if "|" in words[start:] else None]


def path_of(words: list[str]) -> tuple[str, ...]:
    return tuple(words[:2]) if tuple(words[:2]) in COMMANDS else tuple(words[:1])


def without_numbers(text: str) -> list[str]:
    """The words alone: times differ from run to run, scores a little from processor to processor, and so do columns."""
    text = re.sub(r"(AUTOML_CV_KEY|\?key)=\S+", r"\1=KEY", text)
    return NUMBER.sub("0", text).split()


def fit_to_print(text: str) -> str:
    """With a key that opens nothing, and the port that the page names."""
    text = re.sub(r"(AUTOML_CV_KEY|\?key)=\S+", r"\1=...", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text))
    return re.sub(r" +$", "", text, flags=re.M)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with ``automl-cv`` on its path."""
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    program = tmp_path / "bin" / "automl-cv"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m automl_cv_client "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def printed_by(line: str, endpoint: LocalEndpoint) -> str:
    words = own_words(line)
    if words == ["serve", "--port", "8000"]:  # which may be taken
        return served()
    task = TASKS.get(words[0], Task.DETECTION)
    variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri_of(task), "AUTOML_CV_KEY": endpoint.key}
    _, _, rest = line.partition(" | ")
    if line.startswith("automl-cv"):  # in this process, which is quicker
        done = run(*words, **variables)
        return done.out + done.err if not rest else in_bash(rest, done.out)
    environ = {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return in_bash(line, "", environ)


def in_bash(line: str, given: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environ, timeout=120, input=given)
    return done.stdout + done.stderr


def served() -> str:
    with serving() as process:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if "IMAGE" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    return told


@pytest.mark.skipif(os.name == "nt", reason="the lines are for a shell")
def test_the_lines_print_what_the_page_says(clone, endpoint, request):
    update, page = request.config.getoption("--update-help"), TEXT
    slow_too = update or request.config.getoption("--run-slow")
    wrong = []
    for block in BLOCK.finditer(TEXT):
        if block["printed"] is None or ("| jq" in block["lines"] and not (shutil.which("jq") or update)):
            continue
        if "automl-cv demo" in block["lines"] and not slow_too:  # four models to load; tests/cli/test_demo.py does, too
            continue
        printed = "".join(printed_by(line, endpoint) for line in block["lines"].splitlines())
        if update:
            page = page.replace(block[0], f"```sh\n{block['lines']}```\n```text\n{fit_to_print(printed)}```\n")
        elif without_numbers(printed) != without_numbers(block["printed"]):
            wrong.append(f"{block['lines']}{printed}")
    if update:
        PAGE.write_text(page, encoding="utf-8")
    assert not wrong, "\n".join(wrong)


def test_every_command_is_shown_and_no_other():
    shown = {path_of(own_words(line)) for line in LINES if "--install-completion" not in line}
    assert shown == set(COMMANDS)


def test_every_command_is_in_the_table_at_the_top():
    table = TEXT.partition("\n## ")[0]
    named = {
        name.removeprefix("automl-cv ")
        for row in re.findall(r"^\| (`.*?`) \|", table, re.M)
        for name in re.findall(r"`(.*?)`", row)
    }
    assert named == {" ".join(path) for path in COMMANDS}


@pytest.mark.parametrize("line", LINES)
def test_the_options_exist(line):
    words = own_words(line)
    known = options_of(TREE[path_of(words) if words[0][0] != "-" else ()])
    assert {word for word in words if word.startswith("--")} <= known


def test_the_exit_codes_are_those_there_are():
    rows = re.findall(r"^\| (\d+) \| (.*?) \|$", TEXT, re.M)
    assert [int(code) for code, _ in rows] == list(EXIT_CODES)
    for (_, meaning), told in zip(rows[:-1], EXIT_CODES.values(), strict=False):
        assert meaning == told


def test_the_variables_are_read_somewhere():
    source = "".join(path.read_text(encoding="utf-8") for path in Path(automl_cv_client.__file__).parent.rglob("*.py"))
    named = set(re.findall(r"AUTOML_CV_[A-Z_]+", TEXT))
    assert len(named) >= 7
    assert all(f'"{name}"' in source for name in named)

"""The help pages, letter by letter: one file a command in ``tests/cli/help``, 80 columns wide.

After a change that is meant, write them anew and read the difference: ``python -m pytest tests/cli --update-help``.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from automl_cv_client.cli.exits import EXIT_CODES
from automl_cv_client.task import Task
from tests.cli.conftest import run, run_apart
from tests.cli.tree import COMMANDS, TREE, options_of

PAGES = Path(__file__).parent / "help"


def name_of(path: tuple[str, ...]) -> str:
    return "-".join(("automl-cv", *path))


def page_of(path: tuple[str, ...], columns: int = 80) -> str:
    done = run(*path, "--help", COLUMNS=str(columns))
    assert (done.code, done.err) == (0, "")
    return done.out


@pytest.mark.parametrize("path", TREE, ids=name_of)
def test_the_page_is_as_written_down(path, request):
    file, page = PAGES / f"{name_of(path)}.txt", page_of(path)
    if request.config.getoption("--update-help"):
        file.write_text(page, encoding="utf-8")
    assert page == file.read_text(encoding="utf-8"), "if this is meant: python -m pytest tests/cli --update-help"


def test_no_page_is_left_of_a_command_that_is_gone():
    assert {file.stem for file in PAGES.iterdir()} == {name_of(path) for path in TREE}


@pytest.mark.parametrize("path", TREE, ids=name_of)
def test_the_page_has_what_a_reader_looks_for(path):
    page = page_of(path)
    assert page.isascii()
    assert max(map(len, page.splitlines())) <= 80
    purpose = page.splitlines()[2].strip()
    assert purpose[0].isupper()
    _, _, codes = page.partition("\nExit codes:\n")
    assert re.findall(r"^  (\d+) ", codes, re.M) == [str(code) for code in EXIT_CODES]
    for parameter in TREE[path].params:
        if parameter.param_type_name == "option":
            assert parameter.help, parameter.opts
            assert parameter.is_flag or parameter.count or parameter.metavar, (
                f"{parameter.opts} needs a metavar: the word of typer's differs by version"
            )


def examples_in(page: str) -> list[list[str]]:
    text = page.partition("\nExamples:\n")[2].partition("\nExit codes:\n")[0].replace("\\\n", "")
    return [shlex.split(line, comments=True) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("path", COMMANDS, ids=name_of)
def test_the_examples_are_of_this_command_and_its_options(path):
    examples = examples_in(page_of(path))
    assert 2 <= len(examples) <= 4
    for words in examples:
        start = words.index("automl-cv")
        own = words[start : words.index("|", start) if "|" in words[start:] else None]
        assert tuple(own[1 : 1 + len(path)]) == path
        assert {word for word in own if word.startswith("--")} <= options_of(TREE[path])


@pytest.mark.parametrize(
    "path", [path for path, command in TREE.items() if "--task" in options_of(command)], ids=name_of
)
def test_the_names_of_the_tasks_are_told(path):
    page = page_of(path)
    told = [task for task in Task if task.value in page]
    assert len(told) >= 2


def test_a_narrow_terminal_gets_a_narrow_page():
    assert max(map(len, page_of((), columns=40).splitlines()[:20])) <= 40
    assert page_of((), columns=5) == page_of((), columns=40)


def test_the_short_name_of_help_and_a_hash_seed_change_nothing():
    pages = [
        run_apart("detect", name, COLUMNS="80", PYTHONHASHSEED=seed) for name, seed in (("-h", "1"), ("--help", "2"))
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("path", [(), ("batch",), ("batch-endpoint",), ("dataset",)], ids=name_of)
def test_a_group_alone_says_what_there_is_and_that_something_is_missing(path):
    done = run(*path)
    assert (done.code, done.out) == (2, "")
    assert done.err.rstrip("\n") == page_of(path).rstrip("\n")

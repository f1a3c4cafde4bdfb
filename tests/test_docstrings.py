"""Every example in a docstring runs: what follows ``>>>`` prints what it says, and indented code runs as it stands."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import automl_cv_client
from automl_cv_client import Client, testing
from automl_cv_client.local import LocalEndpoint
from tests.onnx_models import write_color_model

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "samples" / "photos"
SOURCE = ROOT / "src" / "automl_cv_client"
INDENTED = re.compile(r"\n\n((?: {4}.*\n|\n(?= {4}))+)")
NO_CODE = ("* AutoMLVisionError",)  # the tree of errors; tests/test_errors.py compares it

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(automl_cv_client.__path__, "automl_cv_client.")
    if not module.name.endswith("__main__")
]
FINDER = doctest.DocTestFinder(exclude_empty=True)
ALL = [
    example
    for module in [automl_cv_client, *MODULES]
    for example in FINDER.find(module, module.__name__, extraglobs={"no_waiting": testing.no_waiting})
    if example.examples
]
IN_CLIENTS = "._clients."  # whose examples need endpoints: tests/clients/test_examples.py runs them
EXAMPLES = [
    example for example in ALL if any(line.want for line in example.examples) and IN_CLIENTS not in example.name
]
SHOWN = [example for example in ALL if not any(line.want for line in example.examples)]
"""They show a use, and print nothing: their files and endpoints are the reader's."""


def failures_of(example: doctest.DocTest) -> str:
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    return "".join(said)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name.removeprefix("automl_cv_client."))
def test_an_example_prints_what_it_says(example: doctest.DocTest) -> None:
    assert failures_of(example) == ""


@pytest.mark.parametrize("example", SHOWN, ids=lambda example: example.name.removeprefix("automl_cv_client."))
def test_an_example_that_prints_nothing_is_code(example: doctest.DocTest) -> None:
    for line in example.examples:
        compile(line.source, example.name, "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_a_wrong_example_would_be_found() -> None:
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert "Got:\n    2" in failures_of(wrong)
    assert len(EXAMPLES) > 25


def indented_code(docstring: str) -> Iterator[str]:
    """The blocks of a docstring that stand for themselves, four spaces to the right."""
    for block in INDENTED.findall(f"{docstring}\n"):
        code = textwrap.dedent(block)
        if not code.startswith((">>>", *NO_CODE)):
            yield code


def blocks() -> Iterator[Any]:
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = file.relative_to(SOURCE).as_posix()
                yield from (pytest.param(name, code, id=name) for code in indented_code(ast.get_docstring(node) or ""))


BLOCKS = [*blocks()]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[LocalEndpoint]:
    with LocalEndpoint("image-object-detection") as running:
        yield running


@pytest.fixture
def names(endpoint: LocalEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the code takes as given: public names, a client, and files in the working directory."""
    for name in ("photos", "images"):
        (tmp_path / name).symlink_to(PHOTOS)
    (tmp_path / "cat.png").symlink_to(PHOTOS / "chelsea.png")
    for name in ("train.jsonl", "validation.jsonl"):
        (tmp_path / name).symlink_to(PHOTOS / "labels" / "detection.jsonl")
    write_color_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    with Client(endpoint.scoring_uri, endpoint.key) as client:
        yield {
            **{name: getattr(automl_cv_client, name) for name in automl_cv_client.__all__},
            **{name: getattr(testing, name) for name in testing.__all__},
            "client": client,
            "key": endpoint.key,
            "image": "cat.png",
            "uri": endpoint.scoring_uri,
        }


@pytest.mark.parametrize(("file", "code"), BLOCKS)
def test_indented_code_runs(file: str, code: str, names: dict[str, Any]) -> None:
    room = ".".join(["automl_cv_client", *file.removesuffix(".py").removesuffix("/__init__").split("/")])
    exec(code, {**vars(importlib.import_module(room)), **names})


def test_indented_code_is_found() -> None:
    assert len(BLOCKS) >= 9
    assert [*indented_code("Does.\n\n    f(1)\n\n    g(2)\n\nArgs:\n    x: a number.\n")] == ["f(1)\n\ng(2)\n"]

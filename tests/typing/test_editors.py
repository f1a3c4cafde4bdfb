"""What editors and notebooks show: arguments, result and errors.

Editors ask a language server, here pyright's; IPython and Jupyter ask jedi.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jedi
import pytest

from automl_cv_client import AsyncClient, Client, batch, dataset, doctor, evaluation, migration
from tests.typing.language_server import language_server
from tests.typing.test_users_code import ROOT

PROJECT = jedi.Project(ROOT / "src", smart_sys_path=False, added_sys_path=[str(ROOT / "src")])
METHODS = sorted(name for name in dir(Client) if not name.startswith("_"))
ABOUT = "from automl_cv_client import AsyncClient, Client, ImagePolicy, RetryPolicy, XaiParameters\n"
MODULES = "from automl_cv_client import batch, dataset, doctor, evaluation, migration\n"
ABOUT += 'client = Client("u", "k")\nother = AsyncClient("u", "k")\n'


def script(line: str) -> jedi.Script:
    return jedi.Script(ABOUT + line, project=PROJECT)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", METHODS)
def test_hovering_shows_arguments_result_and_errors(kind: type, name: str) -> None:
    line = f"{'client' if kind is Client else 'other'}.{name}"
    shown = script(line).help(line=4, column=len(line) - 1)
    assert shown, line
    text = shown[0].docstring()
    signature = inspect.signature(getattr(kind, name))
    for argument in signature.parameters:
        assert argument == "self" or re.search(rf"\b{argument}: ", text), argument
    assert re.search(r"^(Returns|Yields):$", text, re.MULTILINE) or signature.return_annotation == "None"
    assert "Example:\n" in text


@pytest.fixture(scope="module")
def hovers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """What pyright's language server, which editors use, shows at the end of a line such as ``client.detect``."""
    lines = [*ABOUT.splitlines(), MODULES.strip(), *(line for line, _ in HOVERED)]
    with language_server(tmp_path_factory.mktemp("opened"), "\n".join(lines) + "\n") as server:
        yield lambda line: server.hover(lines.index(line))


CLIENTS = [
    (f"{name}.{method}", getattr(kind, method))
    for name, kind in (("client", Client), ("other", AsyncClient))
    for method in METHODS
]
FUNCTIONS = [
    (f"{module.__name__.rpartition('.')[2]}.{name}", getattr(module, name))
    for module in (batch, dataset, doctor, evaluation, migration)
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
]
HOVERED = [*CLIENTS, *FUNCTIONS]


@pytest.mark.parametrize(("line", "function"), HOVERED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_language_server_shows_arguments_result_and_errors(
    line: str, function: Any, hovers: Callable[[str], str]
) -> None:
    signature_shown, _, text = hovers(line).partition("\n---\n")
    text = text.replace("\\_", "_").replace("&nbsp;", "")
    assert "(" in signature_shown, line
    signature = inspect.signature(function)
    for argument in signature.parameters:
        assert argument == "self" or re.search(rf"^ *{argument}: ", text, re.MULTILINE), argument
    assert re.search(r"^(Returns|Yields):", text, re.MULTILINE) or signature.return_annotation in ("None", "Self")
    if "Raises:" in (inspect.getdoc(function) or ""):
        assert re.search(r"^Raises: *\n\w*[A-Z]\w+", text, re.MULTILINE)


NAMED = [
    ('client.score("a.jpg", "")', "image-object-detection"),
    ('client.score_many([], "")', "segment"),
    ('other.stream("")', "classify_multilabel"),
    ('local.LocalEndpoint("")', "image-instance-segmentation"),
    ('evaluation.read_results("r.jsonl", "")', "detect"),
    ('migration.from_image_analysis("", "")', "people"),
]


def test_names_of_tasks_are_completed(tmp_path: Path) -> None:
    lines = [*ABOUT.splitlines(), MODULES.strip(), "from automl_cv_client import local", *(line for line, _ in NAMED)]
    with language_server(tmp_path, "\n".join(lines) + "\n") as server:
        for line, wanted in NAMED:
            offered = server.completions(lines.index(line), back=2)  # between the quotes
            assert any(wanted in name for name in offered), (line, sorted(offered)[:30])


def test_nearly_every_method_of_a_client_says_what_it_raises() -> None:
    silent = {line for line, function in CLIENTS if "Raises:" not in (inspect.getdoc(function) or "")}
    never = ("close", "health", "stats", "with_fallback")  # which raise nothing of their own
    assert silent == {f"{name}.{method}" for name in ("client", "other") for method in never}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("client.with_options(tim", "timeout="),
        ("client.detect_many([], con", "concurrency="),
        ("client.detect_tiled(b'', over", "overlap="),
        ("Client.from_env(dead", "deadline="),
        ("Client.from_workspace('s', 'g', 'w', 'e', ret", "retry="),
        ("other.segment_many([], bytes", "bytes_per_second="),
        ("ImagePolicy.for_yolo(qual", "quality="),
        ("RetryPolicy(att", "attempts="),
        ("XaiParameters(attr", "attributions="),
        ("client.detect(b'')[0].pixel", "pixel_box"),
    ],
)
def test_keywords_are_completed(line: str, wanted: str) -> None:
    offered = {completion.name_with_symbols for completion in script(line).complete()}
    assert wanted in offered


def test_a_live_client_in_a_notebook_completes_too() -> None:
    with Client("https://example.org/score", "k") as client:
        code = "client.score_many([], 'detect', order"
        offered = {completion.name for completion in jedi.Interpreter(code, [{"client": client}]).complete()}
    assert "ordered=" in offered

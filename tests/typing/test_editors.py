"""What editors and notebooks show: jedi, which completes in IPython and Jupyter, sees arguments, result and errors."""

from __future__ import annotations

import inspect
import re

import jedi
import pytest

from automl_cv_client import AsyncClient, Client
from tests.typing.test_users_code import ROOT

PROJECT = jedi.Project(ROOT / "src", smart_sys_path=False, added_sys_path=[str(ROOT / "src")])
METHODS = sorted(name for name in dir(Client) if not name.startswith("_"))
ABOUT = "from automl_cv_client import AsyncClient, Client, ImagePolicy, RetryPolicy, XaiParameters\n"
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

"""The package as a whole: what importing it loads, that both clients are one, docstrings, sizes, version."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import automl_cv_client
from automl_cv_client import AsyncClient, Client, drawing, errors, geometry, local, results

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "src").rglob("*.py"))
HEAVY = ("numpy", "PIL", "azure", "rich", "typer", "onnxruntime", "httpx", "starlette")


@pytest.mark.parametrize("module", ["automl_cv_client", "automl_cv_client.local", "automl_cv_client.drawing"])
def test_importing_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_command_line_loads_no_models_before_a_command_needs_them():
    heavy = ("numpy", "onnxruntime", "starlette", "PIL", "httpx")
    code = f"import sys, automl_cv_client.cli.app; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def public_names(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def is_iterated(name: str) -> bool:
    """Methods that return an iterator: ``for`` and ``async for`` rather than ``await``."""
    return name.endswith("_many")


def test_both_clients_have_the_same_methods():
    assert public_names(Client) == public_names(AsyncClient)
    assert len(public_names(Client)) >= 9


@pytest.mark.parametrize("name", ["__init__", *sorted(public_names(Client))])
def test_both_clients_have_the_same_signatures(name):
    blocking, awaited = (inspect.signature(getattr(kind, name)) for kind in (Client, AsyncClient))
    if is_iterated(name) or name == "stream":
        assert awaited.return_annotation == f"Async{blocking.return_annotation}".replace(", None, None]", ", None]")
    else:
        assert blocking.return_annotation == awaited.return_annotation
    for parameter, other in zip(blocking.parameters.values(), awaited.parameters.values(), strict=True):
        wanted = {
            "HttpClientInput | None": "AsyncHttpClientInput | None",
            "Images[ImageT]": "AsyncImages[ImageT]",
        }.get(parameter.annotation, parameter.annotation)
        assert other == parameter.replace(annotation=wanted)


@pytest.mark.parametrize("name", sorted(public_names(Client)))
def test_what_talks_to_the_endpoint_is_awaited(name):
    assert not inspect.iscoroutinefunction(getattr(Client, name))
    assert inspect.iscoroutinefunction(getattr(AsyncClient, name)) is not (
        name in ("from_env", "with_options", "with_fallback", "stats", "stream") or is_iterated(name)
    )


def undocumented(module: Any) -> Iterator[str]:
    names = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    for name in names:
        thing = getattr(module, name)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)) or not is_ours(thing):
            continue
        if not thing.__doc__:
            yield name
        for member, value in members(thing):
            told = inspect.getdoc(getattr(thing, member, value))
            if is_written_by_hand(member, value) and not told and member not in ("width", "height"):
                yield f"{name}.{member}"


def members(thing: Any) -> list[tuple[str, Any]]:
    """What our own classes define, inherited or not."""
    kinds = filter(is_ours, inspect.getmro(thing)) if inspect.isclass(thing) else ()
    return [member for kind in kinds for member in vars(kind).items()]


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("automl_cv_client")


def is_written_by_hand(name: str, value: Any) -> bool:
    return not name.startswith("_") and isinstance(value, property | classmethod | staticmethod | type(is_ours))


@pytest.mark.parametrize("module", [automl_cv_client, drawing, errors, geometry, local, results])
def test_everything_public_has_a_docstring(module):
    assert list(undocumented(module)) == []


def test_a_missing_docstring_would_be_found():
    class Module:
        __all__ = ("is_ours",)

    Module.is_ours = staticmethod(is_ours)  # type: ignore[attr-defined]
    is_ours.__module__ = "automl_cv_client.fake"
    try:
        assert list(undocumented(Module)) == ["is_ours"]
    finally:
        is_ours.__module__ = __name__


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT / "src").as_posix())
def test_a_file_says_what_it_is(file):
    text = file.read_text(encoding="utf-8")
    assert not text or ast.get_docstring(ast.parse(text))


def test_the_version_is_the_distributions():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert automl_cv_client.__version__ == project["version"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_no_class_of_an_http_library_is_in_a_public_signature(kind):
    for name in ("__init__", *public_names(kind)):
        assert not re.search(r"\b(httpx2?|aiohttp|httpcore)\.", str(inspect.signature(getattr(kind, name)))), name

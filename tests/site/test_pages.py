"""The pages that promise to be complete are: the API reference, the errors, and what security rests on."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import automl_cv_client
from automl_cv_client import AsyncClient, Client, errors, integrations
from tests.site.conftest import ROOT

FILES = sorted(Path(integrations.__file__).parent.glob("[!_]*.py"))
INTEGRATIONS = [file.stem for file in FILES if "__all__" not in file.read_text(encoding="utf-8")]  # all is public


def public_modules() -> list[ModuleType]:
    """The package and its public subpackages and modules that say in ``__all__`` what is public."""
    found = [automl_cv_client]
    for module in pkgutil.walk_packages(automl_cv_client.__path__, "automl_cv_client."):
        public = not any(part.startswith("_") for part in module.name.split("."))
        if public and not module.name.startswith("automl_cv_client.cli"):  # the commands have a page of their own
            found.append(importlib.import_module(module.name))
    return [module for module in found if hasattr(module, "__all__")]


def names_of(module: ModuleType, name: str) -> set[str]:
    """How the reference may call one public name: as it is imported, or where it is defined."""
    value: Any = getattr(module, name)
    if inspect.ismodule(value):
        return {f"{value.__name__}.{inner}" for inner in defined_in(value)}
    names = {f"{module.__name__}.{name}"}
    if inspect.isclass(value) or inspect.isroutine(value):
        names.add(f"{value.__module__}.{value.__qualname__}")
    return names


def defined_in(module: ModuleType) -> list[str]:
    """The classes and functions that a module defines, without those that begin with an underscore."""
    return [
        name
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


@pytest.fixture(scope="module")
def documented(built: Path) -> set[str]:
    """The names that have an anchor in the reference, from the inventory the site offers to other sites."""
    data = (built / "objects.inv").read_bytes()
    listing = zlib.decompress(data[data.index(b"zlib.\n") + len(b"zlib.\n") :]).decode()
    return {line.split(" ", 1)[0] for line in listing.splitlines()}


def test_every_public_name_is_in_the_reference(documented: set[str]) -> None:
    modules = public_modules()
    assert len(modules) >= 12
    wanted = [(module, name) for module in modules for name in module.__all__]
    missing = [f"{module.__name__}.{name}" for module, name in wanted if not names_of(module, name) & documented]
    assert missing == [], "give them a place in docs/reference/, or a docstring"


@pytest.mark.parametrize("module", ["errors", "settings", *(f"integrations.{name}" for name in INTEGRATIONS)])
def test_modules_without_a_list_of_names_are_there_whole(module: str, documented: set[str]) -> None:
    names = defined_in(importlib.import_module(f"automl_cv_client.{module}"))
    assert names
    assert {f"automl_cv_client.{module}.{name}" for name in names} <= documented


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_every_method_of_a_client_is_in_the_reference(client: type, documented: set[str]) -> None:
    methods = [name for name in dir(client) if not name.startswith("_")]
    assert len(methods) > 20
    assert {f"automl_cv_client.{client.__name__}.{name}" for name in methods} <= documented


@pytest.mark.parametrize("page", ["clients", "migration"])
def test_an_example_in_a_docstring_is_code(page: str, built: Path) -> None:
    html = (built / "reference" / page / "index.html").read_text(encoding="utf-8")
    assert "<blockquote" not in html  # what Markdown makes of >>> in plain text
    examples = re.findall(r"<summary>Example</summary>\s*(<[^>]+>)", html)
    assert len(examples) > 2
    assert all("pycon" in example for example in examples)


def test_a_result_is_told_in_one_item(built: Path) -> None:
    """Returns of several lines are one value, not several."""
    html = (built / "reference" / "clients" / "index.html").read_text(encoding="utf-8")
    for told in re.findall(r"Returns:.*?</ul>", html, re.DOTALL):
        assert told.count("<li") == 1, told


def test_no_integration_is_left_out() -> None:
    assert {"fastapi", "problems", "uploads"} <= {*INTEGRATIONS}


def test_a_missing_name_would_be_found(documented: set[str]) -> None:
    module = ModuleType("automl_cv_client.made_up")
    vars(module)["forgotten"] = 1
    assert not names_of(module, "forgotten") & documented
    assert "automl_cv_client._flow.call_settings.CallSettings" not in documented  # what is private has no place there


ERRORS = sorted(
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, BaseException | Warning)
)
ERRORS_PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def section_of(name: str, page: str = ERRORS_PAGE) -> str:
    """What a page says below the heading that ends with ``name``, up to the next heading."""
    found = re.search(rf"^##+ (?:[^\n]*: )?{name}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("name", [name for name in ERRORS if name not in ("AutoMLVisionError", "CallError")])
def test_every_error_has_cause_cure_and_a_message(name: str) -> None:
    section = section_of(name)
    assert "**Fix**" in section
    if name != "TransportError":
        shown = re.findall(r"^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        assert shown, "an example with its output"
        assert any(f"{name}: " in text for text in shown) or name in (
            "DeadlineExceeded",
            "ManyClassesWarning",
            "PassedOverWarning",
        )


def test_a_missing_error_would_be_found() -> None:
    assert section_of("NoSuchError") == ""
    assert section_of("ImageError") != section_of("InvalidInput")


SECURITY_PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def unheld(section: str) -> list[str]:
    """The tests a section names that are in none of the files it links to."""
    texts = [
        (ROOT / path).read_text(encoding="utf-8") for path in re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\)", section)
    ]
    return [test for test in re.findall(r"`(test_\w+)`", section) if not any(f"def {test}(" in text for text in texts)]


@pytest.mark.parametrize("section", SECURITY_PAGE.split("\n## ")[1:], ids=lambda section: section.partition("\n")[0])
def test_what_security_rests_on_exists(section: str) -> None:
    assert unheld(section) == []


def test_a_claim_without_its_test_would_be_found() -> None:
    assert len(re.findall(r"`test_\w+`", SECURITY_PAGE)) > 30
    link = "[test_secrets.py](../tests/clients/test_secrets.py)"
    assert unheld(f"`test_not_in_a_client` in {link}") == []
    assert unheld(f"`test_made_up` in {link}") == ["test_made_up"]
    assert unheld("`test_not_in_a_client`") == ["test_not_in_a_client"]

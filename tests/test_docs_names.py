"""What the pages of docs/ name exists: commands, options, extras, variables, files, links, methods and errors."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

import automl_cv_client
from automl_cv_client import Client, errors
from automl_cv_client.cli.app import app
from tests.pages import ROOT, Page, pages
from tests.test_docs import RUN

PAGES = pages()
each_page = pytest.mark.parametrize("page", PAGES, ids=str)


EXTRAS = {
    r"LocalEndpoint\(|LocalEndpoint\.": "local",
    r"evaluation import .*\b(?:evaluate|compare)\b": "eval",
    r"\.to_pandas\(": "pandas",
    r"\.to_supervision\(": "supervision",
    r"\.to_shapely\(": "shapely",
    r"^import aiohttp": "aiohttp",
    r"integrations\.fastapi": "fastapi",
    r"^from azure\.ai\.ml": "azureml",
    r"^automl-cv (?:evaluate|compare)": "eval",
    r"--format parquet": "parquet",
}


def unsaid(page: Page) -> list[str]:
    """The extras that a page's blocks need, and that it does not say how to install before."""
    lines = page.text.splitlines()
    needed = [
        (extra, block.line)
        for block in page.blocks("python", "sh")
        for use, extra in EXTRAS.items()
        if re.search(use, block.code, re.MULTILINE)
    ]
    return [
        f"{extra}, line {line}"
        for extra, line in needed
        if not re.search(rf"pip install [^`\n]*\[[\w,]*\b{extra}\b", "\n".join(lines[:line]))
    ]


@pytest.mark.parametrize("page", [page for page in RUN if page.name not in ("samples.md", "command-line.md")], ids=str)
def test_a_page_says_what_to_install_before_it_is_needed(page: Page) -> None:
    assert unsaid(page) == []


def test_an_unsaid_extra_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("```python\nfound.to_pandas()\n```\n`pip install x[pandas]`", encoding="utf-8")
    assert unsaid(Page(tmp_path / "page.md")) == ["pandas, line 2"]


@each_page
def test_commands_and_their_options_exist(page: Page) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for program, *words in page.commands():
        if program == "make":
            assert {word for word in words if "=" not in word} <= {*targets}, words
        else:
            check_command(typer.main.get_command(app), words)


def check_command(command: Any, words: list[str]) -> None:
    """Fail unless the words lead to a command of the tree, and its options are those given."""
    rest = [*words]
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        if rest[0].isupper():  # COMMAND, for any of them
            return
        assert rest[0] in command.commands, f"no such command: automl-cv {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }
    given = {word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"}
    assert given <= known, f"no such option: automl-cv {' '.join(words)}"


def test_a_wrong_command_would_be_found() -> None:
    tree = typer.main.get_command(app)
    check_command(tree, ["batch", "run", "photos/", "--task", "image-object-detection"])
    for wrong in (["find", "a.jpg"], ["batch", "walk"], ["detect", "a.jpg", "--nothing"]):
        with pytest.raises(AssertionError, match="no such"):
            check_command(tree, wrong)


@each_page
def test_extras_files_and_modules_exist(page: Page) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for named in re.findall(r"automl-cv-client\[([\w,]+)\]", page.text):
        assert {*named.split(",")} <= {*extras}
    for file in re.findall(r"python ((?:samples|docs|benchmarks)/[\w/]+\.py)", page.text):
        assert (ROOT / file).is_file()
    for module in re.findall(r"python -m (benchmarks\.\w+)", page.text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()


@each_page
def test_variables_exist(page: Page) -> None:
    folders = (ROOT / "src", ROOT / "samples")
    source = "".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    for name in {*re.findall(r"AUTOML_CV_[A-Z_]+\b", page.text)}:
        assert f'"{name}"' in source


@each_page
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links():
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor and target.suffix == ".md" and target.is_relative_to(ROOT / "docs"):
            assert anchor in Page(target).anchors(), link


@each_page
def test_images_are_small(page: Page) -> None:
    for image in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.prose):
        assert (page.path.parent / image).stat().st_size < 300_000


PUBLIC: list[type[Any]] = [
    value for value in vars(automl_cv_client).values() if inspect.isclass(value) and value is not Client
]
HELD: dict[str, list[type[Any]]] = {"found": PUBLIC, "one": PUBLIC, "outcome": PUBLIC, "client": [Client]}
"""By the name that the pages give a thing: the classes it may be of."""
NAMED = re.compile(rf"(?<![\w.])({'|'.join(HELD)}|errors)\.([a-zA-Z]\w*)")


def unknown_names(page: Page) -> list[str]:
    """The methods, fields and errors in the text of a page that nothing of ours has."""
    codes = re.findall(r"`([^`\n]+)`", re.sub(r'"[^"`\n]*"', "", page.prose))
    named = {(thing, name) for code in codes for thing, name in NAMED.findall(code) if f"{thing}.{name}" != "errors.py"}
    return [f"{thing}.{name}" for thing, name in sorted(named) if not is_there(thing, name)]


def is_there(thing: str, name: str) -> bool:
    if thing == "errors":
        return hasattr(errors, name)
    return any(hasattr(kind, name) or name in annotations_of(kind) for kind in HELD[thing])


def annotations_of(kind: type[Any]) -> set[str]:
    return {name for base in inspect.getmro(kind) for name in inspect.get_annotations(base)}


@pytest.mark.parametrize("page", [*PAGES, Page(ROOT / "README.md")], ids=str)
def test_methods_fields_and_errors_in_the_text_exist(page: Page) -> None:
    assert unknown_names(page) == []


def test_a_wrong_name_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text('`found.boxes_of(1)` `client.detect("a.py")` `errors.Gone`, `one.label`', "utf-8")
    assert unknown_names(Page(tmp_path / "page.md")) == ["errors.Gone", "found.boxes_of"]

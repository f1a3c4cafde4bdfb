"""CONTRIBUTING cannot rot: every path it names exists, every folder of tests has a row, versions agree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import automl_cv_client

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "automl_cv_client"
FOLDERS = ("src", "tests", "docs", "samples", "benchmarks", "models", ".ci")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {*PROJECT["optional-dependencies"]} - {"all", "dev"}
ENGINES = {"ray", "spark"}  # hundreds of MB: by name only
TOLD_ELSEWHERE = {"aiohttp", "azureml", "cli", "fsspec"}  # what is missing is told by the user's own import, or by main
NEVER_MISSED = {"simdjson"}  # without it everything works, slower


def paths_in(text: str) -> list[str]:
    """What stands in code or in links and looks like a path of this project."""
    code = [word for span in re.findall(r"`([^`\n]+)`", text) for word in span.split()]
    named = [word for word in code if word.startswith(tuple(f"{folder}/" for folder in FOLDERS))]
    files = [word for word in code if re.fullmatch(r"[\w./-]+\.(?:py|toml|md|cff)", word)]
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text)
    return sorted({*named, *files, *links})


@pytest.mark.parametrize("path", paths_in(TEXT))
def test_what_contributing_names_exists(path):
    if path.startswith("models/") and not (ROOT / "models" / "src").exists():
        pytest.skip("this is a source distribution, which has no models")
    assert (ROOT / path).exists() or (PACKAGE / path).exists()


def test_a_wrong_path_would_be_found():
    found = paths_in("`tests/nowhere`, [x](docs/no.md), `pytest tests/imaging`, `gone.toml`, `cli/gone.py`, `dist/`")
    assert found == ["cli/gone.py", "docs/no.md", "gone.toml", "tests/imaging", "tests/nowhere"]
    assert len(paths_in(TEXT)) > 40


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")))
def test_every_folder_of_tests_has_a_row(folder):
    assert f"`tests/{folder}`" in TEXT


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_every_extra_is_in_the_design_and_its_lack_is_tried_out(extra):
    design = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| [^|]*`{extra}`[^|]*\|", design[design.index("Everything else is an extra") :], re.MULTILINE)
    alone = (ROOT / "tests" / "packaging" / "alone.py").read_text(encoding="utf-8")
    assert f': ("{extra}", ' in alone or extra in TOLD_ELSEWHERE | NEVER_MISSED
    assert (extra in re.split(r"[\[\],]", PROJECT["optional-dependencies"]["all"][0])) is not (extra in ENGINES)


def test_make_targets_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", TEXT)) <= targets


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {automl_cv_client.__version__}\n" in citation
    for key in ("cff-version: 1.2.0", "message:", "title: automl-cv-client", "authors:", "license: MIT"):
        assert f"\n{key}" in f"\n{citation}"


def test_the_citation_has_the_date_of_the_changelog():
    """None before the release: a date that is not in the changelog would be made up."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    told = re.search(rf"^## \[{re.escape(automl_cv_client.__version__)}\] - (\S+)$", changelog, re.MULTILINE)
    assert told is not None
    dated = re.findall(r"^date-released: (\S+)$", citation, re.MULTILINE)
    assert dated == ([] if told[1] == "unreleased" else [told[1]])


def test_what_versioning_calls_public_is_there():
    text = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
    rooms = re.findall(r"`(\w+)`", text[text.index("and of `batch`") : text.index("in it; the names")])
    assert len(rooms) >= 10
    for room in rooms:
        module = __import__(f"automl_cv_client.{room}", fromlist=["__all__"])
        assert all(hasattr(module, name) for name in module.__all__)

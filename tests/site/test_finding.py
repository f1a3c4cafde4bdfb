"""What helps people and programs to find a page: llms.txt, the weights of the search, the version in the header."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import automl_cv_client
from tests.site.conftest import ROOT, Visit, places

LINE = re.compile(r"- \[(?P<title>[^\]]+)\]\((?P<place>[^)]+)\)(?:: (?P<about>.+))?")


@pytest.fixture(scope="module")
def llms(built: Path) -> str:
    return (built / "llms.txt").read_text(encoding="utf-8")


def test_llms_txt_begins_with_name_and_summary(llms: str) -> None:
    name, empty, summary, *_ = llms.splitlines()
    assert (name, empty) == ("# automl-cv-client", "")
    assert summary.startswith("> Typed Python client")
    tabs = ["Start", "Tasks", "Guides", "Migrate", "Reference", "Project"]
    assert re.findall(r"^## (.+)$", llms, re.MULTILINE) == tabs


def test_llms_txt_tells_of_every_page(llms: str, built: Path) -> None:
    lines = [found for line in llms.splitlines() if (found := LINE.fullmatch(line))]
    assert len(lines) == sum(line.startswith("- ") for line in llms.splitlines())
    listed = {line["place"].removeprefix("./") for line in lines}
    assert listed == {*places(), "repository/CONTRIBUTING/", "repository/CHANGELOG/"}
    assert all((built / line["place"] / "index.html").is_file() for line in lines)
    for line in lines:
        assert line["about"], line["title"]
        assert 20 < len(line["about"]) < 400, line["title"]
        assert not re.search(r"\]\(|^The blocks|^#", line["about"]), line["title"]


def test_guides_weigh_more_than_the_reference_in_the_search(built: Path) -> None:
    index = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))
    boosts: dict[str, set[float]] = {}
    for entry in index["docs"]:
        kind = "reference" if entry["location"].startswith(("reference/", "wire-contract/")) else "guide"
        boosts.setdefault(kind, set()).add(entry.get("boost", 1))
    assert max(boosts["reference"]) < max(boosts["guide"])


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("retry", "/errors/"),
        ("onnx", "/local/"),
        ("threshold", "/multilabel/"),
        ("custom vision", "/from-custom-vision/"),
        ("mmdetection", "/mmdetection/"),
    ],
)
def test_the_search_shows_a_guide_first(visit: Visit, words: str, page: str) -> None:
    visit.open("")
    visit.page.click(".md-search__input")
    visit.page.keyboard.type(words)
    visit.page.wait_for_selector(f".md-search-result__link[href*='?h={words.split()[0]}']", state="attached")
    links = visit.page.locator(".md-search-result__link").evaluate_all("all => all.map(link => link.href)")
    pages = list(dict.fromkeys(re.sub(r"[?#].*", "", link) for link in links))
    assert any(found.endswith(page) for found in pages[:3]), pages
    assert "/reference/" not in pages[0]


def test_the_header_leads_to_the_repository_and_tells_the_version(visit: Visit) -> None:
    visit.open("errors/")
    source = visit.page.locator(".md-header__source a")
    assert automl_cv_client.__version__ in source.inner_text()
    source.click()
    visit.page.wait_for_url("**/repository/")
    visit.page.click("article a:text-is('samples/detect.py')")
    assert visit.page.inner_text("article h1").startswith("detect.py")


HOOK = """
import sys, types
sys.path.insert(0, "docs/_site")
import header
config = types.SimpleNamespace(extra={}, repo_url=None)
print(header.on_config(config).repo_url, config.extra["version"])
"""


def test_a_hosted_repository_is_where_its_ci_says() -> None:
    hosted = {"GITHUB_SERVER_URL": "https://git.example.org", "GITHUB_REPOSITORY": "cats/client"}
    shown: list[Any] = []
    for variables in ({}, hosted):
        environ = {name: value for name, value in os.environ.items() if name not in hosted}
        done = subprocess.run(
            [sys.executable, "-c", HOOK], cwd=ROOT, env={**environ, **variables}, capture_output=True, text=True
        )
        shown.append(done.stdout.split())
    version = automl_cv_client.__version__
    assert shown == [["repository/", version], ["https://git.example.org/cats/client", version]]

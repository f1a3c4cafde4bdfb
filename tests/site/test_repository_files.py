"""What the pages link to outside docs/ has a page of its own in the site."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.site.conftest import ROOT


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("repository_files", ROOT / "docs/_site/repository_files.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_sample_is_shown_as_source(built: Path) -> None:
    page = (built / "repository/samples/recipes/flask_app.py/index.html").read_text(encoding="utf-8")
    assert "samples/recipes/flask_app.py" in page
    assert "Flask" in page
    assert '../repository/samples/recipes/flask_app.py/"' in (built / "web/index.html").read_text(encoding="utf-8")


def test_markdown_keeps_its_form_and_its_links(built: Path) -> None:
    page = (built / "repository/CONTRIBUTING/index.html").read_text(encoding="utf-8")
    assert '<h1 id="contributing">' in page
    assert 'href="../../design/"' in page


def test_source_is_not_in_the_search(built: Path) -> None:
    index = (built / "search" / "search_index.json").read_text(encoding="utf-8")
    assert '"repository/CONTRIBUTING/' in index
    assert '"repository/samples/' not in index


def test_links_are_found_in_text_and_not_in_code(hook: ModuleType) -> None:
    page = "[a](../samples/a.py) ![b](images/b.png) [c](https://example.org/c)\n```sh\n[d](../d.py)\n```\n[e](../README.md)"
    assert [*hook.repository_links("docs/page.md", page)] == ["samples/a.py"]
    turned = hook.with_links(page, lambda target, anchor: f"<{target}>")
    assert re.findall(r"<.*?>", turned) == ["<../samples/a.py>", "<images/b.png>", "<../README.md>"]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("samples/detect.py", "repository/samples/detect.py.md"),
        ("CHANGELOG.md", "repository/CHANGELOG.md"),
        ("docs/images/frames.png", "repository/docs/images/frames.png"),
        ("samples", "repository/samples/index.md"),
    ],
)
def test_where_a_file_is_put(path: str, uri: str, hook: ModuleType) -> None:
    assert hook.uri_of(path) == uri


@pytest.mark.parametrize("path", ["samples/no_such_file.py", "../elsewhere.py"])
def test_a_link_to_nothing_stops_the_build(path: str, hook: ModuleType) -> None:
    from mkdocs.exceptions import PluginError

    with pytest.raises(PluginError, match="does not have"):
        hook.add(path, None, None)

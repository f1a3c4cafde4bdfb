"""Every link of the built site leads somewhere, and nothing in it is loaded from elsewhere."""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LOADED = {"audio", "embed", "iframe", "img", "input", "link", "object", "script", "source", "track", "video"}
OUTSIDE = re.compile(r"(?:url\(\s*|@import\s+)['\"]?(?:https?:)?//", re.IGNORECASE)


class Seen(HTMLParser):
    """What a page links to, what it loads, and the anchors it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        addresses = [values[name] for name in ("href", "src", "data", "poster") if name in values]
        addresses += [part.split()[0] for part in values.get("srcset", "").split(",") if part.strip()]
        self.links += addresses
        if tag in LOADED:
            self.loaded += addresses


def pages_of(folder: Path) -> dict[str, Seen]:
    """All pages by their path in the site, such as ``errors/index.html``."""
    return {
        file.relative_to(folder).as_posix(): Seen(file.read_text(encoding="utf-8")) for file in folder.rglob("*.html")
    }


def broken_links(folder: Path, pages: dict[str, Seen]) -> list[str]:
    """Links within the site to a file or an anchor that is not there."""
    return [
        f"{path} links to {link}"
        for path, page in pages.items()
        for link in page.links
        if not urlsplit(link).scheme and not link.startswith("//") and not leads_somewhere(folder, pages, path, link)
    ]


def leads_somewhere(folder: Path, pages: dict[str, Seen], path: str, link: str) -> bool:
    parts = urlsplit(link)
    if not parts.path:
        target = path
    else:
        start = "" if parts.path.startswith("/") else posixpath.dirname(path)
        target = posixpath.normpath(posixpath.join(start, unquote(parts.path).lstrip("/") or "."))
        if (folder / target).is_dir():
            target = posixpath.normpath(posixpath.join(target, "index.html"))
    if target not in pages:
        return (folder / target).is_file() and not parts.fragment
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


def loaded_from_elsewhere(pages: dict[str, Seen]) -> list[str]:
    return [
        f"{path} loads {address}"
        for path, page in pages.items()
        for address in page.loaded
        if address.startswith("//") or urlsplit(address).scheme not in ("", "data")
    ]


@pytest.fixture(scope="module")
def pages(built: Path) -> dict[str, Seen]:
    return pages_of(built)


def test_every_link_and_anchor_is_there(built: Path, pages: dict[str, Seen]) -> None:
    assert len(pages) > 40
    assert sum(len(page.links) for page in pages.values()) > 5000
    assert broken_links(built, pages) == []


def test_nothing_is_loaded_from_elsewhere(built: Path, pages: dict[str, Seen]) -> None:
    assert loaded_from_elsewhere(pages) == []
    sheets = list(built.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        assert not OUTSIDE.search(sheet.read_text(encoding="utf-8")), sheet


def test_no_machine_and_no_registry_is_named(built: Path) -> None:
    named = re.compile(r"/root/|/home/|pypi\.org|pythonhosted|anaconda\.org", re.IGNORECASE)
    for file in built.rglob("*.html"):
        found = named.search(file.read_text(encoding="utf-8"))
        assert found is None or "repository" in file.parts, f"{file}: {found}"


@pytest.mark.parametrize(
    ("html", "broken", "loaded"),
    [
        ('<a href="b/">ok</a><a href="b/#there">ok</a><a href="#here">ok</a><h1 id="here">', 0, 0),
        ('<a href="c/">', 1, 0),
        ('<a href="b/#gone">', 1, 0),
        ('<img src="gone.png">', 1, 0),
        ('<a href="/b/index.html">ok</a><a href="https://example.org/">ok</a>', 0, 0),
        ('<script src="https://example.org/a.js"></script>', 0, 1),
        ('<link rel="stylesheet" href="//example.org/a.css">', 0, 1),
        ('<img srcset="https://example.org/a.png 2x">', 0, 1),
    ],
)
def test_what_is_wrong_would_be_found(html: str, broken: int, loaded: int, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "index.html").write_text('<h1 id="there">')
    (tmp_path / "index.html").write_text(html)
    pages = pages_of(tmp_path)
    assert len(broken_links(tmp_path, pages)) == broken
    assert len(loaded_from_elsewhere(pages)) == loaded
    assert bool(OUTSIDE.search("a { background: url('//example.org/a.png') }"))

"""The documentation site, built strictly once a session and served on loopback."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.web_app.conftest import browser as browser

ROOT = Path(__file__).parents[2]
NO_INDEX = {"config": {"lang": ["en"], "separator": " ", "pipeline": [], "fields": {}}, "docs": []}
WIDE = {"width": 1300, "height": 900}
PHONE = {"width": 390, "height": 844}
NEEDED = ("mkdocs", "material", "mkdocstrings_handlers.python")


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site; a warning while it is built fails every test of it."""
    missing = [module for module in NEEDED if not installed(module)]
    if missing:
        pytest.skip(f"needs {missing[0]}")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return folder


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def address(built: Path) -> Iterator[str]:
    """Where the built site is served, without a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def places() -> list[str]:
    """Where the site has each page of docs/, such as ``reference/clients/``."""
    pages = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    names = [page.removesuffix(".md").removesuffix("index") for page in pages]
    return [name if name.endswith("/") or not name else f"{name}/" for name in names]


class Visit:
    """A page, with what went wrong on it and what it asked for."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console", lambda item: self.complaints.append(item.text) if item.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def without_search(self) -> None:
        """Leaves the index out, which each page would load and sort anew: half of its time."""
        self.page.route("**/search_index.json", lambda route: route.fulfill(json=NO_INDEX))

    def open(self, place: str) -> None:
        """Go to a page of the site, until its scripts ran."""
        self.page.goto(f"{self.address}/{place}")

    @property
    def place(self) -> str:
        """Where the visitor is, such as ``reference/clients/``."""
        return str(self.page.url).removeprefix(f"{self.address}/").partition("#")[0]

    def assert_well(self) -> None:
        """Nothing complained, and nothing was asked of another host."""
        assert self.complaints == []
        assert all(url.startswith((self.address, "data:", "blob:")) for url in self.asked)

    def is_wider_than_the_screen(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def visit_of(browser: Any, address: str, viewport: dict[str, int], **options: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport=viewport, **options)
    item = Visit(context.new_page(), address)
    yield item
    context.close()
    item.assert_well()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    """A visitor at a desk."""
    yield from visit_of(browser, address, WIDE)


@pytest.fixture
def phone(browser: Any, address: str) -> Iterator[Visit]:
    """A visitor with a phone."""
    yield from visit_of(browser, address, PHONE, has_touch=True, is_mobile=True)

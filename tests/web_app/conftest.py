"""A headless Chromium, and the sample application served for real over a scripted endpoint."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import Task
from automl_cv_client.testing import FakeEndpoint
from tests.integrations.site import served

SAMPLE = Path(__file__).parents[2] / "samples" / "web_app" / "app.py"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")  # not longer: while it runs, this thread has an event loop, and asyncio.run() fails
def browser() -> Iterator[Any]:
    """Chromium, or a skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def sample() -> Any:
    """The sample as a module."""
    spec = importlib.util.spec_from_file_location("web_app_sample", SAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    """The endpoint behind the application."""
    item = FakeEndpoint(deployments=("blue", "green"))
    with item.serving():
        yield item


@pytest.fixture
def site(sample: Any, fake: FakeEndpoint) -> Iterator[str]:
    """The application's address; it serves all tasks and two deployments."""
    endpoints = {task: (fake.scoring_uri_of(task), fake.key) for task in sample.RESULTS}
    assert set(endpoints) == set(Task)
    with served(sample.make_app(endpoints, ("blue", "green"))) as base:
        yield base


class Visit:
    """A page, with what went wrong on it and what it asked for."""

    def __init__(self, page: Any, site: str) -> None:
        self.page = page
        self.site = site
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console", lambda item: self.complaints.append(item.text) if item.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(site)
        page.wait_for_selector("#second option:nth-child(3)", state="attached")

    def upload(self, data: bytes, name: str = "image.jpg", kind: str = "image/jpeg") -> None:
        self.page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": data})

    def wait_for_result(self) -> None:
        self.page.wait_for_selector("#found:not([hidden])")


@pytest.fixture
def visit(browser: Any, site: str) -> Iterator[Visit]:
    """A desktop visitor; nothing may complain and nothing may be loaded from elsewhere."""
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    item = Visit(context.new_page(), site)
    yield item
    context.close()
    assert all(url.startswith((site, f"blob:{site}")) for url in item.asked)

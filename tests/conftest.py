"""What all tests share: images, and one way to call the blocking and the awaited client."""

from __future__ import annotations

import asyncio
import importlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client
from tests.servers import ScriptedServer

PHOTOS = Path(__file__).parents[1] / "samples" / "photos"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests marked slow")
    parser.addoption("--few-examples", action="store_true", help="a tenth of the random examples: for make check")
    parser.addoption("--over-httpx2", action="store_true", help="send over httpx2, as where httpx is not installed")
    parser.addoption("--update-help", action="store_true", help="write tests/cli/help anew")


PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OF_A_TERMINAL = ("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "CLICOLOR_FORCE", "COLUMNS", "LINES", "PYTEST_ADDOPTS")
WAY_OUT: dict[str, str] = {}
"""The developer's proxy, for what goes to the package registry: servers on loopback are not behind it."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the environment that of any other machine, and the examples of hypothesis the same at every run.

    Slow runs look for new examples. Behind ``&`` a shell has Ctrl-C ignored, and nohup a lost terminal, which the
    processes that tests start and interrupt would inherit.
    """
    hypothesis.settings.register_profile(
        "ours",
        max_examples=100 if config.getoption("--run-slow") else 10 if config.getoption("--few-examples") else 50,
        deadline=None,  # a busy machine is no failure
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
        database=None,
        derandomize=not config.getoption("--run-slow"),
    )
    hypothesis.settings.load_profile("ours")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for name in [name for name in os.environ if name.lower() in PROXIES]:
        WAY_OUT[name] = os.environ.pop(name)
    if config.getoption("--over-httpx2"):
        send_over_httpx2()
    if path := os.environ.get("PYTHONPATH"):  # some tests go to another folder
        os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, path.split(os.pathsep)))
    for name in OF_A_TERMINAL:
        os.environ.pop(name, None)


def send_over_httpx2() -> None:
    """Let the package find no httpx, which the tests themselves import all the same."""
    assert "automl_cv_client._transports.libraries" not in sys.modules
    importlib.import_module("httpcore2")
    hidden: dict[str, Any] = {"httpx": None, "httpcore": None}
    with mock.patch.dict(sys.modules, hidden):
        chosen = importlib.import_module("automl_cv_client._transports.libraries")
    sys.modules[chosen.__name__] = chosen
    assert chosen.httpx.__name__ == "httpx2"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += [("bar", mark.args[0]) for mark in item.iter_markers("bar")]  # for tests/proof
        item.user_properties += [("slow", True) for _ in item.iter_markers("slow")]
    if not config.getoption("--run-slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: give --run-slow"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Notes what a test measured, for the page of proof."""
    return lambda text: request.node.user_properties.append(("figure", text))


@pytest.fixture(autouse=True)
def _no_endpoint_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own endpoint must not leak into the tests."""
    for name in [name for name in os.environ if name.startswith("AUTOML_CV_")]:
        monkeypatch.delenv(name)


class Caller:
    """Calls a method of a client, blocking or awaited, the same way."""

    def __init__(self, awaited: bool) -> None:
        self.awaited = awaited

    def __call__(
        self, url: str, method: str, *args: Any, key: str = "the-key", with_: Any = None, **options: Any
    ) -> Any:
        """Make a client with ``options``, call ``method`` with ``args`` and ``with_``, close the client."""
        return self.using(url, lambda client: getattr(client, method)(*args, **(with_ or {})), key=key, **options)

    def using(self, url: str, use: Callable[[Any], Any], *, key: str = "the-key", **options: Any) -> Any:
        """Make a client, ``use`` it (awaiting what comes back if need be), close it."""
        if not self.awaited:
            with Client(url, key, **options) as client:
                return use(client)

        async def main() -> Any:
            async with AsyncClient(url, key, **options) as client:
                return await use(client)

        return asyncio.run(main())


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Caller:
    """Both clients: each test that uses it runs twice."""
    return Caller(request.param == "async")


@pytest.fixture(scope="session")
def image() -> bytes:
    """A small JPEG of 400x200 pixels."""
    return encoded(Image.radial_gradient("L").resize((400, 200)).convert("RGB"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A running server whose script the test sets: ``server.steps = […]``."""
    running = ScriptedServer()
    running.start()
    yield running
    running.stop()


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    """The bytes of an image file."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()

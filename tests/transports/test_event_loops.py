"""The awaited client in the event loops there are: asyncio's own, uvloop's, one with eager tasks; and in none."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from automl_cv_client import AsyncClient
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.errors import InvalidInput
from tests.capped import capped
from tests.transports.naming import naming
from tests.transports.test_tls import TlsServer

TINY = grey_png(4)
Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=["asyncio", "uvloop", "eager tasks"])
def loop(request: pytest.FixtureRequest) -> Loop:
    if request.param == "uvloop":
        uvloop: Any = pytest.importorskip("uvloop", reason="uvloop does not run on Windows")
        made: Loop = uvloop.new_event_loop
        return made
    if request.param == "eager tasks":
        if sys.version_info < (3, 12):
            pytest.skip("eager tasks came with Python 3.12")
        return eager
    return asyncio.new_event_loop


def eager() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    made.set_task_factory(getattr(asyncio, "eager_task_factory"))  # noqa: B009 - Python 3.11 has none
    return made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_images_are_scored(host: str, loop: Loop) -> None:
    async def main(url: str) -> tuple[int, int]:
        async with AsyncClient(url, "k") as client:
            alone = await asyncio.gather(*(client.detect(TINY) for _ in range(5)))
            return len(alone), sum([outcome.ok async for outcome in client.detect_many([TINY] * 20)])

    with capped(service=0) as server, asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(main(server.url.replace("127.0.0.1", host))) == (5, 20)


def test_behind_tls(loop: Loop, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = TlsServer(authority, "localhost")
    server.start()

    async def main() -> str:
        async with AsyncClient(f"https://localhost:{server.port}/score", "k") as client:
            return (await client.detect(TINY))[0].label

    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            assert runner.run(main()) == "cat"
    finally:
        server.stop()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux does")
@pytest.mark.parametrize("ended", ["by a runner", "by hand"])
@pytest.mark.parametrize("secure", [False, True], ids=["http", "TLS"])
@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_no_descriptor_stays_of_a_closed_loop(kind: str, secure: bool, ended: str, tmp_path: Path) -> None:
    if kind == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop does not run on Windows")
    authority = trustme.CA() if secure else None
    environment = dict(os.environ)
    if authority is not None:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        environment["SSL_CERT_FILE"] = str(tmp_path / "ca.pem")
    with naming(authority) as server:

        def sockets_after(loops: int) -> int:
            command = [sys.executable, "-m", "tests.transports.many_loops", server.url, kind, ended, str(loops)]
            done = subprocess.run(
                command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stderr
            return int(done.stdout)

        assert sockets_after(12) <= sockets_after(3)


async def enter(client: AsyncClient) -> None:
    async with client:
        pass


async def detect(client: AsyncClient) -> None:
    await client.detect(TINY)


async def detect_many(client: AsyncClient) -> None:
    async for _ in client.detect_many([TINY]):
        pass


async def close(client: AsyncClient) -> None:
    await client.close()


async def look_up(client: AsyncClient) -> None:
    await AsyncClient.from_workspace("11111111-1111-1111-1111-111111111111", "group", "workspace", "endpoint")


@pytest.mark.parametrize("use", [enter, detect, detect_many, close, look_up])
def test_without_a_loop_of_asyncio_the_error_says_so(use: Callable[[AsyncClient], Any]) -> None:
    """As under trio, which drives a coroutine as is done here."""
    with pytest.raises(InvalidInput, match=r"needs an event loop of asyncio.*trio\.to_thread"):
        use(AsyncClient("https://example.org/score", "k")).send(None)

"""The awaited client in the event loops there are: asyncio's own, uvloop's, one with eager tasks; and in none."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from automl_cv_client import AsyncClient
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.errors import InvalidInput
from tests.capped import capped
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
            return len(alone), sum([one.ok async for one in client.detect_many([TINY] * 20)])

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

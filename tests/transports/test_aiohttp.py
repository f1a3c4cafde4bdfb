"""A session of aiohttp does the sending: the same answers, errors and bounds as over httpx."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import pytest
import trustme

from automl_cv_client import AsyncClient, Client, RetryPolicy, errors
from tests.capped import capped
from tests.servers import Answer, Drip, Reset, ScriptedServer, Truncated, boxes, wait_until
from tests.timing import Stopwatch, is_within
from tests.transports.test_bounds import bomb
from tests.transports.test_tls import TlsServer

ONCE = RetryPolicy(attempts=1)
Use = Callable[[AsyncClient], Awaitable[Any]]


def through(url: str, use: Use, session: dict[str, Any] | None = None, **options: Any) -> Any:
    """Use a client whose requests go over a session of aiohttp."""

    async def main() -> Any:
        async with aiohttp.ClientSession(**(session or {})) as mine:
            async with AsyncClient(url, "the-key", http_client=mine, **{"retry": ONCE, **options}) as client:
                found = await use(client)
            assert not mine.closed
            return found

    return asyncio.run(main())


def test_it_sends_what_httpx_sends(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, boxes("cat"))] * 2
    found = through(server.url, lambda client: client.detect(image))
    with Client(server.url, "the-key") as client:
        assert client.detect(image) == found
    ours, theirs = server.received
    assert ours.body == theirs.body
    assert ours.method == theirs.method == "POST"
    for name in ("authorization", "content-type", "accept-encoding", "user-agent"):
        assert ours.headers[name] == theirs.headers[name], name


def test_retries_and_the_request_id_are_the_clients_own(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(503, b""), Answer(200, boxes("cat"), {"x-ms-request-id": "r-1"})]
    found = through(server.url, lambda client: client.detect(image), retry=RetryPolicy(backoff=0.001))
    assert (found.call.attempts, found.call.request_id) == (2, "r-1")


@pytest.mark.parametrize(
    ("step", "kind", "words"),
    [
        (Truncated(200, boxes("cat")), errors.ConnectionFailed, "broke before the answer was whole"),
        (Reset(), errors.ConnectionFailed, "broke before the answer was whole"),
        (Answer(307, b"", {"location": "/other"}), errors.StatusError, "never followed"),
        (Answer(200, b"x", {"content-encoding": "zstd"}), errors.UnexpectedReply, "unknown content encoding"),
        (Answer(200, bomb(100), {"content-encoding": "gzip"}), errors.UnexpectedReply, "MB from"),
        (Answer(401, b""), errors.AuthenticationFailed, "401"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Answer) else "",
)
def test_what_fails_is_our_error(
    step: Answer, kind: type[Exception], words: str, server: ScriptedServer, image: bytes
) -> None:
    server.steps = [step]
    with pytest.raises(kind, match=words) as caught:
        through(server.url, lambda client: client.detect(image))
    assert caught.value.__context__ is None  # aiohttp's error would hold the request with its key and image
    assert "the-key" not in repr(caught.value)
    assert len(server.received) == 1


def test_nobody_there(image: bytes) -> None:
    with pytest.raises(errors.ConnectionFailed, match=r"cannot connect to 127\.0\.0\.1:9 "):
        through("http://127.0.0.1:9/score", lambda client: client.detect(image))


@pytest.mark.bar(5)
def test_a_dripping_answer_ends_at_the_deadline(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Drip(200, boxes("cat") * 10)]

    def fail(watch: Stopwatch) -> None:
        with watch.running(), pytest.raises(errors.TransportError):
            through(server.url, lambda client: client.detect(image), deadline=0.3)

    is_within(0.4, fail, at_most=0.6)


@pytest.mark.parametrize("trusted", [True, False])
def test_the_sessions_own_certificates_count(trusted: bool, image: bytes) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context()
    (authority if trusted else trustme.CA()).configure_trust(context)
    server = TlsServer(authority, "localhost")
    server.start()
    url = f"https://localhost:{server.port}/score"

    async def main() -> Any:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as mine:
            return await AsyncClient(url, "the-key", http_client=mine).detect(image)

    try:
        if trusted:
            assert asyncio.run(main())[0].label == "cat"
        else:
            with pytest.raises(errors.ConnectionFailed, match="certificate of localhost") as caught:
                asyncio.run(main())
            assert not caught.value.retryable
            assert server.received == []
    finally:
        server.stop()


def test_many_images_and_cancelled_ones_leave_nothing_open(image: bytes) -> None:
    async def use(client: AsyncClient) -> int:
        tasks = [asyncio.create_task(client.detect(image)) for _ in range(50)]
        await asyncio.to_thread(wait_until, lambda: len(server.received) > 10)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(ending, asyncio.CancelledError) for ending in ended)
        server.service = 0
        await client.detect(image)  # what was sent before this was read before it
        await asyncio.to_thread(wait_until, lambda: not server.in_flight)  # it goes on with what was cancelled
        server.service, server.cap = (
            0.05,
            4,
        )  # from now on: refused before, the cancelled ones would have spent the budget of retries
        return sum([outcome.ok async for outcome in client.detect_many([image] * 40)])

    with capped(cap=100, service=1) as server:
        assert through(server.url, use, retry=RetryPolicy(backoff=0.001)) == 40
        wait_until(lambda: server.connections == 0)


def test_a_closed_session_is_said(image: bytes) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as mine:
            client = AsyncClient("http://127.0.0.1:9/score", "k", http_client=mine)
        with pytest.raises(errors.InvalidInput, match="session is closed"):
            await client.detect(image)

    asyncio.run(main())


def test_a_client_of_the_wrong_kind_is_refused_at_once() -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session, httpx.AsyncClient() as awaited:
            for wrong in (session, awaited):
                with pytest.raises(errors.InvalidInput, match="give it to AsyncClient"):
                    Client("https://example.org/score", "k", http_client=wrong)  # type: ignore[arg-type]
        with httpx.Client() as blocking, pytest.raises(errors.InvalidInput, match=r"a blocking httpx\.Client"):
            AsyncClient("https://example.org/score", "k", http_client=blocking)  # type: ignore[arg-type]
        with pytest.raises(errors.InvalidInput, match=r"must be a client of httpx or httpx2, not builtins\.int"):
            AsyncClient("https://example.org/score", "k", http_client=7)  # type: ignore[arg-type]

    asyncio.run(main())

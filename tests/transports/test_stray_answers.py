"""Bytes that nobody asked for never become the next answer, over every library: the connection is dropped."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import trustme

from automl_cv_client import AsyncClient, Client, RetryPolicy, errors
from tests.servers import boxes
from tests.transports.naming import image, name

pytestmark = pytest.mark.bar(27)

ROUNDS = 30  # of each kind and library: more than a thousand in all
Answer = Callable[[asyncio.StreamWriter, bytes], Any]


def whole(body: bytes, status: int = 200, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


ONCE = RetryPolicy(attempts=1)
WRONG = boxes("the answer to nobody")


async def two_at_once(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(whole(body) + whole(WRONG))


async def two_in_chunks(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(chunked(body) + chunked(WRONG))


async def two_in_two_packets(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(whole(body))
    await writer.drain()
    writer.write(whole(WRONG))


async def longer_than_it_says(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(whole(body) + b" " * 100)


async def longer_by_an_answer_and_a_half(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(whole(body) + whole(WRONG) + whole(WRONG)[:40])


async def a_408_nobody_asked_for(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(whole(body) + whole(b"", 408, "connection: close\r\n"))


async def nothing_more(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(whole(body))


KINDS: list[Answer] = [
    two_at_once,
    two_in_chunks,
    two_in_two_packets,
    longer_than_it_says,
    longer_by_an_answer_and_a_half,
    a_408_nobody_asked_for,
]


@asynccontextmanager
async def answering(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that names each image, in its own way; its URL, and the requests on each connection."""
    requests: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(requests)
        requests.append(0)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                rows = json.loads(await reader.readexactly(length))["input_data"]["data"]
                requests[number] += 1
                await answer(writer, boxes(name(base64.b64decode(rows[0]))))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield (f"https://localhost:{port}/score" if context else f"http://127.0.0.1:{port}/score"), requests
        server.close()


@pytest.fixture(params=["http", "TLS"])
def context(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext | None:
    if request.param == "http":
        return None
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(theirs)
    return theirs


LIBRARIES = ["blocking", "awaited", "aiohttp", "httpx", "awaited httpx", "httpx2", "awaited httpx2"]


@asynccontextmanager
async def detecting(library: str, url: str, key: str = "k", **options: Any) -> AsyncIterator[Callable[[bytes], Any]]:
    """A client over this library, as one awaited function; the blocking ones run in a thread."""
    module: Any = httpx2 if library.endswith("2") else httpx
    injected: Any = None
    match library:
        case "aiohttp":
            tls = ssl.create_default_context() if url.startswith("https") else False
            injected = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls))
        case "awaited httpx" | "awaited httpx2":
            injected = module.AsyncClient()
        case "httpx" | "httpx2":
            injected = module.Client()
    if library in ("blocking", "httpx", "httpx2"):
        with Client(url, key, http_client=injected, **options) as client:
            yield lambda content: asyncio.to_thread(client.detect, content)
        if injected is not None:
            injected.close()
        return
    async with AsyncClient(url, key, http_client=injected, **options) as awaited:
        yield awaited.detect
    if injected is not None:
        await (injected.close() if library == "aiohttp" else injected.aclose())


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_they_never_become_the_next_answer(library: str, kind: Answer, context: ssl.SSLContext | None) -> None:
    async def main() -> list[str]:
        labels = []
        async with answering(kind, context) as (url, requests), detecting(library, url, retry=ONCE) as detect:
            rounds = ROUNDS if context is None else 10
            for number in range(rounds):
                if (library, kind) == ("aiohttp", longer_than_it_says):  # it refuses the whole packet
                    with pytest.raises(errors.ConnectionFailed):
                        await detect(image(number))
                    continue
                labels.append((await detect(image(number)))[0].label)
                await asyncio.sleep(0.002 if kind is two_in_two_packets else 0)
            assert requests == [1] * len(requests), "no connection was used again"
        return labels

    labels = asyncio.run(asyncio.wait_for(main(), 120))
    assert labels == [name(image(number)) for number in range(len(labels))]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_connection_without_them_is_used_again(library: str, context: ssl.SSLContext | None) -> None:
    async def main() -> None:
        async with answering(nothing_more, context) as (url, requests), detecting(library, url) as detect:
            for number in range(20):
                assert (await detect(image(number)))[0].label == name(image(number))
            assert requests == [20]

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_answer_that_comes_late_answers_nothing(library: str) -> None:
    """The first request times out, and its answer comes while the next one waits for its own."""

    async def main() -> None:
        async def late(writer: asyncio.StreamWriter, body: bytes) -> None:
            await asyncio.sleep(delays.pop(0))
            writer.write(whole(body))

        delays = [0.4, 0.2, 0, 0]
        async with (
            answering(late) as (url, _),
            detecting(library, url, timeout=0.3, deadline=10, retry=ONCE) as detect,
        ):
            with pytest.raises(errors.TimedOut):
                await detect(image(1))
            for number in (2, 3, 4):
                assert (await detect(image(number)))[0].label == name(image(number))

    asyncio.run(asyncio.wait_for(main(), 60))


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_answer_that_names_another_request_is_refused(library: str) -> None:
    """Where the service gives our id back, even an answer that comes while the next one is waited for is noticed."""

    async def main() -> None:
        async def another(writer: asyncio.StreamWriter, body: bytes) -> None:
            writer.write(whole(body, headers="x-ms-client-request-id: acv-of-another\r\n"))

        async with answering(another) as (url, requests), detecting(library, url, retry=ONCE) as detect:
            for _ in range(2):
                with pytest.raises(errors.ConnectionFailed, match="the answer to another request"):
                    await detect(image(1))
            assert requests == [1, 1]

    asyncio.run(asyncio.wait_for(main(), 60))


def test_many_at_once_over_every_library() -> None:
    """Waiting requests take a connection in the moment in which it is given back."""

    async def main(library: str) -> None:
        started = time.monotonic()
        async with answering(two_at_once) as (url, _), detecting(library, url) as detect:
            numbers = range(100)
            found = await asyncio.gather(*(detect(image(number)) for number in numbers))
            assert [objects[0].label for objects in found] == [name(image(number)) for number in numbers]
        assert time.monotonic() - started < 60

    for library in LIBRARIES:
        asyncio.run(main(library))

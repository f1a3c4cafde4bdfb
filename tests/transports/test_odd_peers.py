"""Servers that answer early, speak first, or close half of a connection: the awaited client's own network."""

from __future__ import annotations

import asyncio
import ssl
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.awaited_httpx import AsyncHttpxTransport
from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.loop_network import LoopNetwork, _Stream
from automl_cv_client.errors import ConnectionFailed

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LARGE = bytes(30_000_000)
REFUSED = b"HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\n\r\ntoo large"
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]"


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """For localhost, of an authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def replies(
    serve: Serve, *bodies: bytes, tls: ssl.SSLContext | None = None, scheme: str = "", pause: float = 0
) -> list[Reply]:
    """What the transport brings back for each body, one after the other, with a pause after each."""

    async def reply(transport: AsyncHttpxTransport, request: Request) -> Reply:
        found = await transport.send(request, 20.0)
        await asyncio.sleep(pause)
        return found

    async def main() -> list[Reply]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        url = f"{scheme or ('https' if tls else 'http')}://localhost:{server.sockets[0].getsockname()[1]}/score"
        transport = AsyncHttpxTransport()
        try:
            return [await reply(transport, Request(url, body, {})) for body in bodies]
        finally:
            await transport.close()
            server.close()
            await asyncio.sleep(0.05)

    return asyncio.run(main())


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("then", ["closes", "reads no more"])
def test_an_early_no_to_a_large_body_is_read(then: str, secure: bool, certificate: ssl.SSLContext) -> None:
    """The connection is not used again: the server never got what was sent."""
    connections = []
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSED)
        await writer.drain()
        if then == "reads no more" and len(connections) == 1:
            await over.wait()
        over.set()
        writer.close()

    first, second = replies(serve, LARGE, LARGE, tls=certificate if secure else None)
    assert (first.status, first.body) == (413, b"too large")
    assert second.status == 413
    assert len(connections) == 2


def test_an_answer_is_whole_though_the_rest_of_the_body_cannot_be_sent() -> None:
    """The answer ends where the connection does; that our own sending failed after that does not matter."""

    async def main() -> list[bytes]:
        stream = _Stream()  # as the event loop drives it
        stream.data_received(b"the answer")
        stream.eof_received()
        stream.connection_lost(BrokenPipeError("gone"))
        return [await stream.read(100), await stream.read(100)]

    assert asyncio.run(main()) == [b"the answer", b""]


def test_who_closes_its_half_is_not_asked_again() -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await read_request(reader)
        writer.write(GOOD)
        writer.write_eof()
        await reader.read()  # goes on reading
        writer.close()

    assert [reply.status for reply in replies(serve, b"one", b"two", b"three")] == [200, 200, 200]
    assert len(connections) == 3


def test_words_between_two_requests_are_no_answer() -> None:
    connections = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await read_request(reader)
        writer.write(GOOD)
        if len(connections) == 1:
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 408 Timeout\r\ncontent-length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    assert [reply.status for reply in replies(serve, b"one", b"two", pause=0.3)] == [200, 200]
    assert len(connections) == 2


def test_who_speaks_first_does_not_speak_tls(certificate: ssl.SSLContext) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-greetings\r\n")
        await reader.read()
        writer.close()

    with pytest.raises(ConnectionFailed, match="cannot connect to localhost"):
        replies(serve, b"one", scheme="https")


def test_what_came_before_tls_began_is_an_error_at_once() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-greetings\r\n")
        await reader.read()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            stream = await LoopNetwork().connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1])
            async with asyncio.timeout(20):
                while not stream._pieces:  # type: ignore[attr-defined]  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                with pytest.raises(httpcore.ConnectError, match="spoke first"):
                    await stream.start_tls(ssl.create_default_context(), "localhost")
            await asyncio.sleep(0.05)

    asyncio.run(main())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_large_body_is_not_copied_as_a_whole(secure: bool, certificate: ssl.SSLContext) -> None:
    body = bytes(60_000_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = 0
        await reader.readuntil(b"\r\n\r\n")
        while got < len(body):
            got += len(await reader.read(1_000_000))
        writer.write(GOOD)
        writer.close()

    tracemalloc.start()
    try:
        (reply,) = replies(serve, body, tls=certificate if secure else None)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reply.status == 200
    assert most < 45_000_000

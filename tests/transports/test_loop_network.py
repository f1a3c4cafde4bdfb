"""The awaited client's own network: large bodies both ways, closing, and event loops one after another."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from automl_cv_client import AsyncClient, RetryPolicy
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.loop_network import LoopNetwork
from automl_cv_client.errors import ConnectionFailed, InvalidInput
from tests.capped import capped

TINY = grey_png(4)
MUCH = 30_000_000
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def connected(serve: Serve, use: Callable[[httpcore.AsyncNetworkStream], Awaitable[Any]]) -> Any:
    """What ``use`` makes of a connection that ``serve`` answers."""

    async def main() -> Any:
        taken = asyncio.Event()

        async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken.set()
            await serve(reader, writer)

        server = await asyncio.start_server(begin, "127.0.0.1", 0)
        stream = await LoopNetwork().connect_tcp("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            async with asyncio.timeout(60):
                await taken.wait()  # a server that closes before leaves a socket open
                return await use(stream)
        finally:
            await stream.aclose()
            await stream.aclose()  # twice is once
            server.close()

    return asyncio.run(main())


def test_a_reader_that_takes_its_time_holds_the_sender_back() -> None:
    sent = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(MUCH // 100_000):
            writer.write(bytes(100_000))
            await writer.drain()
            sent[0] += 100_000
        writer.close()

    async def use(stream: httpcore.AsyncNetworkStream) -> tuple[int, int]:
        count = len(await stream.read(10))
        await asyncio.sleep(0.2)
        early = sent[0]
        while piece := await stream.read(65536):
            assert len(piece) <= 65536
            count += len(piece)
        return early, count

    early, count = connected(serve, use)
    assert early < MUCH / 2  # what the system's buffers hold, and a megabyte of ours
    assert count == MUCH


def test_a_slow_peer_gets_all_of_a_large_body() -> None:
    got = [0]
    takes = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await takes.wait()
        while got[0] < MUCH:
            got[0] += len(await reader.read(1_000_000))
        writer.write(b"done")
        writer.close()

    async def use(stream: httpcore.AsyncNetworkStream) -> tuple[bool, bytes]:
        writing = asyncio.create_task(stream.write(bytes(MUCH)))
        await asyncio.sleep(0.2)
        early = writing.done()
        takes.set()
        await writing
        return early, await stream.read(100)

    early, answer = connected(serve, use)
    assert not early
    assert (got[0], answer) == (MUCH, b"done")


def test_a_peer_that_goes_in_the_middle_is_noticed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    async def use(stream: httpcore.AsyncNetworkStream) -> None:
        with pytest.raises(httpcore.WriteError):
            await stream.write(bytes(MUCH))
        with pytest.raises(httpcore.ReadError):
            await stream.read(10)
        assert stream.get_extra_info("is_readable")
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"more")

    connected(serve, use)


def test_what_an_idle_connection_tells() -> None:
    async def main(server: socket.socket) -> None:
        stream = await LoopNetwork().connect_tcp("127.0.0.1", server.getsockname()[1])
        peer, address = server.accept()
        assert stream.get_extra_info("server_addr") == server.getsockname()
        assert stream.get_extra_info("client_addr") == address
        assert stream.get_extra_info("ssl_object") is None
        assert not stream.get_extra_info("is_readable")
        peer.close()
        select.select([stream.get_extra_info("socket")], [], [], 10)
        assert stream.get_extra_info("is_readable")  # the loop had no turn yet to see it
        assert await stream.read(10) == b""
        await stream.aclose()
        assert stream.get_extra_info("is_readable")

    with socket.create_server(("127.0.0.1", 0)) as server:
        asyncio.run(main(server))


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # kept, so that nobody else gets it
        port = unused.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(httpcore.ConnectError):
                asyncio.run(LoopNetwork().connect_tcp(host, port))


@contextmanager
def unclosed_connections() -> Iterator[None]:
    """asyncio warns of connections whose loop ended; here that is what is tried."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def test_one_event_loop_after_another() -> None:
    with capped(service=0) as server, unclosed_connections():
        client = AsyncClient(server.url, "k")

        async def several() -> int:
            return sum(len(outcome) == 0 for outcome in await asyncio.gather(*(client.detect(TINY) for _ in range(5))))

        assert [asyncio.run(several()) for _ in range(3)] == [5, 5, 5]
        asyncio.run(client.close())
    assert server.statuses()[200] == 15


def test_two_event_loops_at_once() -> None:
    failures: list[BaseException] = []

    async def several(client: AsyncClient) -> None:
        for _ in range(20):
            await asyncio.gather(*(client.detect(TINY) for _ in range(5)))

    def runs(client: AsyncClient) -> None:
        try:
            asyncio.run(several(client))
        except BaseException as error:  # noqa: BLE001 - looked at below
            failures.append(error)

    with capped(service=0.001) as server, unclosed_connections():
        client = AsyncClient(server.url, "k")
        threads = [threading.Thread(target=runs, args=(client,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asyncio.run(client.close())
    assert failures == []
    assert server.statuses()[200] == 300


def test_a_client_closed_by_another_loop_is_closed() -> None:
    with capped(service=0) as server:
        client = AsyncClient(server.url, "k")
        asyncio.run(client.close())
        with pytest.raises(InvalidInput, match="closed"):
            asyncio.run(client.detect(TINY))


def test_a_connection_cut_in_the_middle_of_an_answer_is_an_error() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[")
        await writer.drain()
        writer.transport.abort()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        once = RetryPolicy(attempts=1)
        async with server, AsyncClient(f"http://127.0.0.1:{port}/score", "k", retry=once) as client:
            with pytest.raises(ConnectionFailed, match="broke before the answer was whole"):
                await client.detect(TINY)

    asyncio.run(main())

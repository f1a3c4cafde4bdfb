"""Connecting to a name's addresses: the first that answers, none left open by those who lose or are cancelled."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import trustme

from automl_cv_client import errors
from automl_cv_client._transports import connecting
from automl_cv_client._transports.loop_network import LoopNetwork
from tests.conftest import Caller

Way = Callable[[], Awaitable[int]]


class Sockets:
    """The module ``socket``, which remembers the sockets it made."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def socket(self, *arguments: Any) -> Any:
        self.made.append(socket.socket(*arguments))
        return self.made[-1]

    @property
    def open(self) -> list[Any]:
        return [opened for opened in self.made if opened.fileno() >= 0]


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Sockets:
    found = Sockets()
    monkeypatch.setattr(connecting, "socket", found)
    return found


@pytest.fixture
def hole() -> Iterator[int]:
    """A port that never answers: its queue is full, so that the next connection hangs."""
    dead = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for listener in waiting:
        listener.setblocking(False)
        listener.connect_ex(dead.getsockname())
    yield dead.getsockname()[1]
    for listener in (dead, *waiting):
        listener.close()


@pytest.fixture
def alive() -> Iterator[list[int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        yield [listener.getsockname()[1], other.getsockname()[1]]


def give_addresses(ports: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The name "a-name" has these ports of this machine for addresses."""
    honest = socket.getaddrinfo

    def resolved(host: str, port: int, **more: Any) -> Any:
        if host != "a-name" or more.get("flags"):
            return honest(host, port, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", number)) for number in ports]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def named(ports: list[int], use: Callable[[], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch) -> Any:
    """What ``use`` makes of a name that has these ports of this machine for addresses."""

    async def main() -> Any:
        give_addresses(ports, monkeypatch)
        async with asyncio.timeout(30):
            return await use()

    return asyncio.run(main())


async def connect() -> int:
    with await connecting.connect_in_loop("a-name", 80) as connected:
        port: int = connected.getpeername()[1]
        return port


async def connect_blocking() -> int:
    with connecting.connect("a-name", 80, 30) as connected:
        port: int = connected.getpeername()[1]
        return port


@pytest.fixture(params=[connect, connect_blocking], ids=["awaited", "blocking"])
def way(request: pytest.FixtureRequest) -> Way:
    """Both ways of connecting."""
    chosen: Way = request.param
    return chosen


def test_the_next_address_is_tried_beside_one_that_hangs(
    way: Way, hole: int, alive: list[int], sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert named([hole, *alive], way, monkeypatch) == alive[0]
    assert len(sockets.made) == 2
    assert sockets.open == []


def test_an_address_that_refuses_costs_no_time(
    way: Way, alive: list[int], sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "_HEAD_START", 60)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # kept, so that nobody else gets it
        refused = unused.getsockname()[1]
        assert named([refused, alive[0]], way, monkeypatch) == alive[0]
        with pytest.raises(OSError, match=str(errno.ECONNREFUSED)) as caught:
            named([refused, refused], way, monkeypatch)
    assert str(caught.value).count(str(errno.ECONNREFUSED)) == 1  # twice the same is said once
    assert sockets.open == []


def test_a_name_without_addresses_is_told(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="no address"):
        named([], way, monkeypatch)


def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    four, six = socket.AF_INET, socket.AF_INET6

    def resolved(host: str, port: int, **more: Any) -> list[Any]:
        if more.get("flags"):
            raise socket.gaierror
        return [(family, socket.SOCK_STREAM, 6, "", number) for number, family in enumerate((six, six, six, four))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert [address[4] for address in connecting.addresses_of("a-name", 80, 30)] == [0, 3, 1, 2]


@pytest.mark.bar(18)
@pytest.mark.parametrize("addresses", [1, 2])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_who_is_cancelled_at_any_step_leaves_no_socket(
    addresses: int, secure: bool, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among them the step in which the connection comes about, and both addresses answer at once."""
    monkeypatch.setattr(connecting, "_HEAD_START", 0)
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert("a-name").configure_cert(theirs)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    async def talk() -> bytes:
        stream = await LoopNetwork().connect_tcp("a-name", 80)
        if secure:
            stream = await stream.start_tls(ours, "a-name")
        try:
            await stream.write(bytes(100_000))
            return await stream.read(10)
        finally:
            await stream.aclose()

    async def cancelled_after(steps: int) -> bool:
        task = asyncio.ensure_future(talk())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        for _ in range(5):  # what is closed is closed in the next turns
            await asyncio.sleep(0)
        assert sockets.open == [], steps
        return isinstance(ended, asyncio.CancelledError)

    async def main() -> list[bool]:
        context = theirs if secure else None
        servers = [await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) for _ in range(addresses)]
        give_addresses([server.sockets[0].getsockname()[1] for server in servers], monkeypatch)
        found: list[bool] = []
        while len(found) < 60 or found[-1]:  # until one came to its end
            found.append(await cancelled_after(len(found)))
        for server in servers:
            server.close()
        await asyncio.sleep(0.05)
        return found

    assert asyncio.run(main())[0]


def test_a_host_that_can_have_no_address_is_our_error(call: Caller, image: bytes) -> None:
    with pytest.raises(errors.ConnectionFailed, match="cannot be sent") as caught:
        call(f"https://{'a' * 70}.example.org/score", "detect", image)
    assert not caught.value.retryable

"""A client that was used before ``fork()``: each process has connections, locks and threads of its own."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import pickle
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import trustme

from automl_cv_client import AsyncClient, Client, errors
from automl_cv_client._processes import ProcessLock
from automl_cv_client.credentials import RenewedCredential, Secret
from tests.servers import wait_until
from tests.transports.naming import NamingServer, image, name, naming

pytestmark = [
    pytest.mark.bar(26),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
    pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning"),
]
FEW = 125  # images per test of a kind; four kinds, a thousand in all, and as many under gunicorn


def in_child(do: Callable[[], Any], seconds: float = 30) -> Any:
    """What ``do`` returns, or raises, in a forked child."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(here)
            try:
                outcome = do()
            except errors.AutoMLVisionError as error:
                outcome = error
            with os.fdopen(there, "wb") as pipe:
                pickle.dump(outcome, pipe)
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not go on with the tests
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(there)
    timer = threading.Timer(seconds, os.kill, (child, 9))
    timer.start()
    with os.fdopen(here, "rb") as pipe:
        told = pipe.read()
    timer.cancel()
    timer.join()
    assert os.waitpid(child, 0)[1] == 0, "the child hung, or failed as printed above"
    outcome = pickle.loads(told)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@pytest.fixture(params=["http", "TLS"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NamingServer]:
    authority = None
    if request.param == "TLS":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with naming(authority) as running:
        yield running


class Both:
    """One way of using a client, blocking or awaited, each call in an event loop of its own."""

    def __init__(self, url: str, awaited: bool) -> None:
        self.awaited = AsyncClient(url, "the-key") if awaited else None
        self.blocking = None if awaited else Client(url, "the-key")

    def label(self, number: int) -> str:
        if self.blocking is not None:
            return self.blocking.detect(image(number))[0].label

        async def main() -> str:
            assert self.awaited is not None
            return (await self.awaited.detect(image(number)))[0].label

        return asyncio.run(main())

    def close(self) -> None:
        if self.blocking is not None:
            self.blocking.close()
        elif self.awaited is not None:
            asyncio.run(self.awaited.close())


@pytest.fixture(params=["blocking", "awaited"])
def both(request: pytest.FixtureRequest, server: NamingServer) -> Iterator[Both]:
    with closing(Both(server.url, request.param == "awaited")) as chosen:
        yield chosen


def test_children_open_connections_of_their_own_and_the_parents_lives_on(server: NamingServer) -> None:
    with Client(server.url, "k") as client:
        copy = client.with_options(timeout=20)
        ports = []
        for number, use in enumerate((client, copy, client, copy)):
            use.detect(image(0))
            in_child(partial(use.detect, image(number)))
            ports.append(server.ports[-2:])
        client.detect(image(0))
    assert {first for first, _ in ports} == {server.ports[-1]}, "no child closed the parent's connection"
    assert len({second for _, second in ports} | {server.ports[-1]}) == 5


_shared: Any = None


def _label(number: int) -> str:
    label: str = _shared.label(number)
    return label


def _begin(url: str, awaited: bool) -> None:
    global _shared
    _shared = Both(url, awaited)


def test_a_pool_of_forked_processes(both: Both) -> None:
    global _shared
    _shared = both
    both.label(0)
    numbers = list(range(FEW))
    with multiprocessing.get_context("fork").Pool(4) as pool:
        labels = pool.map(_label, numbers, chunksize=4)
        pool.close()
        pool.join()
    assert labels == [name(image(number)) for number in numbers]
    assert both.label(7) == name(image(7))


def test_an_executor_of_forked_processes(both: Both) -> None:
    global _shared
    _shared = both
    both.label(0)
    numbers = list(range(FEW))
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(_label, numbers)) == [name(image(number)) for number in numbers]


def test_spawned_processes_make_their_own(server: NamingServer) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, initializer=_begin, initargs=(server.url, False)) as pool:
        assert list(pool.map(_label, range(40))) == [name(image(number)) for number in range(40)]


def test_many_images_in_each_child(both: Both) -> None:
    both.label(0)

    def score() -> list[str]:
        if both.blocking is not None:
            return [outcome.unwrap()[0].label for outcome in both.blocking.detect_many(map(image, range(50)))]

        async def main() -> list[str]:
            assert both.awaited is not None
            return [outcome.unwrap()[0].label async for outcome in both.awaited.detect_many(map(image, range(50)))]

        return asyncio.run(main())

    expected = [name(image(number)) for number in range(50)]
    assert in_child(score) == expected
    assert score() == expected


def test_a_fork_in_the_middle_of_many_requests(server: NamingServer) -> None:
    """Threads of the parent hold whatever lock there is; the child waits for none of them."""
    stop = threading.Event()
    with Client(server.url, "k") as client:

        def busy(number: int) -> None:
            while not stop.is_set():
                assert client.detect(image(number))[0].label == name(image(number))

        with ThreadPoolExecutor(4) as threads:
            running = [threads.submit(busy, number) for number in range(4)]
            try:
                wait_until(lambda: len(server.ports) > 20)
                for number in range(20):
                    assert in_child(partial(client.detect, image(number)))[0].label == name(image(number))
            finally:
                stop.set()
            for thread in running:
                thread.result()


def test_a_renewal_under_way_is_the_parents_alone() -> None:
    let_go = threading.Event()
    fetched: list[int] = []

    def fetch(refused: str | None) -> Secret:
        fetched.append(os.getpid())
        if len(fetched) == 1:
            let_go.wait(30)
        return Secret(f"Bearer of-{os.getpid()}")

    credential = RenewedCredential("aml_token", fetch)
    waiting = threading.Thread(target=credential.authorize, args=(None, 30))
    waiting.start()
    wait_until(lambda: fetched)
    credential._lock.acquire()  # as a thread would at the moment of the fork
    child = in_child(lambda: (credential.authorize(None, 20), os.getpid()))
    credential._lock.release()
    assert child[0] == f"Bearer of-{child[1]}"
    let_go.set()
    waiting.join()
    assert credential.authorize(None, 1) == f"Bearer of-{os.getpid()}"


def test_a_lock_of_the_process_is_open_in_a_child() -> None:
    lock = ProcessLock()
    with lock:
        assert in_child(lambda: lock.acquire(timeout=1))


def test_a_child_does_not_go_on_with_a_run_of_the_parent(both: Both) -> None:
    """It has the outcomes that were there already, and no others."""
    if both.blocking is not None:
        outcomes = both.blocking.detect_many(map(image, range(40)))
        assert next(outcomes).ok
        with pytest.raises(errors.InvalidInput, match="begun by another process"):
            in_child(lambda: list(outcomes))
        assert in_child(outcomes.close) is None
        assert [outcome.unwrap()[0].label for outcome in outcomes] == [name(image(n)) for n in range(1, 40)]
        return

    async def main() -> list[str]:
        assert both.awaited is not None
        outcomes = both.awaited.detect_many(map(image, range(40)))
        await anext(outcomes)

        async def rest() -> list[str]:
            return [outcome.unwrap()[0].label async for outcome in outcomes]

        with pytest.raises(errors.InvalidInput, match="begun by another process"):
            in_child(lambda: asyncio.run(rest()))
        return await rest()

    assert asyncio.run(main()) == [name(image(number)) for number in range(1, 40)]


def test_an_event_loop_of_the_parent_is_refused(server: NamingServer) -> None:
    client = AsyncClient(server.url, "k")
    with closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(client.detect(image(1)))
        sent = len(server.ports)
        with pytest.raises(errors.InvalidInput, match="this event loop ran before this process was forked"):
            in_child(lambda: loop.run_until_complete(client.detect(image(2))))
        assert len(server.ports) == sent
        assert loop.run_until_complete(client.detect(image(3)))[0].label == name(image(3))
        loop.run_until_complete(client.close())


def test_the_parents_event_loop_hears_its_connections_after_a_child_is_gone(server: NamingServer) -> None:
    """The two share one epoll: what a child unregisters there, the parent waits for in vain."""

    async def main() -> None:
        async with AsyncClient(server.url, "k") as client:
            for number in range(3):
                assert (await client.detect(image(number)))[0].label == name(image(number))

                def child(number: int = number) -> str:
                    async def score() -> str:
                        return (await client.detect(image(number)))[0].label

                    label = asyncio.run(score())
                    gc.collect()
                    return label

                assert in_child(child) == name(image(number))

    asyncio.run(asyncio.wait_for(main(), 60))


class TestInjectedClients:
    def test_one_that_was_used_is_refused_before_anything_is_sent(self, server: NamingServer) -> None:
        context = ssl.create_default_context() if server.context else True
        with httpx.Client(verify=context) as mine, Client(server.url, "k", http_client=mine) as client:
            client.detect(image(1))
            sent = len(server.ports)
            with pytest.raises(errors.InvalidInput, match="http_client, a Client, was used before this process"):
                in_child(lambda: client.detect(image(2)))
            assert len(server.ports) == sent
            assert client.detect(image(3))[0].label == name(image(3))

    def test_one_that_was_not_used_serves(self, server: NamingServer) -> None:
        context = ssl.create_default_context() if server.context else True
        with httpx.Client(verify=context) as mine, Client(server.url, "k", http_client=mine) as client:
            assert in_child(lambda: client.detect(image(2))[0].label) == name(image(2))
            assert client.detect(image(3))[0].label == name(image(3))

    def test_an_awaited_one(self, server: NamingServer) -> None:
        context = ssl.create_default_context() if server.context else True

        async def main() -> None:
            async with (
                httpx.AsyncClient(verify=context) as mine,
                AsyncClient(server.url, "k", http_client=mine) as ours,
            ):
                await ours.detect(image(1))
                with pytest.raises(errors.InvalidInput, match="http_client, a AsyncClient, was used before"):
                    in_child(lambda: asyncio.run(ours.detect(image(2))))

        asyncio.run(main())

    def test_a_session_of_aiohttp(self, server: NamingServer) -> None:
        async def main() -> None:
            connector = aiohttp.TCPConnector(ssl=ssl.create_default_context() if server.context else False)
            async with (
                aiohttp.ClientSession(connector=connector) as mine,
                AsyncClient(server.url, "k", http_client=mine) as ours,
            ):
                await ours.detect(image(1))
                sent = len(server.ports)
                with pytest.raises(errors.InvalidInput, match="session of aiohttp, was used before"):
                    in_child(lambda: asyncio.run(ours.detect(image(2))))
                assert len(server.ports) == sent

        asyncio.run(main())


def test_gunicorn_with_a_preloaded_client(server: NamingServer, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    command = [
        *(sys.executable, "-m", "gunicorn", "--preload", "--workers=4", "--worker-class=sync", "--log-level=warning"),
        *(f"--bind=127.0.0.1:{port}", "--no-control-socket", "tests.transports.preloaded:app"),
    ]
    with subprocess.Popen(
        command, env={**os.environ, "PRELOADED_URL": server.url}, cwd=Path(__file__).parents[2]
    ) as gunicorn:
        try:
            wait_until(lambda: _answers(port, gunicorn))

            def ask(number: int) -> str:
                path = "awaited" if number % 2 else "blocking"
                request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", image(number), method="POST")
                with urllib.request.urlopen(request, timeout=60) as answer:
                    text: str = answer.read().decode()
                    return text

            with ThreadPoolExecutor(8) as threads:
                labels = list(threads.map(ask, range(500)))
        finally:
            gunicorn.terminate()
    wrong = [number for number, label in enumerate(labels) if label != name(image(number))]
    assert wrong == []


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "gunicorn ended"
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        time.sleep(0.05)
        return False
    return True

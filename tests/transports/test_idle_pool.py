"""Connections that wait for their next request: the last one used is the next, and none waits for ever."""

from __future__ import annotations

import threading

import pytest

from automl_cv_client import Client
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._transports.idle_pool import IdlePool
from automl_cv_client.errors import TransportError
from tests.capped import CappedServer, capped
from tests.servers import Silence, scripted, wait_until
from tests.timing import Stopwatch, is_within

TINY = grey_png(4)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("automl_cv_client._transports.idle_pool.time.monotonic", lambda: now[0])
    return now


def test_the_last_one_used_is_taken_first(clock: list[float]) -> None:
    pool: IdlePool[str] = IdlePool(60)
    assert pool.take() is None
    assert [*pool.put("a"), *pool.put("b")] == []
    assert [pool.take(), pool.take(), pool.take()] == ["b", "a", None]


def test_what_lay_too_long_is_handed_out_to_be_closed(clock: list[float]) -> None:
    pool: IdlePool[str] = IdlePool(60)
    for name in "abc":
        pool.put(name)
        clock[0] += 10
    clock[0] = 165.0  # a lay for 65 seconds, b for 55
    assert pool.put("d") == ["a"]
    assert list(pool.clear()) == ["d", "c", "b"]
    assert len(pool) == 0


def test_threads_share_connections_and_closing_closes_all() -> None:
    with capped(service=0.02) as server:
        client = Client(server.url, "k")
        threads = [threading.Thread(target=lambda: [client.detect(TINY) for _ in range(10)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.statuses()[200] == 80
        assert 1 <= server.connections <= 8
        client.close()
        _wait_until_none(server)


def test_a_connection_that_the_server_closed_is_made_anew() -> None:
    with capped(service=0) as server, Client(server.url, "k") as client:
        for _ in range(3):
            found = client.detect(TINY)
            assert found.call is not None
            assert found.call.attempts == 1
            server.hang_up()
            _wait_until_none(server)


def test_who_finds_all_connections_in_use_waits_no_longer_than_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("automl_cv_client._transports.httpx.MOST_CONNECTIONS", 1)
    with scripted(Silence()) as server, Client(server.url, "k", deadline=0.3) as client:
        first = threading.Thread(target=lambda: client.with_options(deadline=10).health())
        first.start()
        server.wait_for(1)

        def fail(watch: Stopwatch) -> None:
            with watch.running(), pytest.raises(TransportError):
                client.detect(TINY)

        is_within(0.4, fail, at_most=1)
        assert len(server.received) == 1
    first.join()


def _wait_until_none(server: CappedServer) -> None:
    wait_until(lambda: server.connections == 0)

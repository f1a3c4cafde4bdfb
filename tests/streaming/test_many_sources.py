"""Sources of ``*_many`` that fail, wait, or hold something open; and a token that expires under way."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from automl_cv_client import AsyncClient, Client, Outcome
from automl_cv_client._imaging.encoding import grey_png
from tests.capped import capped
from tests.conftest import Caller
from tests.servers import Answer, Received, scripted

TINY = grey_png(4)


def until_it_fails(call: Caller, url: str, images: Any, credential: Any = "k", **options: Any) -> tuple[list[Any], Any]:
    """The outcomes of ``detect_many``, and what it raised."""
    got: list[Outcome[Any]] = []

    def use(client: Any) -> Any:
        found = client.detect_many(images, **options)
        if not call.awaited:
            for outcome in found:
                got.append(outcome)
            return None

        async def gather() -> None:
            async for outcome in found:
                got.append(outcome)

        return gather()

    raised = None
    try:
        call.using(url, use, key=credential)
    except Exception as error:  # noqa: BLE001 - looked at by the test
        raised = error
    return got, raised


@pytest.mark.parametrize("ordered", [True, False])
def test_images_before_an_error_of_the_source_have_their_outcomes(ordered: bool, call: Caller) -> None:
    def broken() -> Iterator[bytes]:
        yield from [TINY] * 7
        raise LookupError("the source")

    with capped(service=0.02) as server:
        got, raised = until_it_fails(call, server.url, broken(), ordered=ordered)
    assert sorted(outcome.index for outcome in got) == list(range(7))
    assert repr(raised) == "LookupError('the source')"


def test_an_error_of_an_async_source_comes_last_too() -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield TINY
        raise LookupError("the source")

    with capped(service=0.02) as server:
        got, raised = until_it_fails(Caller(awaited=True), server.url, broken())
    assert len(got) == 3
    assert isinstance(raised, LookupError)


def test_an_outcome_does_not_wait_for_the_next_image_of_an_async_source() -> None:
    """As with a queue: the next image comes only when the outcome of the last one is here."""

    async def main(url: str) -> list[int]:
        seen = asyncio.Event()
        indexes: list[int] = []

        async def one_after_the_other() -> AsyncIterator[bytes]:
            for _ in range(3):
                seen.clear()
                yield TINY
                await seen.wait()

        async with AsyncClient(url, "k") as client, asyncio.timeout(10):
            async for outcome in client.detect_many(one_after_the_other()):
                indexes.append(outcome.index)
                seen.set()
        return indexes

    with capped(service=0) as server:
        assert asyncio.run(main(server.url)) == [0, 1, 2]


def test_an_async_source_is_read_by_one_task_which_is_gone_with_the_loop() -> None:
    async def main(url: str) -> set[Any]:
        readers: set[Any] = set()

        async def endless() -> AsyncIterator[bytes]:
            while True:
                readers.add(asyncio.current_task())
                await asyncio.sleep(0)
                yield TINY

        async with AsyncClient(url, "k") as client:
            found = client.detect_many(endless())
            async for outcome in found:
                if outcome.index == 5:
                    break
            await found.aclose()
            assert asyncio.all_tasks() == {asyncio.current_task()}
        return readers

    with capped(service=0) as server:
        assert len(asyncio.run(main(server.url))) == 1


def test_cancelling_while_an_async_source_waits_leaves_no_task() -> None:
    async def main(url: str) -> None:
        async def stuck() -> AsyncIterator[bytes]:
            yield TINY
            await asyncio.Event().wait()

        async def consume(client: AsyncClient) -> None:
            async for _ in client.detect_many(stuck()):
                pass

        async with AsyncClient(url, "k") as client:
            task = asyncio.create_task(consume(client))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with capped(service=0) as server:
        asyncio.run(main(server.url))


def test_the_blocking_client_reads_its_source_in_the_caller_s_thread() -> None:
    """As a database cursor wants it, which refuses other threads."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE images(body BLOB)")
    database.executemany("INSERT INTO images VALUES (?)", [(TINY,)] * 20)
    with capped(service=0) as server, Client(server.url, "k") as client:
        rows = (row[0] for row in database.execute("SELECT body FROM images"))
        assert [outcome.ok for outcome in client.detect_many(rows)] == [True] * 20
    database.close()


class _Token(NamedTuple):
    token: str
    expires_on: int


class _Credential:
    """Gives out t1, then t2 and so on, each good for an hour by its own account."""

    def __init__(self) -> None:
        self.given = 0

    def get_token(self, *scopes: str, **_: Any) -> _Token:
        self.given += 1
        return _Token(f"t{self.given}", int(time.time()) + 3600)


def test_a_token_that_is_refused_under_way_is_replaced_once_and_no_image_fails(call: Caller) -> None:
    """Many requests in flight share the token: all are refused, and that says no more than the first refusal did."""
    counted = itertools.count(1)
    refused: list[int] = []

    def answer(request: Received) -> Answer:
        number = next(counted)
        time.sleep(0.03)
        if request.headers["authorization"] == ("Bearer t1" if number <= 60 else "Bearer t2"):
            return Answer(body=b'[{"boxes": []}]')
        refused.append(number)
        return Answer(401, b"")

    credential = _Credential()
    with scripted() as server:
        server.step_for = answer  # type: ignore[method-assign]
        got, raised = until_it_fails(call, server.url, itertools.repeat(TINY, 120), credential)
    assert raised is None
    assert [outcome.ok for outcome in got] == [True] * 120
    assert credential.given == 2
    assert len(refused) > 5  # or the test would show nothing

"""Streams that are kept: many batches, one engine; both clients by the same tests."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client, Outcome, RetryPolicy, Task, errors
from tests.capped import CappedServer, capped
from tests.conftest import encoded
from tests.servers import wait_until

TASK = Task.DETECTION
QUICK = RetryPolicy(backoff=0.001, longest_backoff=0.002)
Batches = list[list[Any]]
Scored = list[list[Outcome[Any]]]
ScoreAll = Callable[..., Scored]


def images(count: int, first: int = 0) -> list[bytes]:
    return [encoded(Image.new("RGB", (8, 8), (n % 256, n // 256, 0)), "PNG") for n in range(first, first + count)]


def told(body: bytes) -> bytes:
    """A reply that says which image was asked about."""
    box = {"topX": 0.1, "topY": 0.1, "bottomX": 0.5, "bottomY": 0.5}
    return json.dumps([{"boxes": [{"box": box, "label": hashlib.sha256(body).hexdigest(), "score": 0.9}]}]).encode()


@contextmanager
def telling(**options: Any) -> Iterator[CappedServer]:
    with capped(**options) as server:
        server.reply_for = told
        yield server


def blocking(url: str, batches: Batches, at_once: int = 1, **options: Any) -> Scored:
    with (
        Client(url, "k", retry=QUICK) as client,
        client.stream(TASK, **options) as run,
        ThreadPoolExecutor(at_once) as threads,
    ):
        scored = list(threads.map(run.score, batches))
        assert _counters(run) == (0, 0)
        return scored


def awaited(url: str, batches: Batches, at_once: int = 1, **options: Any) -> Scored:
    async def main() -> Scored:
        places = asyncio.Semaphore(at_once)
        async with AsyncClient(url, "k", retry=QUICK) as client, client.stream(TASK, **options) as run:

            async def score(batch: list[Any]) -> list[Outcome[Any]]:
                async with places:
                    return await run.score(batch)

            scored = await asyncio.gather(*map(score, batches))
            assert _counters(run) == (0, 0)
            return scored

    return asyncio.run(main())


def _counters(run: Any) -> tuple[int, int]:
    """Requests in flight, and groups in work."""
    traffic = run._states[os.getpid()].engine.throttle.traffic
    return traffic.in_flight, traffic.active


@pytest.fixture(params=[blocking, awaited], ids=["sync", "async"])
def score_all(request: pytest.FixtureRequest) -> ScoreAll:
    found: ScoreAll = request.param
    return found


@pytest.mark.parametrize(("size", "at_once"), [(1, 4), (16, 1), (16, 4), (64, 2), (150, 1)])
@pytest.mark.parametrize("per_request", [1, 3])
def test_batches_equal_one_call(size: int, at_once: int, per_request: int, score_all: ScoreAll) -> None:
    everything = images(150)
    batches = [everything[start : start + size] for start in range(0, len(everything), size)]
    if per_request > 1:
        batches = batches[:4]
    with telling(cap=5, service=0.002) as server:
        if per_request > 1:
            server.reply_for = lambda body: json.dumps([json.loads(told(body))[0]] * body.count(b"iVBOR")).encode()
        scored = score_all(server.url, batches, at_once, per_request=per_request)
        with Client(server.url, "k") as client:
            expected = [list(client.detect_many(batch, per_request=per_request)) for batch in batches]
    assert [[outcome.index for outcome in batch] for batch in scored] == [list(range(len(batch))) for batch in batches]
    assert [[outcome.input for outcome in batch] for batch in scored] == batches
    assert [[outcome.unwrap() for outcome in batch] for batch in scored] == [
        [outcome.unwrap() for outcome in batch] for batch in expected
    ]


def test_a_bad_image_is_an_outcome_of_its_own_batch(score_all: ScoreAll) -> None:
    good = images(2)
    batches: Batches = [[good[0], b"no image", "no/such.png"], good, [], [7]]
    with telling(service=0) as server:
        scored = score_all(server.url, batches, 4)
    assert [[outcome.ok for outcome in batch] for batch in scored] == [[True, False, False], [True, True], [], [False]]


def test_an_error_of_a_source_ends_its_batch_alone(score_all: ScoreAll) -> None:
    def broken() -> Iterator[bytes]:
        yield from images(3)
        raise LookupError("the source")

    with telling(service=0.01) as server, pytest.raises(LookupError, match="the source"):
        score_all(server.url, [images(20), broken()], 2)


@pytest.mark.parametrize("wrong", ["no/such/folder", b"\xff\xd8", 7])
def test_what_is_no_batch(wrong: Any, score_all: ScoreAll) -> None:
    with pytest.raises(errors.InvalidInput):
        score_all("http://127.0.0.1:9/score", [wrong])


@pytest.mark.parametrize("options", [{"concurrency": 0}, {"concurrency": "many"}, {"per_request": 0}, {"threshold": 2}])
def test_wrong_options_fail_at_the_call(options: Any) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(errors.InvalidInput, match=next(iter(options))):
            kind("http://127.0.0.1:9/score", "k").stream(TASK, **options)


def test_all_batches_share_one_limit(score_all: ScoreAll) -> None:
    with telling(cap=3, service=0.01) as server:
        score_all(server.url, [images(20, 20 * n) for n in range(8)], 4)
        assert server.most_in_flight <= 3
        assert server.statuses()[429] <= 8  # eight calls would each have to find out


def test_one_image_does_not_wait_for_a_long_batch() -> None:
    with telling(cap=2, service=0.02) as server, Client(server.url, "k") as client, client.stream(TASK) as run:
        long = threading.Thread(target=run.score, args=(images(150),))
        long.start()
        wait_until(lambda: len(server.answers) > 20)
        before = len(server.answers)
        run.score(images(1, 500))[0].unwrap()
        assert len(server.answers) - before <= 8  # those in flight, its own, and those that its own sat beside
        assert long.is_alive()
        long.join()


def test_revoked_credentials_end_every_batch_and_are_looked_at_again(score_all: ScoreAll) -> None:
    with telling(service=0.002) as server:
        server.judge = lambda body, number: 401 if number > 100 else 200
        with pytest.raises(errors.BatchError, match="401"):
            score_all(server.url, [images(200), images(200)], 2, concurrency=16)
        assert len(server.received) <= 120


def test_a_run_that_failed_looks_again_with_one_request() -> None:
    with telling(service=0.002) as server, Client(server.url, "k") as client, client.stream(TASK) as run:
        server.judge = lambda body, number: 401
        with pytest.raises(errors.BatchError, match="401"):
            run.score(images(50))
        sent = len(server.received)
        with pytest.raises(errors.BatchError, match="401"):
            run.score(images(50))
        assert len(server.received) == sent + 1
        server.judge = None
        assert all(outcome.ok for outcome in run.score(images(50)))


class TestTheEnd:
    def test_a_closed_stream_takes_no_batch(self) -> None:
        with telling(service=0) as server, Client(server.url, "k") as client:
            with client.stream(TASK) as run:
                run.score(images(3))
            run.close()
            with pytest.raises(errors.InvalidInput, match="closed"):
                run.score(images(1))
            with pytest.raises(errors.InvalidInput, match="closed"), run:
                pass

    def test_closing_ends_batches_in_work_and_says_so(self) -> None:
        before = threading.active_count()
        with telling(cap=2, service=0.05) as server, Client(server.url, "k") as client:
            server_threads = threading.active_count()
            run = client.stream(TASK)
            with ThreadPoolExecutor(2) as threads:
                batches = [threads.submit(run.score, images(100)) for _ in range(2)]
                wait_until(lambda: len(server.answers) > 4)
                run.close()
                for batch in batches:
                    with pytest.raises(errors.BatchError, match="closed before this batch was done"):
                        batch.result(timeout=5)
            wait_until(lambda: threading.active_count() == server_threads)
            assert _counters(run) == (0, 0)
        wait_until(lambda: threading.active_count() == before)

    def test_closing_the_awaited_one_cancels(self) -> None:
        async def main(server: CappedServer) -> None:
            async with AsyncClient(server.url, "k") as client:
                run = client.stream(TASK)
                batch = asyncio.create_task(run.score(images(100)))
                await asyncio.to_thread(wait_until, lambda: len(server.answers) > 4)
                await run.close()
                with pytest.raises(errors.BatchError, match="closed before"):
                    await batch
                assert _counters(run) == (0, 0)
                assert len(asyncio.all_tasks()) == 1

        with telling(cap=2, service=0.05) as server:
            asyncio.run(main(server))

    def test_one_that_is_only_dropped_leaves_no_thread(self) -> None:
        with telling(service=0) as server, Client(server.url, "k") as client:
            before = threading.active_count()
            client.stream(TASK).score(images(10))
            gc.collect()
            wait_until(lambda: threading.active_count() == before)

    def test_another_event_loop_is_refused(self) -> None:
        with telling(service=0) as server:
            run = AsyncClient(server.url, "k").stream(TASK)
            asyncio.run(run.score(images(1)))
            with pytest.raises(errors.InvalidInput, match="another event loop"):
                asyncio.run(run.score(images(1)))


def cancelled_at_each_step(start: Callable[[Any], Awaitable[Any]], steps: int, **options: Any) -> None:
    """Cancel a batch after so many turns of the event loop, for every number of turns; another one is whole."""

    async def main(url: str) -> None:
        async with AsyncClient(url, "k", retry=QUICK) as client, client.stream(TASK, **options) as run:
            for turns in range(steps):
                other = asyncio.create_task(run.score(images(2))) if turns % 10 == 0 else None
                task = asyncio.ensure_future(start(run))
                for _ in range(turns):
                    await asyncio.sleep(0 if turns % 2 else 0.0005)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if other is not None:
                    assert all(outcome.ok for outcome in await other)
                assert _counters(run) == (0, 0), turns
                assert all(batch.waiting == 0 for batch in run._states[os.getpid()].engine.throttle.batches)
            assert len(asyncio.all_tasks()) == 1

    with telling(cap=2, service=0.003) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("options", [{}, {"per_request": 2}, {"bytes_per_second": 50_000.0}], ids=str)
def test_a_batch_cancelled_at_any_point_leaves_the_counters_at_zero(options: dict[str, Any]) -> None:
    batch = images(5)
    cancelled_at_each_step(lambda run: run.score(batch), 120, **options)


def test_an_interrupted_batch_leaves_the_others_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the thread that scores: simulated where it waits."""
    with telling(cap=2, service=0.02) as server, Client(server.url, "k") as client, client.stream(TASK) as run:
        with ThreadPoolExecutor(1) as threads:
            other = threads.submit(run.score, images(30))

            def interrupted() -> Iterator[bytes]:
                yield from images(6)
                raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                run.score(interrupted())
            assert all(outcome.ok for outcome in other.result())
        assert _counters(run) == (0, 0)


def labels(outcomes: list[Outcome[Any]]) -> list[str]:
    return [outcome.unwrap()[0].label for outcome in outcomes]


def _in_a_child(run: Any, answers: Any) -> None:
    scored = run.score(images(5, 100))
    answers.put(labels(scored))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_after_a_fork_a_child_scores_on_its_own() -> None:
    context = multiprocessing.get_context("fork")
    with telling(service=0.01) as server, Client(server.url, "k") as client, client.stream(TASK) as run:
        first = labels(run.score(images(5, 100)))
        answers = context.Queue()
        children = [context.Process(target=_in_a_child, args=(run, answers)) for _ in range(3)]
        for child in children:
            child.start()
        mine = run.score(images(40))
        assert [answers.get(timeout=20) for _ in children] == [first] * 3
        for child in children:
            child.join(10)
            assert child.exitcode == 0
        assert all(outcome.ok for outcome in mine)


def _goes_on(stream: Any, answers: Any) -> None:
    try:
        for _ in stream:  # what the parent had ready, perhaps
            pass
    except errors.InvalidInput as error:
        answers.put(str(error))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_iterator_says_whose_it_is() -> None:
    """Its threads are the parent's: a child would wait for ever."""
    context = multiprocessing.get_context("fork")
    with telling(cap=2, service=0.01) as server, Client(server.url, "k") as client:
        stream = client.detect_many(images(40))
        next(stream)
        answers = context.Queue()
        child = context.Process(target=_goes_on, args=(stream, answers))
        started = time.monotonic()
        child.start()
        assert "another process" in answers.get(timeout=10)
        child.join(10)
        assert time.monotonic() - started < 8  # nor does it wait for the parent's requests at its end
        assert len(list(stream)) == 39


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_where_few_threads_may_be_had_they_do_the_work(allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with telling(cap=20, service=0.002) as server, Client(server.url, "k") as client:
        start, begun = threading.Thread.start, [0]

        def starts(thread: threading.Thread) -> None:
            begun[0] += 1
            if begun[0] > allowed:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", starts)
        if allowed:
            assert all(outcome.ok for outcome in client.detect_many(images(60)))
        else:
            with pytest.raises(RuntimeError, match="can't start"):
                list(client.detect_many(images(60)))


class TestMemory:
    """The client remembers, for some minutes, what a deployment takes."""

    def limit_of(self, client: Any, **options: Any) -> int:
        with client.stream(TASK, **options) as run:
            run.score(images(1))
            limit: int = run._states[os.getpid()].engine.throttle.traffic.adaptive.limit
            return limit

    def test_a_stream_begins_where_the_last_one_stood(self) -> None:
        with telling(cap=100, service=0.002) as server, Client(server.url, "k") as client:
            assert self.limit_of(client) == 2
            list(client.detect_many(images(150)))
            found = self.limit_of(client)
            assert found > 5
            assert self.limit_of(client.with_options(timeout=9.0)) >= found
            assert self.limit_of(client.with_options(deployment="blue")) == 2
            assert self.limit_of(client, concurrency=3) <= 3

    def test_it_is_forgotten_after_some_minutes(self) -> None:
        with telling(cap=100, service=0.002) as server, Client(server.url, "k") as client:
            list(client.detect_many(images(150)))
            entries = client._settings.learned._entries
            for key, (kept_at, value) in list(entries.items()):
                entries[key] = (kept_at - 301, value)
            assert self.limit_of(client) == 2

    def test_a_call_that_was_held_back_by_its_caller_teaches_nothing(self) -> None:
        with telling(cap=100, service=0.002) as server, Client(server.url, "k") as client:
            list(client.detect_many(images(20), concurrency=1))
            assert self.limit_of(client) >= 2
            list(client.detect_many(images(150)))
            found = self.limit_of(client)
            list(client.detect_many(images(20), concurrency=1))
            assert self.limit_of(client) >= found > 5

    def test_an_endpoint_that_was_gone_teaches_nothing(self) -> None:
        with telling(service=0.002) as server, Client(server.url, "k") as client:
            server.judge = lambda body, number: 404 if number > 60 else 200
            with pytest.raises(errors.BatchError):
                list(client.detect_many(images(150)))
            assert not client._settings.learned._entries

    def test_what_is_remembered_still_adapts(self, score_all: ScoreAll) -> None:
        with telling(cap=12, service=0.004) as server, Client(server.url, "k", retry=QUICK) as client:
            list(client.detect_many(images(150)))
            server.cap = 3
            with client.stream(TASK) as run:
                for _ in range(4):
                    assert all(outcome.ok for outcome in run.score(images(40)))
                assert run.stats().limit <= 5


def test_how_it_stands(score_all: ScoreAll) -> None:
    with telling(cap=2, service=0.01) as server, Client(server.url, "k", retry=QUICK) as client:
        with client.stream(TASK) as run:
            assert (run.stats().images, run.stats().requests, run.stats().p50) == (0, 0, None)
            run.score([*images(20), b"no image"])
            stats = run.stats()
        assert (stats.images, stats.failed, stats.in_flight) == (21, 1, 0)
        assert stats.requests == 20 + stats.retries
        assert stats.refused == server.statuses()[429]
        assert 0.01 <= (stats.p50 or 0) <= (stats.p95 or 0)
        assert repr(run) == "Run('image-object-detection', closed)"


def test_the_capacity_is_found(image: bytes) -> None:
    with capped(cap=6, service=0.02) as server, Client(server.url, "k", retry=QUICK) as client:
        found = client.find_capacity(image, seconds=2.5)
    assert found.requests_at_once in (5, 6)
    assert found.is_limit
    assert 0 < found.refused < 0.1
    assert found.images_per_second > 0


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), True, "5"])
def test_seconds_that_cannot_be(seconds: Any, image: bytes) -> None:
    with pytest.raises(errors.InvalidInput, match="seconds"):
        Client("http://127.0.0.1:9/score", "k").find_capacity(image, seconds=seconds)


def test_an_image_that_cannot_be_scored_finds_nothing() -> None:
    with capped(service=0) as server, Client(server.url, "k") as client, pytest.raises(errors.ImageError):
        client.find_capacity(b"no image", seconds=1)


@pytest.mark.slow
def test_ten_thousand_batches_leave_nothing_behind() -> None:
    batch = images(1)

    def score(times: int) -> int:
        for number in range(times):
            run.score(batch)
            if number % 100 == 0:
                server.answers.clear()
                server.received.clear()
        gc.collect()
        return len(gc.get_objects())

    with capped(service=0) as server, Client(server.url, "k") as client, client.stream(TASK) as run:
        before = score(1_000)
        threads = threading.active_count()
        assert score(9_000) - before < 500
        assert threading.active_count() <= threads + 2
        assert run.stats().images == 10_000

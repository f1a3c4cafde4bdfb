"""Many images: outcomes, order, laziness, refusals, and what is left behind, with both clients."""

from __future__ import annotations

import asyncio
import base64
import gc
import itertools
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client, Outcome, RetryPolicy, Task, errors
from automl_cv_client._streaming.stream import Workers
from automl_cv_client.local import LocalEndpoint
from tests.capped import CappedServer, capped
from tests.conftest import PHOTOS, Caller, encoded
from tests.servers import Answer, Drip, ScriptedServer, wait_until
from tests.streaming.streams import async_stream_of, stream_of
from tests.timing import Stopwatch, is_within

QUICK = RetryPolicy(attempts=5, backoff=0.001, longest_backoff=0.002)


@pytest.fixture(scope="module")
def tiny() -> bytes:
    return encoded(Image.new("RGB", (8, 8)), "PNG")


def distinct(count: int) -> list[bytes]:
    return [encoded(Image.new("RGB", (8, 8), (n % 256, n // 256, 0)), "PNG") for n in range(count)]


def outcomes(call: Caller, url: str, method: str, *args: Any, stop: int | None = None, **options: Any) -> list[Any]:
    """All outcomes (or the first ``stop``) of a ``*_many`` method; client options under ``client``."""
    client_options = options.pop("client", {})

    def use(client: Any) -> Any:
        found = getattr(client, method)(*args, **options)
        if not call.awaited:
            return list(itertools.islice(found, stop))

        async def gather() -> list[Any]:
            kept = []
            async for outcome in found:
                kept.append(outcome)
                if len(kept) == stop:
                    break
            await found.aclose()
            return kept

        return gather()

    found = call.using(url, use, **client_options)
    assert isinstance(found, list)
    return found


def test_a_folder_through_a_real_model(call: Caller, endpoint: LocalEndpoint) -> None:
    url = endpoint.scoring_uri_of(Task.DETECTION)
    found = outcomes(call, url, "detect_many", PHOTOS, client={"key": endpoint.key})
    expected = sorted(str(path) for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg"))
    assert [outcome.input for outcome in found] == expected
    assert [outcome.index for outcome in found] == list(range(len(expected)))
    assert "cat" in [each.label for each in next(outcome for outcome in found if "chelsea" in outcome.input).unwrap()]


@pytest.mark.parametrize("task", Task, ids=lambda task: task.method)
def test_every_task_equals_its_single_call(task: Task, call: Caller, endpoint: LocalEndpoint) -> None:
    url, image = endpoint.scoring_uri_of(task), PHOTOS / "chelsea.png"
    options: dict[str, Any] = {"client": {"key": endpoint.key}}
    single = call(url, task.method, image, key=endpoint.key)
    assert [outcome.unwrap() for outcome in outcomes(call, url, f"{task.method}_many", [image] * 2, **options)] == [
        single
    ] * 2
    assert outcomes(call, url, "score_many", iter([image]), task.value, **options)[0].unwrap() == single


@pytest.mark.parametrize("per_request", [1, 3])
def test_a_bad_image_is_an_outcome_of_its_own(per_request: int, call: Caller, endpoint: LocalEndpoint) -> None:
    good = (PHOTOS / "chelsea.png").read_bytes()
    images = [good, good[:5000], good, "no/such/file.jpg", good]
    url = endpoint.scoring_uri_of(Task.CLASSIFICATION)
    found = outcomes(call, url, "classify_many", images, per_request=per_request, client={"key": endpoint.key})
    assert [outcome.ok for outcome in found] == [True, False, True, False, True]
    assert [outcome.input for outcome in found] == images
    assert all(isinstance(outcome.error, errors.ImageError) for outcome in found if not outcome.ok)
    with pytest.raises(errors.ImageError, match="no such file"):
        found[3].unwrap()


@pytest.mark.parametrize("status", [424, 413, 500])
def test_one_image_the_server_fails_on_does_not_harm_its_group(status: int, call: Caller) -> None:
    images = distinct(12)
    bad = base64.b64encode(images[4])
    with capped(service=0) as server:
        server.judge = lambda body, number: status if bad in body else 200
        server.reply_for = lambda body: json.dumps(
            [{"boxes": []}] * len(json.loads(body)["input_data"]["data"])
        ).encode()
        found = outcomes(call, server.url, "detect_many", images, per_request=4, client={"retry": QUICK})
    assert [outcome.index for outcome in found if not outcome.ok] == [4]
    assert isinstance(found[4].error, errors.StatusError)
    assert found[4].error.status == status


def test_order_is_kept_or_not_as_asked(call: Caller) -> None:
    images = distinct(40)
    with capped() as server:
        server.judge = lambda body, number: 503 if number % 5 == 1 else 200
        kept = outcomes(call, server.url, "detect_many", images, client={"retry": QUICK})
        free = outcomes(call, server.url, "detect_many", images, ordered=False, client={"retry": QUICK})
    assert [outcome.index for outcome in kept] == list(range(40))
    assert sorted(outcome.index for outcome in free) == list(range(40))
    assert all(outcome.input is images[outcome.index] for outcome in kept + free)


def test_sources_are_read_as_needed(call: Caller, tiny: bytes) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield tiny

    with capped(service=0) as server:
        assert len(outcomes(call, server.url, "detect_many", endless(), stop=30, concurrency=4)) == 30
        assert read <= 30 + 4 * 8 + 16 + 4


def test_an_async_source(tiny: bytes) -> None:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(5):
            await asyncio.sleep(0)
            yield tiny

    async def main(url: str) -> list[Outcome[Any]]:
        async with AsyncClient(url, "k") as client:
            return [outcome async for outcome in client.detect_many(source(), per_request=1)]

    with capped(service=0) as server:
        assert [outcome.ok for outcome in asyncio.run(main(server.url))] == [True] * 5


def test_an_error_of_the_source_reaches_the_caller(call: Caller, tiny: bytes) -> None:
    def broken() -> Iterator[bytes]:
        yield tiny
        raise LookupError("the source")

    with capped(service=0) as server, pytest.raises(LookupError, match="the source"):
        outcomes(call, server.url, "detect_many", broken())


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        ("no/such/folder", {}, "not a folder"),
        (b"\xff\xd8", {}, "one image"),
        (7, {}, "one image"),
        ([], {"concurrency": 0}, "concurrency"),
        ([], {"concurrency": True}, "concurrency"),
        ([], {"per_request": 101}, "per_request"),
        ([], {"bytes_per_second": float("nan")}, "bytes_per_second"),
    ],
)
def test_wrong_arguments_fail_at_the_call(images: Any, options: Any, words: str, call: Caller) -> None:
    with pytest.raises(errors.InvalidInput, match=words):
        call.using("http://127.0.0.1:9/score", lambda client: client.detect_many(images, **options))


def test_nothing_in_nothing_out(call: Caller, server: ScriptedServer) -> None:
    assert outcomes(call, server.url, "detect_many", []) == []
    assert server.received == []


def test_the_cap_of_the_endpoint_is_found(call: Caller, tiny: bytes) -> None:
    with capped(cap=3, service=0.02) as server:
        found = outcomes(call, server.url, "detect_many", itertools.repeat(tiny, 200))
        assert all(outcome.ok for outcome in found)
        assert server.most_in_flight == 3
        assert server.statuses()[429] <= 20


def test_revoked_credentials_stop_the_run(call: Caller, tiny: bytes) -> None:
    with capped(service=0.01) as server:
        server.judge = lambda body, number: 401 if number > 100 else 200
        with pytest.raises(errors.BatchError, match="401"):
            outcomes(call, server.url, "detect_many", itertools.repeat(tiny), concurrency=32)
        assert len(server.received) <= 120


@pytest.mark.bar(25)
@pytest.mark.parametrize("per_second", [200_000])
def test_the_bytes_a_second_hold_within_five_percent(per_second: int, call: Caller) -> None:
    """Over three seconds, in images so small that where one ends does not count."""
    image = encoded(Image.effect_noise((30, 30), 90).convert("RGB"), "PNG")
    with capped(service=0.002) as server:
        outcomes(call, server.url, "detect_many", itertools.repeat(image, 160), bytes_per_second=per_second)
        received = server.received
    seconds = received[-1][0] - received[0][0]
    assert sum(size for _, size in received[:-1]) / seconds == pytest.approx(per_second, rel=0.05)


class TestNothingIsLeftBehind:
    def test_threads(self, tiny: bytes) -> None:
        before = threading.active_count()
        with capped(service=0.02) as server, Client(server.url, "k") as client:
            running = threading.active_count()
            for outcome in client.detect_many(itertools.repeat(tiny)):
                if outcome.index == 20:
                    break
            gc.collect()
            assert threading.active_count() == running
        assert threading.active_count() == before

    def test_a_pause_does_not_hold_up_the_end(self, tiny: bytes, server: ScriptedServer) -> None:
        server.steps = [Answer(200, b'[{"boxes": []}]'), Answer(503, b"", {"retry-after": "60"})]
        started = time.monotonic()
        with Client(server.url, "k") as client:
            found = client.detect_many(itertools.repeat(tiny), ordered=False)
            next(found)
            time.sleep(0.1)
            found.close()
        assert time.monotonic() - started < 3

    def test_tasks_and_connections(self, tiny: bytes) -> None:
        async def main(server: CappedServer) -> None:
            async with AsyncClient(server.url, "k") as client:
                for _ in range(5):
                    found = client.detect_many(itertools.repeat(tiny))
                    async for outcome in found:
                        if outcome.index == 20:
                            break
                    await found.aclose()
                    assert len(asyncio.all_tasks()) == 1

        with capped(service=0.01) as server:
            asyncio.run(main(server))
            wait_until(lambda: server.connections == 0)

    @pytest.mark.bar(18)
    def test_a_thousand_cancelled_calls_leave_no_place_taken(
        self, tiny: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        most = 100
        monkeypatch.setattr("automl_cv_client._transports.awaited_httpx.MOST_CONNECTIONS", most)

        async def main(server: CappedServer) -> None:
            async with AsyncClient(server.url, "k") as client:
                for _ in range(10):
                    tasks = [asyncio.create_task(client.detect(tiny)) for _ in range(100)]
                    await asyncio.sleep(0.03)
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                wait_until(lambda: server.connections <= most)
                found = await asyncio.gather(*(client.detect(tiny) for _ in range(most)))
                assert len(found) == most
                assert len(await client.detect(tiny)) == 0

        with capped(service=0.05) as server:
            asyncio.run(main(server))


def test_places_are_given_back_whatever_happens(tiny: bytes) -> None:
    images: list[Any] = [tiny, b"no image", tiny, 7, tiny] * 10
    with capped(cap=2, service=0.005) as server, Client(server.url, "k", retry=QUICK) as client:
        stream = stream_of(client, iter(images), per_request=2)
        taken = 0
        while ready := stream.take():
            taken += len(ready)
        stream.close()
        assert taken == 50
        assert stream.counters == (0, 0, 0)


async def _cancelled_midway(url: str, tiny: bytes) -> tuple[int, int, int]:
    async with AsyncClient(url, "k") as client:
        stream = async_stream_of(client, itertools.repeat(tiny))
        for _ in range(10):
            await stream.take()
        await stream.close()
        await asyncio.sleep(0)
        return stream.counters


def test_places_are_given_back_by_cancelled_tasks(tiny: bytes) -> None:
    with capped(service=0.01) as server:
        assert asyncio.run(_cancelled_midway(server.url, tiny)) == (0, 0, 0)


def test_a_drained_run_hands_out_every_answer_that_came(tiny: bytes) -> None:
    """At a Ctrl-C what was sent is kept, or it would be sent again by the next run."""

    async def main(url: str) -> int:
        async with AsyncClient(url, "k") as client:
            stream = async_stream_of(client, itertools.repeat(tiny), ordered=False)
            taken = 0
            while taken < 40:
                taken += len(await stream.take())
            stream.drain()
            sent = stream.traffic.requests
            while ready := await stream.take():
                taken += len(ready)
            await stream.close()
            assert stream.traffic.requests == sent  # who waited for a turn did not get one any more
            return taken

    with capped(service=0.03) as server:
        assert asyncio.run(main(server.url)) == len(server.received)


@pytest.mark.parametrize("drained_first", [False, True], ids=["who pauses", "who would pause"])
def test_a_drained_run_waits_for_no_pause(drained_first: bool, tiny: bytes, server: ScriptedServer) -> None:
    """Both streams; the answer that asks for the pause comes before the drain, or after it."""
    server.steps = [Drip(503, b"no", {"retry-after": "60"}, pause=0.15)]

    async def awaited() -> list[Any]:
        async with AsyncClient(server.url, "k") as client:
            stream = async_stream_of(client, iter([tiny]), ordered=False)
            asyncio.get_running_loop().call_later(0.05 if drained_first else 0.5, stream.drain)
            found = await stream.take()
            await stream.close()
            return found

    def blocking() -> list[Any]:
        with Client(server.url, "k") as client:
            stream = stream_of(client, iter([tiny]), ordered=False)
            threading.Timer(0.05 if drained_first else 0.5, stream.drain).start()
            found = stream.take()
            stream.close()
            return found

    for drained in (blocking, lambda: asyncio.run(awaited())):
        started = time.monotonic()
        assert drained() == []
        assert time.monotonic() - started < 3
    assert len(server.received) == 2


def test_closing_the_awaited_stream_cancels_requests_in_flight(tiny: bytes) -> None:
    async def main(server: CappedServer, watch: Stopwatch) -> None:
        async with AsyncClient(server.url, "k") as client:
            found = client.detect_many(itertools.repeat(tiny), ordered=False)
            await anext(found)
            server.service = 30
            await asyncio.sleep(0.2)
            with watch.running():
                await found.aclose()

    def close(watch: Stopwatch) -> None:
        with capped(service=0.01) as server:
            asyncio.run(main(server, watch))

    is_within(0.5, close, at_most=1)


@pytest.mark.bar(8)
@pytest.mark.slow
@pytest.mark.parametrize("cap", [2, 6, 20])
def test_saturation_of_an_unknown_cap(cap: int, call: Caller, tiny: bytes) -> None:
    """Loose, as the machine is shared; the figures are the benchmark's."""
    with capped(cap=cap) as server:
        started = time.monotonic()
        outcomes(call, server.url, "detect_many", itertools.repeat(tiny), stop=cap * 20 * 20, ordered=False)
        late = server.statuses(started + 10)
        assert late[429] <= 0.02 * late.total()
        assert late[200] / (server.answers[-1][0] - started - 10) >= 0.6 * cap / 0.05


def test_paths_in_a_folder_come_by_name(tmp_path: Path, call: Caller, tiny: bytes) -> None:
    for name in ("b.png", "a.PNG", "notes.txt", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(tiny)
    with capped(service=0) as server:
        found = outcomes(call, server.url, "detect_many", str(tmp_path))
    assert [Path(outcome.input).relative_to(tmp_path).as_posix() for outcome in found] == [
        "a.PNG",
        "b.png",
        "sub/c.png",
    ]


def test_no_image_is_given_up_while_others_hold_the_whole_endpoint(call: Caller, tiny: bytes) -> None:
    with capped(cap=0, service=0.01) as server:
        timer = threading.Timer(2.0, setattr, (server, "cap", 8))  # they are done
        timer.start()
        found = outcomes(call, server.url, "detect_many", [tiny] * 200)
        timer.join()
        assert [outcome.ok for outcome in found] == [True] * 200
        assert server.statuses()[429] <= 30  # one after the other at full speed: some 180, and 80 images given up


def test_ctrl_c_while_a_thread_starts_is_no_other_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise KeyboardInterrupt

    workers = Workers()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeyboardInterrupt):
            workers.do(lambda: None)
    workers.close(time.monotonic() + 1)

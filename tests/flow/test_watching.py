"""Hooks, log and stats: each attempt is told once, with plain values, whatever comes of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, Hooks, Stats, Task, errors
from automl_cv_client._flow.tally import Tally
from automl_cv_client.testing import (
    FakeEndpoint,
    detections,
    dropped_row,
    lost_connection,
    no_waiting,
    scores,
    slow,
    throttled,
    unavailable,
)
from tests.conftest import Caller

CAT = detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)))
KEY = "canary0Key4That5Must6Never7Show8Anywhere"


class Told:
    """Notes every event."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        note = self.events.append
        self.hooks = Hooks(on_request=note, on_response=note, on_retry=note, on_drop=note)

    @property
    def names(self) -> list[str]:
        return [type(event).__name__.removesuffix("Event") for event in self.events]


def ask(call: Caller, fake: FakeEndpoint, *args: Any, method: str = "detect", **options: Any) -> Any:
    injected = fake.async_http_client() if call.awaited else fake.http_client()
    return call(fake.scoring_uri, method, *args, key=fake.key, http_client=injected, **options)


def test_every_attempt_is_told(call: Caller, image: bytes) -> None:
    fake = FakeEndpoint(throttled(9), lost_connection(), scores(CAT, model_seconds=0.25), key=KEY)
    told = Told()
    with no_waiting():
        found = ask(call, fake, image, hooks=told.hooks)
    assert told.names == ["Request", "Response", "Retry", "Request", "Response", "Retry", "Request", "Response"]
    first, refused, again, second, lost, _, third, good = told.events
    assert {event.client_request_id for event in (first, again, second, third)} == {found.call.client_request_id}
    assert (first.attempt, second.attempt, third.attempt) == (1, 2, 3)
    assert (first.images, first.method, first.url) == (1, "POST", fake.scoring_uri)
    assert first.sent_bytes == len(fake.last_request.body)
    assert (refused.status, refused.error, refused.request) == (429, None, first)
    assert (again.attempt, again.pause, type(again.error)) == (1, 9, errors.Throttled)
    assert (lost.status, lost.error) == (None, "ConnectionFailed")
    assert (good.status, good.model_time, good.deployment) == (200, 0.25, "default")
    assert good.received_bytes > 50
    assert KEY not in "".join(map(repr, told.events))
    assert KEY not in repr([asdict(event) for event in told.events])


def test_a_dropped_row_is_told(call: Caller, image: bytes) -> None:
    told = Told()
    fake = FakeEndpoint(dropped_row(CAT), CAT)
    ask(call, fake, [image, image], Task.DETECTION, method="score", hooks=told.hooks)
    assert told.names == ["Request", "Response", "Drop", "Request", "Response", "Request", "Response"]
    assert (told.events[2].images, told.events[2].rows) == (2, 1)
    assert told.events[0].images == 2


def test_a_caller_who_leaves_is_told(image: bytes) -> None:
    told = Told()
    fake = FakeEndpoint(slow(scores(CAT), 30))

    async def main() -> Stats:
        async with fake.async_client(hooks=told.hooks) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.detect(image), 0.1)
            return client.stats()

    stats = asyncio.run(main())
    assert told.names == ["Request", "Response"]
    assert (told.events[1].status, told.events[1].error) == (None, "Cancelled")
    assert (stats.requests, stats.failures, stats.calls) == (1, 1, 0)


def test_a_hook_that_fails_harms_nothing(call: Caller, image: bytes, caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    broken = Hooks(on_request=lambda event: 1 / 0)
    assert ask(call, FakeEndpoint(), image, hooks=broken + told.hooks)[0].label == "cat"
    assert told.names == ["Request", "Response"]  # the other one is told all the same
    assert "a hook failed" in caplog.text


def test_two_hooks_are_called_in_order(image: bytes) -> None:
    seen: list[str] = []
    both = Hooks(on_request=lambda event: seen.append("first")) + Hooks(on_request=lambda event: seen.append("second"))
    FakeEndpoint().client(hooks=both).detect(image)
    assert seen == ["first", "second"]
    assert both.on_drop is None


def test_a_hook_may_add_headers_and_change_none(call: Caller, image: bytes) -> None:
    asked: list[Any] = []
    theirs = {"Authorization": "Bearer other", "X-Team": "blue", "x-ms-client-request-id": "mine"}
    first = Hooks(request_headers=lambda event: asked.append(event) or theirs)  # type: ignore[func-returns-value]
    second = Hooks(request_headers=lambda event: {"x-attempt": str(event.attempt)})
    fake = FakeEndpoint(throttled(1), CAT)
    with no_waiting():
        found = ask(call, fake, image, hooks=first + second + Hooks())
    for number, request in enumerate(fake.requests, 1):
        assert (request.headers["x-team"], request.headers["x-attempt"]) == ("blue", str(number))
        assert (request.key, request.client_request_id) == (fake.key, found.call.client_request_id)
    assert [event.attempt for event in asked] == [1, 2]


def test_headers_that_cannot_be_had_harm_nothing(call: Caller, image: bytes, caplog: pytest.LogCaptureFixture) -> None:
    broken = Hooks(request_headers=lambda event: {"x": 1 / 0})  # type: ignore[dict-item]
    assert ask(call, FakeEndpoint(), image, hooks=broken)[0].label == "cat"
    assert "a hook failed" in caplog.text


def test_hooks_are_an_option_of_copies_too(image: bytes) -> None:
    told = Told()
    with FakeEndpoint().client() as client:
        client.with_options(hooks=told.hooks).detect(image)
        client.detect(image)
    assert told.names == ["Request", "Response"]
    for kind in (Client, AsyncClient):
        with pytest.raises(errors.InvalidInput, match="hooks must be Hooks"):
            kind("https://example.org/score", "key", hooks=print)  # type: ignore[arg-type]


@pytest.mark.bar(3)
def test_the_log_tells_the_story_without_secrets(call: Caller, image: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "automl_cv_client")
    with no_waiting():
        ask(call, FakeEndpoint(unavailable(), CAT, key=KEY), image)
        with pytest.raises(errors.ImageDropped):
            ask(call, FakeEndpoint(dropped_row(CAT), key=KEY), image)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "automl_cv_client"]
    assert [level for level, _ in lines[:5]] == ["DEBUG", "DEBUG", "INFO", "DEBUG", "DEBUG"]
    assert "attempt 1 failed, again in" in lines[2][1]
    assert lines[-1] == ("WARNING", lines[-1][1])
    assert "0 rows for 1 images" in lines[-1][1]
    assert KEY not in caplog.text


def test_stats_add_up(call: Caller, image: bytes) -> None:
    fake = FakeEndpoint(throttled(), scores(CAT, model_seconds=0.001), dropped_row(CAT), CAT)

    def use(client: Any) -> Any:
        if not call.awaited:
            client.detect(image)
            client.with_options(timeout=50).score([image, image], "image-object-detection")
            return client.stats()

        async def main() -> Stats:
            await client.detect(image)
            await client.with_options(timeout=50).score([image, image], "image-object-detection")
            stats: Stats = client.stats()
            return stats

        return main()

    injected = fake.async_http_client() if call.awaited else fake.http_client()
    with no_waiting():
        stats = call.using(fake.scoring_uri, use, key=fake.key, http_client=injected)
    assert (stats.requests, stats.retries, stats.failures, stats.drops) == (5, 1, 1, 1)
    assert (stats.calls, stats.images) == (4, 5)
    assert stats.sent_bytes == sum(len(request.body) for request in fake.requests)
    assert stats.model_seconds == 0.001
    assert 0 < stats.p50 <= stats.p95  # of whole calls: preparing the first image comes before `seconds` begin
    assert stats.seconds > 0
    assert stats.images_per_second == pytest.approx(5 / stats.seconds)
    assert Stats.model_validate_json(stats.model_dump_json()) == stats


def test_percentiles_are_by_nearest_rank() -> None:
    tally = Tally()
    assert (tally.stats().p50, tally.stats().images_per_second) == (None, 0)
    for number in range(1, 101):
        tally.call(1, number, number)
    assert (tally.stats().p50, tally.stats().p95) == (50, 95)

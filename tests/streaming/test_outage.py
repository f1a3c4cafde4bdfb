"""A service that fails: what passes is survived, an outage is not made worse, and its end is noticed."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from automl_cv_client import Outcome, RetryPolicy
from automl_cv_client._imaging.encoding import grey_png
from tests.capped import CappedServer, capped
from tests.conftest import Caller

TINY = grey_png(4)
QUICK = RetryPolicy(backoff=0.001, longest_backoff=0.002)
Look = Callable[[Outcome[Any]], bool]


def many(call: Caller, url: str, images: Iterator[bytes], look: Look, concurrency: int = 16) -> None:
    """``detect_many`` until ``look`` says enough."""

    def use(client: Any) -> Any:
        found = client.detect_many(images, ordered=False, concurrency=concurrency)
        if not call.awaited:
            for outcome in found:
                if not look(outcome):
                    break
            found.close()
            return None

        async def all_of_them() -> None:
            async for outcome in found:
                if not look(outcome):
                    break
            await found.aclose()

        return all_of_them()

    call.using(url, use, retry=QUICK)


def failing(share: float) -> Callable[[bytes, int], int]:
    """Answers of which a share is 503: each image has its own dice, so its luck is the same in whatever order."""
    dice: dict[bytes, random.Random] = {}
    return lambda body, number: 503 if dice.setdefault(body, random.Random(body)).random() < share else 200


def different(count: int) -> Iterator[bytes]:
    """As many images, each with other bytes: what follows the end of a PNG is not looked at."""
    return (TINY + number.to_bytes(4) for number in range(count))


@pytest.mark.bar(6)
@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thirty_percent_failures_are_survived(count: int, call: Caller, figure: Callable[[str], None]) -> None:
    """The bar is 99.9 % of 10,000."""
    good: list[bool] = []

    def look(outcome: Outcome[Any]) -> bool:
        good.append(outcome.ok)
        return True

    with capped(service=0) as server:
        server.judge = failing(0.3)
        many(call, server.url, different(count), look)
        assert server.statuses()[503] > 0.3 * count
    figure(f"{sum(good):,} of {count:,} succeed")
    assert len(good) == count
    assert sum(good) >= 0.999 * count


@pytest.mark.bar(7)
def test_an_outage_of_a_thousand_calls_costs_at_most_a_tenth_more(call: Caller, figure: Callable[[str], None]) -> None:
    failed: list[bool] = []

    def look(outcome: Outcome[Any]) -> bool:
        failed.append(not outcome.ok)
        return True

    with capped(service=0) as server:
        server.judge = lambda body, number: 503
        many(call, server.url, itertools.repeat(TINY, 1000), look)
        assert sum(failed) == len(failed) == 1000
        figure(f"{len(server.received):,} requests for 1,000 calls")
        assert 1000 <= len(server.received) <= 1100


def test_an_endpoint_that_is_away_for_a_moment_costs_few_images(call: Caller) -> None:
    """Connections fail within a millisecond: unless it waited, a thousand images per second would be given up."""
    failed: list[bool] = []
    away_until = time.monotonic() + 1.3

    def judge(body: bytes, number: int) -> int:
        if time.monotonic() < away_until:
            raise ConnectionResetError
        return 200

    def look(outcome: Outcome[Any]) -> bool:
        failed.append(not outcome.ok)
        return True

    with capped(service=0) as server:
        server.judge = judge
        many(call, server.url, itertools.repeat(TINY, 500), look)
        back = time.monotonic() - away_until
    assert len(failed) == 500
    assert sum(failed) <= 20
    assert 0 < back < 8


@pytest.mark.bar(7)
@pytest.mark.slow
@pytest.mark.parametrize("broken", ["503", "hangs up"])
def test_the_full_rate_is_back_within_five_seconds(broken: str, call: Caller, figure: Callable[[str], None]) -> None:
    """Three seconds of outage; the sixth second after it against the last one before it."""
    phases: dict[str, float] = {}
    started = time.monotonic()

    def judge(body: bytes, number: int) -> int:
        out = 5 <= time.monotonic() - started < 8
        if out and broken == "hangs up":
            raise ConnectionResetError
        return 503 if out else 200

    def look(outcome: Outcome[Any]) -> bool:
        return time.monotonic() - started < 14.2

    with capped(cap=12, service=0.05) as server:
        server.judge = judge
        many(call, server.url, itertools.repeat(TINY), look)
        for name, since in (("before", 4.0), ("after", 13.0)):
            phases[name] = _good_between(server, started + since, started + since + 1)
    figure(f"five seconds after the outage {phases['after'] / phases['before']:.2f} of the rate before it")
    assert phases["before"] > 100
    assert phases["after"] >= 0.9 * phases["before"]


def _good_between(server: CappedServer, since: float, until: float) -> int:
    return sum(status == 200 and since <= at < until for at, status in server.answers)

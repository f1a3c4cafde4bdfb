"""One limit for several workers, without an engine: simulated endpoints and clocks, then real HTTP."""

from __future__ import annotations

import asyncio
import heapq
import random
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import pyarrow as pa
import pytest

from automl_cv_client import AsyncClient, Task
from automl_cv_client._streaming.limit import Sent, Verdict
from automl_cv_client._streaming.shared_limit import (
    Coordinator,
    Following,
    Lease,
    Report,
    Share,
    fairly_divided,
)
from automl_cv_client.errors import BatchError
from automl_cv_client.integrations.endpoint import Endpoint
from automl_cv_client.integrations.ray import Scorer, Settings, SharedLimit
from tests.capped import CappedServer, capped
from tests.integrations.test_arrow import png

HOP = 0.005  # seconds a report takes to the coordinator


class Simulation:
    """Workers that send as fast as their share allows, to an endpoint that takes ``cap(now)`` at once.

    ``work(name, now)`` is how many images a worker has; each reports as its lease says, or after a refusal.
    """

    def __init__(
        self,
        workers: int,
        cap: Callable[[float], int],
        coordinator: Callable[[Callable[[], float]], Coordinator] = lambda clock: Coordinator(clock=clock),
        work: Callable[[int, float], int] = lambda worker, now: 1000,
        service: float = 0.2,
    ) -> None:
        self.now = 0.0
        self.cap, self.work, self.service = cap, work, service
        self.coordinator = coordinator(lambda: self.now)
        self.shares = [Share() for _ in range(workers)]
        self.answers: list[tuple[float, Verdict]] = []
        self.most_in_service = 0
        self._serving = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        for worker in range(workers):
            self._at(worker * 0.03, lambda worker=worker: self._report(worker))  # type: ignore[misc]

    def run(self, seconds: float) -> None:
        while self.now < seconds:
            for worker in range(len(self.shares)):
                self._send(worker)
            self.now, _, event = heapq.heappop(self._events)
            event()

    def share_of_capacity(self, since: float, until: float, cap: int) -> float:
        good = sum(since <= at < until and verdict is Verdict.FINE for at, verdict in self.answers)
        return good / ((until - since) / self.service * cap)

    def refused(self, since: float = 0.0) -> float:
        late = [verdict for at, verdict in self.answers if at >= since]
        return late.count(Verdict.TOO_MUCH) / len(late)

    def _at(self, seconds: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), event))

    def _send(self, worker: int) -> None:
        share = self.shares[worker]
        while share.in_flight < min(share.limit, self.work(worker, self.now)):
            share.in_flight += 1
            sent = share.sent(self.now)
            taken = self._serving < self.cap(self.now)
            self._serving += taken
            self.most_in_service = max(self.most_in_service, self._serving)
            seconds = self.service * random.Random(next(self._numbers)).uniform(0.9, 1.1) if taken else 0.002
            self._at(seconds, lambda sent=sent, taken=taken: self._answered(worker, sent, taken))  # type: ignore[misc]

    def _answered(self, worker: int, sent: Sent, taken: bool) -> None:
        share = self.shares[worker]
        share.in_flight -= 1
        self._serving -= taken
        verdict = Verdict.FINE if taken else Verdict.TOO_MUCH
        share.answered(sent, verdict, self.now)
        self.answers.append((self.now, verdict))
        if not taken:
            self._report(worker, again=False)

    def _report(self, worker: int, *, again: bool = True) -> None:
        share = self.shares[worker]
        report = share.report(self.work(worker, self.now), None)
        self._at(HOP, lambda: self._arrives(worker, report, again))

    def _arrives(self, worker: int, report: Report, again: bool) -> None:
        lease = self.coordinator.report(str(worker), report)
        self._at(HOP, lambda: self._follows(worker, lease, again))

    def _follows(self, worker: int, lease: Lease, again: bool) -> None:
        self.shares[worker].follow(lease)
        if again:
            self._at(lease.report_in, lambda: self._report(worker))


@pytest.mark.parametrize("workers", [1, 2, 4, 16])
@pytest.mark.parametrize("cap", [2, 8, 30])
def test_an_unknown_cap_is_used_and_hardly_ever_passed(workers: int, cap: int) -> None:
    simulation = Simulation(workers, lambda now: cap)
    simulation.run(60)
    assert simulation.share_of_capacity(15, 60, cap) >= 0.9
    assert simulation.refused(15) <= 0.02
    assert simulation.refused() <= 0.03


def test_a_cap_that_doubles_is_found_and_one_that_is_halved_is_obeyed() -> None:
    simulation = Simulation(4, lambda now: 8 if now < 20 or now >= 50 else 16)
    simulation.run(80)
    assert simulation.share_of_capacity(30, 50, 16) >= 0.88
    assert simulation.share_of_capacity(60, 80, 8) >= 0.88
    assert simulation.refused() <= 0.03


def test_what_is_known_is_used_from_the_beginning_and_never_passed() -> None:
    simulation = Simulation(4, lambda now: 8, lambda clock: Coordinator(8, is_known=True, clock=clock))
    simulation.run(20)
    assert simulation.share_of_capacity(1, 20, 8) >= 0.95
    assert (simulation.refused(), simulation.most_in_service) == (0, 8)


def test_shares_follow_the_work() -> None:
    """Of four workers, one at a time has nothing to do, as one that waits for its next block; at the end three."""

    def work(worker: int, now: float) -> int:
        idle = worker > 0 if now > 30 else worker == int(now / 2) % 4
        return 0 if idle else 20

    simulation = Simulation(4, lambda now: 8, lambda clock: Coordinator(8, is_known=True, clock=clock), work)
    simulation.run(40)
    assert simulation.share_of_capacity(1, 30, 8) >= 0.9  # an equal share for each: 0.75
    assert simulation.share_of_capacity(33, 40, 8) >= 0.9  # … and 0.25
    assert simulation.most_in_service == 8


def test_with_fewer_slots_than_workers_nobody_starves() -> None:
    sent = [0] * 5
    simulation = Simulation(5, lambda now: 2, lambda clock: Coordinator(2, is_known=True, clock=clock))
    for second in range(1, 61):
        simulation.run(second)
        for worker, share in enumerate(simulation.shares):
            sent[worker] += share.limit > 0
    assert min(sent) >= 15  # of 60; an even share were 24
    assert simulation.share_of_capacity(1, 60, 2) >= 0.9


def test_what_is_lent_is_never_more_than_the_limit() -> None:
    """Whatever is reported, in any order, by workers that keep to their shares; and by one that dies."""
    chance = random.Random(7)
    now = 0.0
    coordinator = Coordinator(12, is_known=True, clock=lambda: now)
    shares, in_flight = [0] * 6, [0] * 6
    for step in range(20_000):
        now += chance.random() * 0.02
        worker = chance.randrange(5 if 5000 < step < 5500 else 6)  # the last one is not heard of for a while
        in_flight[worker] = chance.randint(0, max(shares[worker], in_flight[worker]))
        wants = in_flight[worker] + chance.choice([0, 0, 1, 30])
        report = Report(shares[worker], in_flight[worker], in_flight[worker], wants)
        shares[worker] = coordinator.report(str(worker), report).share
        heard = 5 if 5300 < step < 5500 else 6
        held = [max(share, sent) for share, sent in zip(shares[:heard], in_flight[:heard], strict=True)]
        if step < 5300 or step > 5700:  # while the one that came back still holds what went to the others
            assert sum(held) <= 12, (step, shares, in_flight)


def test_equal_shares_and_nobody_gets_more_than_it_wants() -> None:
    assert fairly_divided(8, [9, 9, 9, 9]) == [2, 2, 2, 2]
    assert fairly_divided(8, [1, 9, 0, 9]) == [1, 4, 0, 3]
    assert fairly_divided(8, [1, 2]) == [1, 2]
    assert fairly_divided(2, [5, 5, 5]) == [1, 1, 0]
    assert fairly_divided(3, []) == []


class Team:
    """Workers with a client each in one event loop, and a coordinator that can be reached or not."""

    def __init__(self, server: CappedServer, workers: int) -> None:
        self.coordinator: Coordinator | None = Coordinator()
        self.reports = 0
        self.clients = [AsyncClient(server.url, "key") for _ in range(workers)]
        self.shares = [Share() for _ in range(workers)]
        self.runs = [client.stream("image-object-detection") for client in self.clients]
        self.following = [
            Following(str(worker), run._begin_with(share), share, self.ask)
            for worker, (run, share) in enumerate(zip(self.runs, self.shares, strict=True))
        ]

    async def ask(self, name: str, report: Report) -> Lease:
        await asyncio.sleep(0.002)
        self.reports += 1
        if self.coordinator is None:
            raise ConnectionError("gone")
        return self.coordinator.report(name, report)

    async def score(self, worker: int, images: list[Any]) -> list[Any]:
        with self.following[worker]:
            return await self.runs[worker].score(images)

    async def close(self) -> None:
        for client in self.clients:
            await client.close()


def test_workers_share_over_real_http() -> None:
    with capped(cap=6, service=0.02) as server:

        async def main() -> None:
            team = Team(server, 3)
            batches = [team.score(worker, [png(worker)] * 40) for worker in range(3) for _ in range(2)]
            for outcomes in await asyncio.gather(*batches):
                assert [outcome.ok for outcome in outcomes] == [True] * 40
            assert team.coordinator is not None
            for _ in range(1000):  # all give back what they have
                if team.coordinator.stats().workers:
                    await asyncio.sleep(0.02)
            stats = team.coordinator.stats()
            assert stats.answers == len(server.answers)
            assert stats.refused == server.statuses()[429] <= 15
            idle = team.reports
            await asyncio.sleep(0.3)
            assert team.reports == idle  # who has no work does not report
            assert [outcome.ok for outcome in await team.score(0, [png(0)] * 3)] == [True] * 3
            await team.close()

        asyncio.run(main())
        assert server.most_in_flight <= 6


def test_actors_score_with_a_limit_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs in Ray's actors, with a coordinator beside them."""
    monkeypatch.setenv("CATS_KEY", "key")
    coordinator = Coordinator(4, is_known=True)

    class Beside(SharedLimit):
        async def report(self, name: str, report: Report) -> Lease:
            return coordinator.report(name, report)

    with capped(cap=4, service=0.01) as server:
        settings = Settings(Task.DETECTION, Endpoint(uri=server.url, key_env="CATS_KEY"), "image", limit=Beside())

        async def main() -> None:
            scorers = [Scorer(settings) for _ in range(3)]
            batches = [scorer(pa.table({"image": [png(1)] * 20})) for scorer in scorers for _ in range(2)]
            tables = await asyncio.gather(*(anext(batch) for batch in batches))
            assert [table["status"].to_pylist() for table in tables] == [["ok"] * 20] * 6
            for scorer in scorers:
                await scorer._client.close()

        asyncio.run(main())
        assert server.statuses()[429] == 0
        assert server.most_in_flight == 4
        assert coordinator.stats().answers > 60


def test_a_coordinator_that_is_gone_holds_nobody_up_and_one_that_is_back_is_followed() -> None:
    with capped(cap=6, service=0.01) as server:

        async def main() -> None:
            team = Team(server, 2)
            team.coordinator = None
            outcomes = await asyncio.gather(*(team.score(worker, [png(worker)] * 20) for worker in range(2)))
            assert all(outcome.ok for batch in outcomes for outcome in batch)
            assert [share.limit for share in team.shares] == [1, 1]  # half of nothing is still one
            team.coordinator = Coordinator()
            outcomes = await asyncio.gather(*(team.score(worker, [png(worker)] * 150) for worker in range(2)))
            assert all(outcome.ok for batch in outcomes for outcome in batch)  # alone that were 1.5 s; it is asked each
            assert team.coordinator.stats().answers > 0
            await team.close()

        asyncio.run(main())


def test_half_of_the_last_share_is_kept_and_adapts_downwards() -> None:
    share = Share()
    share.follow(Lease(8, 3, 0.1))
    share.stand_alone()
    assert share.limit == 4
    share.answered(share.sent(1.0), Verdict.TOO_MUCH, 1.1)
    assert share.limit < 4
    share.follow(Lease(6, 4, 0.1))
    assert share.limit == 6


def test_a_refusal_that_comes_while_the_lease_is_on_its_way_counts() -> None:
    share = Share()
    share.follow(Lease(3, 1, 0.1))
    sent = share.sent(1.0)
    share.report(5, None)
    share.answered(sent, Verdict.TOO_MUCH, 1.1)
    share.follow(Lease(3, 1, 0.1))  # of the report before
    assert share.limit == 2
    assert [answer.refused for answer in share.report(5, None).answers] == [True]


def test_who_uses_no_engine_loads_nothing_of_them() -> None:
    script = """
import sys
import automl_cv_client
first = [name for name in sys.modules if "integrations" in name]
import automl_cv_client.integrations.ray, automl_cv_client.integrations.spark, automl_cv_client.batch
print(first, {"ray", "pyspark", "pyarrow"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[] set()\n"


def test_one_refused_key_ends_the_work_of_all() -> None:
    with capped(service=0.02) as server:
        server.judge = lambda body, number: 200 if number < 60 else 401

        async def main() -> None:
            team = Team(server, 4)
            ended = await asyncio.gather(
                *(team.score(worker, [png(worker)] * 400) for worker in range(4)), return_exceptions=True
            )
            assert [type(end) for end in ended] == [BatchError] * 4
            await team.close()

        asyncio.run(main())
        assert server.statuses()[401] <= 25

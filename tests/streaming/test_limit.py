"""The adaptive limit against simulated endpoints: no sockets, no clock but the simulation's."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import pytest

from automl_cv_client._streaming.breaker import Breaker
from automl_cv_client._streaming.limit import AdaptiveLimit, Sent, Verdict
from automl_cv_client._streaming.traffic import Pace


class Simulation:
    """Sends as fast as the limit allows to an endpoint that takes ``cap(now)`` at once."""

    def __init__(self, limit: AdaptiveLimit, cap: Callable[[float], int], service: float, servers: int = 1000) -> None:
        self.limit, self.cap, self.service, self.servers = limit, cap, service, servers
        self.answers: list[tuple[float, Verdict]] = []

    def run(self, seconds: float) -> None:
        events: list[tuple[float, int, Sent, Verdict]] = []
        now, number = 0.0, 0
        serving: list[float] = []  # when each request in service ends
        while now < seconds:
            while self.limit.in_flight < self.limit.limit:
                number += 1
                self.limit.in_flight += 1
                sent = self.limit.sent(now)
                serving = [end for end in serving if end > now]
                if len(serving) >= self.cap(now):
                    heapq.heappush(events, (now + 0.002, number, sent, Verdict.TOO_MUCH))
                    continue
                queued = sorted(serving)
                free_at = now if len(queued) < self.servers else queued[len(queued) - self.servers]
                serving.append(free_at + self.service)
                heapq.heappush(events, (free_at + self.service, number, sent, Verdict.FINE))
            now, _, sent, verdict = heapq.heappop(events)
            self.limit.in_flight -= 1
            self.limit.answered(sent, verdict, now)
            self.answers.append((now, verdict))

    def share_of_capacity(self, since: float, until: float, cap: int) -> float:
        good = sum(since <= at < until and verdict is Verdict.FINE for at, verdict in self.answers)
        return good / ((until - since) / self.service * cap)

    def refused(self, since: float) -> float:
        late = [verdict for at, verdict in self.answers if at >= since]
        return late.count(Verdict.TOO_MUCH) / len(late)


@pytest.mark.parametrize("service", [0.05, 0.5])
@pytest.mark.parametrize("cap", [1, 2, 6, 20])
def test_an_unknown_cap_is_used_and_hardly_ever_passed(cap: int, service: float) -> None:
    simulation = Simulation(AdaptiveLimit(64), lambda now: cap, service)
    ramp = 200 * service
    simulation.run(ramp * 4)
    assert simulation.share_of_capacity(ramp, ramp * 4, cap) >= 0.93
    assert simulation.refused(ramp) <= 0.02


@pytest.mark.parametrize("cap", [2, 6, 20])
def test_a_doubled_cap_is_found_within_ten_seconds(cap: int) -> None:
    simulation = Simulation(AdaptiveLimit(64), lambda now: cap if now < 15 else 2 * cap, 0.05)
    simulation.run(35)
    assert simulation.share_of_capacity(25, 35, 2 * cap) >= 0.93


def test_a_halved_cap_is_obeyed() -> None:
    simulation = Simulation(AdaptiveLimit(64), lambda now: 20 if now < 10 else 10, 0.05)
    simulation.run(30)
    assert simulation.share_of_capacity(20, 30, 10) >= 0.93
    assert simulation.refused(20) <= 0.02


def test_rising_latency_lowers_the_limit() -> None:
    """A server that never refuses but queues: 4 workers."""
    limit = AdaptiveLimit(200)
    simulation = Simulation(limit, lambda now: 10_000, 0.2, servers=4)
    simulation.run(60)
    assert 4 <= limit.limit <= 4 * 4
    assert simulation.share_of_capacity(20, 60, 4) >= 0.93


def test_a_few_slow_answers_are_no_queue() -> None:
    """After a quick start half of each round waits a second, as on a machine that became busy with other things."""
    limit, now = AdaptiveLimit(64), 0.0
    limits: list[int] = []
    for turn in range(100):
        limit.in_flight = limit.limit
        for number, sent in enumerate([limit.sent(now) for _ in range(limit.limit)]):
            limit.answered(sent, Verdict.FINE, now + (1.0 if turn > 5 and number % 2 else 0.05))
        now += 1.0
        limits.append(limit.limit)
    assert limits == sorted(limits)
    assert limits[-1] == 64


def test_the_users_cap_holds() -> None:
    limit = AdaptiveLimit(5)
    Simulation(limit, lambda now: 100, 0.05).run(5)
    assert limit.limit == 5
    assert AdaptiveLimit(1).limit == 1


def test_refusals_of_one_burst_count_once() -> None:
    limit = AdaptiveLimit(64)
    limit.limit = limit.in_flight = 10
    burst = [limit.sent(0.0) for _ in range(10)]
    for sent in burst:
        limit.answered(sent, Verdict.TOO_MUCH, 0.1)
    assert limit.limit == 8


def test_the_breaker_opens_at_five_refusals_in_a_row() -> None:
    breaker = Breaker()
    for now, status in enumerate((401, 401, 401, 401, 200, 401, 401, 401, 401)):
        breaker.answered(status, now - 0.5, now)
        assert breaker.open is None
    assert breaker.suspicious
    breaker.answered(200, 0.0, 20.0)  # it left before the refusals began, and says nothing
    breaker.answered(401, 8.0, 21.0)
    assert breaker.open is not None
    assert "401" in breaker.open


def test_refusals_of_requests_that_were_in_flight_together_count_once() -> None:
    """They share one token, which may be replaced; those that leave after the first refusal tell."""
    breaker = Breaker()
    for number in range(64):
        breaker.answered(401, 9.0, 10.0 + number / 100)
    assert breaker.open is None
    assert breaker.suspicious
    for now in range(11, 15):
        assert breaker.open is None
        breaker.answered(401, float(now), now + 0.5)
    assert breaker.open is not None


def test_the_breaker_waits_half_a_minute_for_a_dead_endpoint() -> None:
    breaker = Breaker()
    for second in range(30):
        breaker.failed(second)
        assert breaker.open is None
    breaker.failed(30)
    assert breaker.open is not None
    assert "cannot be reached" in breaker.open


def test_an_endpoint_that_cannot_be_reached_is_tried_once_a_second() -> None:
    breaker = Breaker()
    for number in range(9):
        breaker.failed(number / 100)
        assert breaker.wait(number / 100) == 0.0
    breaker.failed(0.1)
    assert breaker.wait(0.1) == pytest.approx(1.0)
    assert breaker.wait(0.6) == pytest.approx(0.5)
    assert breaker.wait(1.2) == 0.0
    breaker.answered(503, 1.2, 1.3)  # something answers
    assert breaker.wait(1.3) == 0.0
    assert not breaker.suspicious


def test_a_patient_breaker_waits_five_minutes_for_a_container_that_starts() -> None:
    breaker = Breaker(patient=True)
    for second in range(300):
        breaker.answered(503, second - 0.5, second, away=True)
        assert breaker.open is None
        assert breaker.away is (second >= 9)
    breaker.failed(299.5)  # its connections have been failing for a moment only
    assert breaker.open is None
    breaker.answered(503, 299.6, 300, away=True)
    assert breaker.open is not None
    assert "503" in breaker.open


def test_any_other_answer_ends_the_wait_of_a_patient_breaker() -> None:
    breaker = Breaker(patient=True)
    for second in range(20):
        breaker.answered(503, second - 0.5, second, away=True)
    assert breaker.wait(19.25) == pytest.approx(0.75)
    breaker.answered(424, 20.0, 20.5)
    assert not breaker.away
    assert breaker.wait(20.5) == 0.0


@pytest.mark.bar(25)
@pytest.mark.parametrize("late", [0.003, 0.045])
def test_the_pace_is_kept_also_with_late_wake_ups(late: float) -> None:
    pace, now, sent = Pace(1000.0), 0.0, 0
    while now < 20:
        pace.spend(70, now)
        sent += 70
        now += pace.wait(now) + late
    assert sent == pytest.approx(20 * 1000, rel=0.05)


def test_a_stall_is_not_followed_by_a_burst() -> None:
    pace, now, left = Pace(1000.0), 0.0, list[float]()
    for number in range(60):
        pace.spend(70, now)
        left.append(now)
        now += pace.wait(now) + (2.0 if number % 20 == 0 else 0.0)
    for first, start in enumerate(left):
        for count, end in enumerate(left[first:], start=1):
            assert 70 * (count - 1) <= 1000.0 * (end - start + 0.05) + 1e-6


def test_one_request_that_is_refused_though_alone_holds_the_next_back() -> None:
    limit = AdaptiveLimit(64)
    limit.limit = 1
    now, sent = 0.0, 0
    while now < 10:
        assert limit.wait(now) == pytest.approx(0)
        limit.answered(limit.sent(now), Verdict.TOO_MUCH, now + 0.001)
        sent += 1
        now += 0.001 + limit.wait(now + 0.001)
    assert sent <= 14  # 10,000 at full speed
    assert limit.wait(now - 0.5) <= 1.0
    limit.answered(limit.sent(now), Verdict.FINE, now + 0.2)
    assert limit.wait(now + 0.2) == 0
    limit.limit = 1
    limit.answered(limit.sent(now), Verdict.TOO_MUCH, now + 1)
    assert limit.wait(now + 1) == pytest.approx(0.1)  # the next time begins anew

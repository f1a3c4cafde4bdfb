"""The flow stepped by hand: no sockets, no waiting, a clock that goes as we say."""

from __future__ import annotations

import pytest

from automl_cv_client import RetryPolicy, Task, errors
from automl_cv_client._flow.call_settings import CAPACITY, COST, CallSettings, RetryBudget
from automl_cv_client._flow.effects import Authorize, Call, Send, Sleep
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._flow.scoring import score_one
from automl_cv_client._protocol.messages import Reply, Request
from tests.servers import boxes

URL = "https://example.org/score"


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def settings_with(clock: Clock, **options: object) -> CallSettings:
    return CallSettings(URL, clock, **options)  # type: ignore[arg-type]


def test_a_call_from_image_to_result(image: bytes) -> None:
    flow = score_one(bytearray(image), Task.DETECTION, settings_with(Clock(), deployment="green"))
    prepare = next(flow)
    assert isinstance(prepare, Call)
    assert isinstance(flow.send(prepare.function()), Authorize)
    sent = flow.send("Bearer k")
    assert isinstance(sent, Send)
    assert sent.request.headers["authorization"] == "Bearer k"
    assert sent.request.headers["azureml-model-deployment"] == "green"
    assert sent.request.headers["content-type"] == "application/json"
    assert sent.limit == 200
    pause = flow.send(Reply(429, {"retry-after": "7"}))
    assert pause == Sleep(7.0)
    assert isinstance(flow.send(None), Authorize)
    assert isinstance(flow.send("Bearer k"), Send)
    with pytest.raises(StopIteration) as stop:
        flow.send(Reply(200, {}, boxes("cat")))
    assert stop.value.value[0].label == "cat"
    assert stop.value.value.call.attempts == 2


def test_a_refused_token_is_replaced_once_within_an_attempt() -> None:
    flow = Conversation(settings_with(Clock()), "id").send(Request(URL))
    next(flow)
    flow.send("Bearer old")
    asked = flow.send(Reply(401))
    assert isinstance(asked, Authorize)
    assert asked.refused == "Bearer old"
    again = flow.send("Bearer new")
    assert isinstance(again, Send)
    assert again.request.headers["authorization"] == "Bearer new"
    with pytest.raises(errors.AuthenticationFailed):
        flow.send(Reply(401))


def test_time_that_is_left_bounds_each_attempt() -> None:
    clock = Clock()
    flow = Conversation(settings_with(clock, deadline=10, timeout=8, retry=RetryPolicy(backoff=0)), "id").send(
        Request(URL)
    )
    next(flow)
    first = flow.send("Bearer k")
    assert isinstance(first, Send)
    assert first.limit == 8
    clock.now += 7
    flow.send(Reply(503))
    flow.send(None)
    second = flow.send("Bearer k")
    assert isinstance(second, Send)
    assert second.limit == 3
    clock.now += 4
    with pytest.raises(errors.ServiceUnavailable):
        flow.send(Reply(503))


def test_a_deadline_that_ends_a_slow_attempt_is_named() -> None:
    clock = Clock()
    flow = Conversation(settings_with(clock, deadline=5), "id").send(Request(URL))
    next(flow)
    flow.send("Bearer k")
    clock.now += 5
    with pytest.raises(errors.DeadlineExceeded, match="deadline of 5 s") as caught:
        flow.throw(errors.TimedOut("slow"))
    assert caught.value.elapsed == 5
    assert caught.value.attempts == 1


def requests_of(settings: CallSettings, status: int) -> int:
    """Requests that a call sends when every answer has this status; no pause is slept."""
    flow = Conversation(settings, "id").send(Request(URL))
    sent, effect = 0, next(flow)
    try:
        while True:
            if isinstance(effect, Send):
                sent += 1
                effect = flow.send(Reply(status, {}, boxes("cat")))
            else:
                effect = flow.send("Bearer k" if isinstance(effect, Authorize) and effect.refused is None else None)
    except (StopIteration, errors.StatusError):
        return sent


@pytest.mark.bar(7)
def test_an_outage_costs_at_most_a_tenth_more() -> None:
    settings = settings_with(Clock())
    assert sum(requests_of(settings, 503) for _ in range(1000)) <= 1100
    assert requests_of(settings, 200) == 1  # and service is back at once


def test_a_success_pays_its_retries_back() -> None:
    budget = RetryBudget()
    for _ in range(CAPACITY // COST):
        assert budget.take(COST)
    assert not budget.take(COST)
    budget.give_back(COST)
    assert budget.take(COST)


def test_interactive_calls_survive_30_percent_failures() -> None:
    import random

    dice = random.Random(11)
    settings, won = settings_with(Clock()), 0
    for _ in range(10_000):
        flow = Conversation(settings, "id").send(Request(URL))
        effect = next(flow)
        try:
            while True:
                if isinstance(effect, Send):
                    effect = flow.send(Reply(503 if dice.random() < 0.3 else 200))
                else:
                    effect = flow.send("Bearer k")
        except StopIteration:
            won += 1
        except errors.ServiceUnavailable:
            pass
    assert won >= 9_900


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"attempts": 101}, {"backoff": -1}, {"backoff": float("inf")}, {"a": 1}]
)
def test_a_policy_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(errors.InvalidInput, match=next(iter(wrong))):
        RetryPolicy(**wrong)  # type: ignore[arg-type]

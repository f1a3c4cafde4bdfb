"""What answers teach a run: stepped by hand."""

from __future__ import annotations

import threading

import pytest

from automl_cv_client import Scored, Task
from automl_cv_client._flow.effects import Flow, Send, authorize, send
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._streaming.job import ReorderBuffer
from automl_cv_client._streaming.throttle import Batch, Stopped, Throttle, Turn
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client.errors import ConnectionFailed, TimedOut
from automl_cv_client.testing.script import usual


def grown() -> Traffic:
    """Traffic whose limit has grown to five."""
    traffic = Traffic(64, None, clock=lambda: 0.0)
    while traffic.limit < 5:
        sent = []
        for _ in range(traffic.limit):
            traffic.take()
            sent.append(traffic.sent(10))
        for request in sent:
            traffic.answered(request, Reply(200))
            traffic.leave()
    return traffic


@pytest.mark.parametrize(
    ("status", "headers", "lowers"),
    [
        (429, {}, True),
        (408, {}, True),
        (504, {}, True),
        (424, {"ms-azureml-model-error-statuscode": "429"}, True),
        (424, {"ms-azureml-model-error-reason": "too_few_model_instance"}, True),
        (424, {"ms-azureml-model-error-statuscode": "500"}, False),
        (424, {"ms-azureml-model-error-reason": "model_not_ready"}, False),
        (500, {}, False),
        (503, {}, False),
    ],
)
def test_which_answers_lower_the_limit(status: int, headers: dict[str, str], lowers: bool) -> None:
    traffic = grown()
    traffic.take()
    traffic.answered(traffic.sent(10), Reply(status, headers))
    assert (traffic.limit < 5) is lowers
    assert traffic.refused == (status == 429)


@pytest.mark.parametrize(("error", "lowers"), [(TimedOut("slow"), True), (ConnectionFailed("away"), False)])
def test_which_failures_lower_the_limit(error: Exception, lowers: bool) -> None:
    traffic = grown()
    traffic.take()
    traffic.failed(traffic.sent(10), error)
    assert (traffic.limit < 5) is lowers


def throttle_of(traffic: Traffic) -> Throttle:
    return Throttle(traffic, b"", threading.Event)


def test_groups_that_pause_bound_what_is_read() -> None:
    """Or an outage would read the whole source. A batch of its own that has nothing in work may always read one."""
    traffic = Traffic(4, None, clock=lambda: 0.0)
    batch, other = Batch(throttle_of(traffic)), Batch(throttle_of(traffic))
    batch.active = 1
    traffic.active = 4 * 4 + 7
    assert batch.wants_more
    traffic.active += 1
    assert not batch.wants_more
    assert other.wants_more


def test_one_slow_image_bounds_what_waits_behind_it() -> None:
    cat = usual(Task.DETECTION)
    line = ReorderBuffer(ordered=True, longest=3)
    assert line.enter(3) == 0
    assert line.full
    line.add([Scored(1, "b", cat), Scored(2, "c", cat)])
    assert line.full
    assert line.ripe() == []
    line.add([Scored(0, "a", cat)])
    assert not line.full
    assert [outcome.index for outcome in line.ripe()] == [0, 1, 2]
    free = ReorderBuffer(ordered=False, longest=3)
    free.enter(100)
    assert not free.full


def test_who_comes_to_a_stopped_batch_has_no_turn() -> None:
    """Though there is a free place: its image was still being prepared when the run was drained."""
    batch = Batch(throttle_of(Traffic(4, None, clock=lambda: 0.0)))
    turn = Turn(batch)
    batch.stop()
    flow = turn.throttled(authorize(None, 1.0))
    with pytest.raises(Stopped):
        next(flow)
    turn.end()
    turn.end()
    assert (batch.waiting, batch.active, batch.throttle.traffic.in_flight) == (0, 0, 0)


def test_the_batch_with_the_fewest_in_flight_has_the_next_place() -> None:
    """One image does not wait for the many that came before it."""
    throttle = throttle_of(Traffic(2, None, clock=lambda: 0.0))
    large, small = Batch(throttle), Batch(throttle)

    def flow() -> Flow[None]:
        yield from authorize(None, 1.0)
        yield from send(Request("http://x"), 1.0)

    def begun(batch: Batch) -> Flow[None]:
        held_back = Turn(batch).throttled(flow())
        next(held_back)
        return held_back

    first, *_ = [begun(large) for _ in range(6)]
    begun(small)
    assert (large.in_flight, small.in_flight, throttle.traffic.in_flight) == (2, 0, 2)
    assert first.send("a key") == Send(Request("http://x"), 1.0)
    first.send(Reply(200))
    assert (large.in_flight, small.in_flight, throttle.traffic.in_flight) == (1, 1, 2)

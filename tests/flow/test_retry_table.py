"""Which answers are retried, row by row, over real HTTP, with both clients."""

from __future__ import annotations

import pickle
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import tenacity

from automl_cv_client import RetryPolicy, errors
from tests.conftest import Caller
from tests.servers import Answer, Drip, Reset, ScriptedServer, Silence, Truncated, boxes
from tests.timing import Stopwatch, is_within

QUICK = RetryPolicy(attempts=5, backoff=0.001, longest_backoff=0.002, longest_retry_after=0.05)
OK = Answer(200, boxes("cat"))


def failed(model_status: int | None = None, reason: str | None = None) -> Answer:
    """The front end's 424."""
    headers = {}
    if model_status is not None:
        headers["ms-azureml-model-error-statuscode"] = str(model_status)
    if reason is not None:
        headers["ms-azureml-model-error-reason"] = reason
    return Answer(424, b"", headers)


RAISED = {"x-ms-run-function-failed": "True"}

OFTEN, ONCE, NEVER = 5, 2, 1
"""Requests that go out in all when the answer never changes."""


@dataclass(frozen=True)
class Row:
    name: str
    step: Answer
    requests: int
    error: type[errors.AutoMLVisionError]


ROWS = [
    Row("reset before the answer", Reset(), OFTEN, errors.ConnectionFailed),
    Row("truncated body", Truncated(200, b"[{"), OFTEN, errors.ConnectionFailed),
    Row("no answer in time", Silence(), ONCE, errors.TimedOut),
    Row("400", Answer(400), NEVER, errors.StatusError),
    Row("401 with a key", Answer(401), NEVER, errors.AuthenticationFailed),
    Row("403", Answer(403), NEVER, errors.PermissionDenied),
    Row("404", Answer(404), NEVER, errors.EndpointNotFound),
    Row("408", Answer(408), ONCE, errors.StatusError),
    Row("409", Answer(409), NEVER, errors.StatusError),
    Row("413", Answer(413), NEVER, errors.PayloadTooLarge),
    Row("415", Answer(415), NEVER, errors.StatusError),
    Row("422", Answer(422), NEVER, errors.StatusError),
    Row("424, nothing told", failed(), ONCE, errors.ModelError),
    Row("424, model 500", failed(500, "model_error"), ONCE, errors.ModelError),
    Row("424, model 502", failed(502), ONCE, errors.ModelError),
    Row("424, model 408", failed(408), OFTEN, errors.ModelError),
    Row("424, model 429", failed(429), OFTEN, errors.ModelError),
    Row("424, model 503", failed(503), OFTEN, errors.ModelError),
    Row("424, model 504", failed(504), OFTEN, errors.ModelError),
    Row("424, not ready", failed(None, "model_not_ready"), OFTEN, errors.ModelError),
    Row("424, not ready, model 400", failed(400, "model_not_ready"), OFTEN, errors.ModelError),
    Row("424, too few instances", failed(None, "too_few_model_instance"), OFTEN, errors.ModelError),
    Row("424, model 400", failed(400, "model_error"), NEVER, errors.ModelError),
    Row("424, model 404", failed(404), NEVER, errors.ModelError),
    Row("424, model 415", failed(415), NEVER, errors.ModelError),
    Row(
        "424, nonsense status", Answer(424, b"", {"ms-azureml-model-error-statuscode": "NaN"}), ONCE, errors.ModelError
    ),
    Row("429", Answer(429), OFTEN, errors.Throttled),
    Row("429, empty body", Answer(429, b"", {"content-type": "text/plain"}), OFTEN, errors.Throttled),
    Row("500", Answer(500), OFTEN, errors.ServiceUnavailable),
    Row("500, the script raised", Answer(500, b"", RAISED), ONCE, errors.ServiceUnavailable),
    Row("503, the script raised", Answer(503, b"", RAISED), ONCE, errors.ServiceUnavailable),
    Row("500, it did not", Answer(500, b"", {"x-ms-run-function-failed": "False"}), OFTEN, errors.ServiceUnavailable),
    Row("501", Answer(501), NEVER, errors.StatusError),
    Row("502", Answer(502), ONCE, errors.ServiceUnavailable),
    Row("503", Answer(503), OFTEN, errors.ServiceUnavailable),
    Row("504", Answer(504), ONCE, errors.ServiceUnavailable),
    Row("301", Answer(301, b"", {"location": "/other"}), NEVER, errors.StatusError),
    Row("307", Answer(307, b"", {"location": "/other"}), NEVER, errors.StatusError),
    Row("308", Answer(308, b"", {"location": "/other"}), NEVER, errors.StatusError),
    Row("204", Answer(204, b""), NEVER, errors.StatusError),
    Row("200, not JSON", Answer(200, b"<html>"), NEVER, errors.UnexpectedReply),
    Row("200, another task", Answer(200, b'[{"probs": [1], "labels": ["a"]}]'), NEVER, errors.UnexpectedReply),
    Row("200, row dropped", Answer(200, b"[]"), NEVER, errors.ImageDropped),
    Row("200, too many rows", Answer(200, b'[{"boxes": []}, {"boxes": []}]'), NEVER, errors.UnexpectedReply),
    Row("200, unknown compression", Answer(200, b"x", {"content-encoding": "br"}), NEVER, errors.UnexpectedReply),
]


@pytest.mark.bar(4)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row(row: Row, call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [row.step]
    timeout = 0.15 if isinstance(row.step, Silence) else 5
    with pytest.raises(row.error) as caught:
        call(server.url, "detect", image, retry=QUICK, timeout=timeout)
    assert type(caught.value) is row.error
    assert len(server.received) == row.requests
    assert isinstance(caught.value, errors.CallError)
    assert caught.value.attempts == row.requests
    assert str(caught.value.client_request_id) in str(caught.value)
    assert {request.headers["x-ms-client-request-id"] for request in server.received} == {
        caught.value.client_request_id
    }


@pytest.mark.bar(21)
@pytest.mark.parametrize("row", [row for row in ROWS if row.step.status != 200], ids=lambda row: row.name)
def test_a_failure_carries_what_support_asks_for(row: Row, call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [replace(row.step, headers={**row.step.headers, "x-ms-request-id": "of-the-service"})]
    with pytest.raises(errors.StatusError) as caught:
        call(server.url, "detect", image, retry=QUICK)
    error = caught.value
    assert (error.status, error.request_id) == (row.step.status, "of-the-service")
    if isinstance(error, errors.ModelError):
        model_status = row.step.headers.get("ms-azureml-model-error-statuscode", "")
        assert str(error.model_status or "NaN") in (model_status, "NaN")
        assert error.reason == row.step.headers.get("ms-azureml-model-error-reason")
    assert error.attempts == row.requests
    assert error.elapsed > 0
    assert error.client_request_id
    assert server.url in str(error)
    assert "of-the-service" in str(error)
    assert error.client_request_id in str(error)
    assert repr(pickle.loads(pickle.dumps(error))) == repr(error)


@pytest.mark.bar(4)
@pytest.mark.parametrize("row", [row for row in ROWS if row.requests > 1], ids=lambda row: row.name)
def test_a_passing_failure_is_survived(row: Row, call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [row.step, OK]
    timeout = 0.3 if isinstance(row.step, Silence) else 5
    found = call(server.url, "detect", image, retry=QUICK, timeout=timeout)
    assert found[0].label == "cat"
    assert found.call.attempts == 2


@pytest.mark.bar(4)
def test_a_server_that_is_down_is_asked_as_often_as_allowed(call: Caller, server: ScriptedServer, image: bytes) -> None:
    url = server.url
    server.stop()
    with pytest.raises(errors.ConnectionFailed, match=r"cannot connect to 127\.0\.0\.1") as caught:
        call(url, "detect", image, retry=QUICK)
    assert caught.value.attempts == 5
    server.stop = lambda: None  # type: ignore[method-assign]


def test_a_script_that_raised_is_named(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(500, b"", RAISED)]
    with pytest.raises(
        errors.ServiceUnavailable, match="the scoring script raised an exception: see the container's log"
    ):
        call(server.url, "detect", image, retry=QUICK)


@pytest.mark.parametrize(
    ("policy", "step", "requests"),
    [
        (RetryPolicy(backoff=0, retry_on=lambda error: False), Answer(503), 1),
        (RetryPolicy(backoff=0, attempts=3, retry_on=lambda error: True), Answer(400), 3),
        (RetryPolicy(backoff=0, attempts=3, retry_on=lambda error: None), Answer(503), 3),
        (RetryPolicy(backoff=0, retry_on=lambda error: None), Answer(400), 1),
        (RetryPolicy(backoff=0, attempts=4, retry_on=lambda error: getattr(error, "status", 0) == 504), Answer(504), 4),
    ],
)
def test_a_policy_may_decide_itself(
    policy: RetryPolicy, step: Answer, requests: int, call: Caller, server: ScriptedServer, image: bytes
) -> None:
    server.steps = [step]
    with pytest.raises(errors.StatusError):
        call(server.url, "detect", image, retry=policy)
    assert len(server.received) == requests


def test_a_wait_strategy_of_tenacitys(call: Caller, server: ScriptedServer, image: bytes) -> None:
    seen: list[tuple[int, object, float]] = []

    class Waiting(tenacity.wait.wait_base):
        def __call__(self, retry_state: tenacity.RetryCallState) -> float:
            assert retry_state.outcome is not None
            seen.append((retry_state.attempt_number, retry_state.outcome.exception(), retry_state.idle_for))
            return 0.01

    server.steps = [Answer(503), Answer(503), Answer(429, b"", {"retry-after-ms": "1"}), OK]
    call(server.url, "detect", image, retry=RetryPolicy(wait=Waiting() + tenacity.wait_fixed(0.01)))
    assert [(number, type(error), round(idle, 3)) for number, error, idle in seen] == [
        (1, errors.ServiceUnavailable, 0.0),
        (2, errors.ServiceUnavailable, 0.02),
    ]


def test_a_wait_that_never_ends_is_refused(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(503)]
    with pytest.raises(errors.InvalidInput, match="gave inf"):
        call(server.url, "detect", image, retry=RetryPolicy(wait=lambda state: float("inf")), deadline=None)


def test_a_policy_is_pickled_and_compared() -> None:
    assert pickle.loads(pickle.dumps(RetryPolicy(attempts=3))) == RetryPolicy(attempts=3)
    waiting = RetryPolicy(wait=tenacity.wait_fixed(2))
    assert pickle.loads(pickle.dumps(waiting)).wait(None) == 2
    with pytest.raises(errors.InvalidInput, match="retry_on"):
        RetryPolicy(retry_on=5)  # type: ignore[arg-type]


def test_the_second_chance_is_given_once_in_a_call(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(408), Answer(429), Answer(504), OK]
    with pytest.raises(errors.ServiceUnavailable):
        call(server.url, "detect", image, retry=QUICK)
    assert len(server.received) == 3


class TestRetryAfter:
    """Obeyed up to the cap, in each of its forms."""

    POLICY = RetryPolicy(attempts=2, backoff=0, longest_backoff=0, longest_retry_after=0.4)

    @pytest.mark.bar(9)
    @pytest.mark.parametrize(
        ("headers", "least", "most"),
        [
            ({"retry-after": "0.2"}, 0.2, 0.4),
            ({"retry-after-ms": "200"}, 0.2, 0.4),
            ({"x-ms-retry-after-ms": "200"}, 0.2, 0.4),
            ({"retry-after": "9999999"}, 0.4, 0.6),
            ({"retry-after": "-5"}, 0, 0.2),
            ({"retry-after": "NaN"}, 0, 0.2),
            ({"retry-after": "inf"}, 0, 0.2),
            ({"retry-after": "soon"}, 0, 0.2),
            ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, 0.2),
        ],
    )
    def test_form(
        self, headers: dict[str, str], least: float, most: float, call: Caller, server: ScriptedServer, image: bytes
    ) -> None:
        server.steps = [Answer(429, b"", headers), OK]

        def obey(watch: Stopwatch) -> None:
            server.received.clear()
            with watch.running():
                assert len(call(server.url, "detect", image, retry=self.POLICY)) == 1
            assert watch.seconds >= least

        is_within(most, obey, at_most=most + 0.5)

    @pytest.mark.bar(9)
    def test_a_date_in_the_future(self, call: Caller, server: ScriptedServer, image: bytes) -> None:
        date = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        server.steps = [Answer(503, b"", {"retry-after": date}), OK]
        started = time.monotonic()
        call(server.url, "detect", image, retry=self.POLICY)
        assert time.monotonic() - started >= 0.4

    @pytest.mark.bar(5)
    def test_longer_than_the_deadline_fails_at_once(self, call: Caller, server: ScriptedServer, image: bytes) -> None:
        server.steps = [Answer(429, b"", {"retry-after": "30"})]

        def fail(watch: Stopwatch) -> None:
            with watch.running(), pytest.raises(errors.Throttled) as caught:
                call(server.url, "detect", image, deadline=2, retry=RetryPolicy())
            assert caught.value.retry_after == 30

        is_within(1, fail, at_most=1.5)


SLOW_STEPS = {
    "a dripping body": Drip(200, boxes("cat"), pause=0.05),
    "a dripping head": Drip(200, boxes("cat"), pause=0.05, head_too=True),
    "a black hole": Silence(),
    "refusals with pauses": Answer(503),
}


@pytest.mark.bar(5)
@pytest.mark.parametrize("step", SLOW_STEPS.values(), ids=SLOW_STEPS.keys())
@pytest.mark.parametrize("bound", ["deadline", "timeout"])
def test_time_is_kept(step: Answer, bound: str, call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [OK, step]
    options: dict[str, Any] = {"deadline": 0.5} if bound == "deadline" else {"timeout": 0.5}
    retry = RetryPolicy(attempts=1 if bound == "timeout" else 50, backoff=0.2)
    call(server.url, "health")  # imports and TLS are not what is measured

    def fail(watch: Stopwatch) -> None:
        with watch.running(), pytest.raises((errors.DeadlineExceeded, errors.TimedOut, errors.ServiceUnavailable)):
            call(server.url, "detect", image, retry=retry, **options)

    is_within(0.5 + 0.1, fail, at_most=0.5 + 0.35)


@pytest.mark.bar(5)
def test_a_deadline_of_many_attempts_is_one_deadline(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Silence()]

    def fail(watch: Stopwatch) -> None:
        with watch.running(), pytest.raises(errors.DeadlineExceeded, match=r"deadline of 0\.6 s"):
            call(server.url, "detect", image, timeout=0.4, deadline=0.6, retry=QUICK)

    is_within(0.75, fail, at_most=1.2)

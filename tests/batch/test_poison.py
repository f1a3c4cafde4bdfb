"""Whose failure was it? An image that fails at the endpoint has three tries; one that met an outage keeps them."""

from __future__ import annotations

import base64
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import RetryPolicy, errors
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._streaming import breaker, probe
from automl_cv_client._streaming.probe import Fault, fault_of
from automl_cv_client.batch import BatchSummary, score_folder, score_folder_async, status
from tests.batch.jobs import images, lines, reply
from tests.batch.test_folder import DETECTION, Score, score
from tests.capped import CappedServer, capped
from tests.conftest import Caller

pytestmark = pytest.mark.bar(15)

__all__ = ["score"]  # the fixture

GREY = base64.b64encode(grey_png(32))
Judge = Callable[[bytes, int], int]

MODEL = "ms-azureml-model-error-statuscode: {}\r\n"
FAILURES: dict[str, tuple[int, str]] = {
    "reset": (0, ""),
    "500": (500, ""),
    "502": (502, ""),
    "503": (503, ""),
    "504": (504, ""),
    "408": (408, ""),
    "424": (424, ""),
    "424 of 500": (424, MODEL.format(500)),
    "424 of 503": (424, MODEL.format(503)),
    "424 of a model that starts": (424, "ms-azureml-model-error-reason: model_not_ready\r\n"),
}


@pytest.fixture(autouse=True)
def _no_time_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_LOOK", 0.01)


def fails(server: CappedServer, which: Callable[[bytes], bool], failure: str) -> None:
    """From now on the server fails this way for these requests."""
    code, headers = FAILURES[failure]

    def judge(body: bytes, number: int) -> int:
        if not which(body):
            return 200
        if not code:
            raise ConnectionResetError
        return code

    answer = CappedServer._answer.__get__(server)

    def with_headers(status: int, request: bytes) -> bytes:
        said: bytes = answer(status, request)
        return said.replace(b"content-length", headers.encode() + b"content-length") if status == code else said

    server.judge = judge
    server._answer = with_headers  # type: ignore[method-assign]


def poison(*paths: Path) -> Callable[[bytes], bool]:
    inside = [base64.b64encode(path.read_bytes()) for path in paths]
    return lambda body: any(each in body for each in inside)


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(failure, marks=() if failure in ("reset", "503", "504", "424 of 500") else pytest.mark.slow)
        for failure in FAILURES
    ],
)
def test_an_image_that_fails_alone_is_tried_by_three_runs(failure: str, score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 6)
    with capped(reply(), service=0) as server:
        fails(server, poison(paths[2]), failure)
        runs = [score(server.url, tmp_path / "in", tmp_path / "out", DETECTION) for _ in range(5)]
    assert [run.scored for run in runs] == [6, 1, 1, 0, 0]
    assert [run.given_up for run in runs] == [0, 0, 1, 1, 1]
    assert [line["status"] for line in lines(tmp_path / "out")] == ["ok", "ok", "error", "ok", "ok", "ok"]


@pytest.mark.parametrize("failure", ["reset", "503", "424 of 500"])
def test_an_endpoint_that_fails_for_all_costs_no_image_its_tries(failure: str, score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 3)
    with capped(reply(), service=0) as server:
        fails(server, lambda body: True, failure)
        for _ in range(4):
            done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
            assert (done.failed, done.given_up) == (3, 0)
        server.judge = None
        assert score(server.url, tmp_path / "in", tmp_path / "out", DETECTION).ok == 3


def test_an_image_that_is_refused_for_the_load_keeps_its_tries(score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 3)
    with capped(reply(), service=0) as server:
        of_one = poison(paths[0])
        server.judge = lambda body, number: 429 if of_one(body) else 200
        runs = [score(server.url, tmp_path / "in", tmp_path / "out", DETECTION) for _ in range(4)]
    assert [(run.failed, run.given_up) for run in runs] == [(1, 0)] * 4


def run(call: Caller, url: str, folder: Path, concurrency: int, **options: Any) -> BatchSummary:
    """One run by a client with options of its own."""
    score = score_folder_async if call.awaited else score_folder
    where = (folder / "in", folder / "out", DETECTION)
    done: BatchSummary = call.using(url, lambda client: score(client, *where, concurrency=concurrency), **options)
    return done


def test_one_that_hangs_is_to_blame_too(tmp_path: Path, call: Caller) -> None:
    paths = images(tmp_path / "in", 3)
    of_one = poison(paths[0])
    with capped(reply(), service=0) as server:

        def judge(body: bytes, number: int) -> int:
            server.service = 5.0 if of_one(body) else 0.0
            return 200

        server.judge = judge
        retry = RetryPolicy(attempts=2, backoff=0.001)
        done = run(call, server.url, tmp_path, concurrency=1, timeout=0.3, retry=retry)
    assert (done.ok, done.errors) == (2, {"TimedOut": 1})
    database = sqlite3.connect(tmp_path / "out" / "ledger.sqlite")
    assert database.execute("SELECT tries FROM items WHERE state = 2").fetchall() == [(1,)]
    database.close()


def test_images_sent_with_one_that_breaks_the_connection_are_not_harmed(score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 8)
    with capped(reply(), service=0) as server:
        server.reply_for = lambda body: b"[" + b",".join([reply()[1:-1]] * body.count(b"iVBOR")) + b"]"
        fails(server, poison(paths[1]), "reset")
        done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, per_request=4)
    assert (done.ok, done.failed) == (7, 1)


def test_many_that_break_the_connection_do_not_look_like_an_endpoint_that_is_away(
    call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is left to send: without a harmless image, 50 connections in a row would fail."""
    monkeypatch.setattr(breaker, "_DEAD_FOR", 0.0)
    monkeypatch.setattr(breaker, "_PROBE_EVERY", 0.001)
    with capped(reply(), service=0) as server:
        fails(server, lambda body: GREY not in body, "reset")

        def use(client: object) -> object:
            found = client.detect_many(map(str, images(tmp_path, 25)), ordered=False)  # type: ignore[attr-defined]
            if not call.awaited:
                return [*found]

            async def gather() -> object:
                return [each async for each in found]

            return gather()

        outcomes = call.using(server.url, use, retry=RetryPolicy(attempts=2, backoff=0.001))
        assert [type(outcome.error) for outcome in outcomes] == [errors.ConnectionFailed] * 25
        fails(server, lambda body: True, "reset")
        with pytest.raises(errors.BatchError, match="cannot be reached"):
            call.using(server.url, use, retry=RetryPolicy(attempts=2, backoff=0.001))


def test_a_model_that_fails_for_all_costs_one_harmless_image_a_second(score: Score, tmp_path: Path) -> None:
    """And not one an image."""
    images(tmp_path / "in", 150)
    started = time.monotonic()
    with capped(reply(), service=0) as server:
        server.keep = True
        fails(server, lambda body: True, "424 of 500")
        done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, stop_above=None)
        took = time.monotonic() - started
        asked = sum(count for body, count in server.bodies.items() if GREY in body)
    assert (done.failed, done.given_up) == (150, 0)
    assert 1 <= asked <= 2 * (took + 2)  # it has two attempts here, as the images have


@pytest.mark.parametrize("answer", ["503", "reset"])
def test_an_image_that_takes_the_server_down_for_a_moment_harms_no_other(
    answer: str, call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in flight and all that follow fail until it has started again, at each of the image's tries."""
    monkeypatch.setattr(breaker, "_PROBE_EVERY", 0.02)
    paths = images(tmp_path / "in", 80)
    of_one, down_until = poison(paths[3]), 0.0

    def down(body: bytes) -> bool:
        nonlocal down_until
        if of_one(body) and time.monotonic() >= down_until:
            down_until = time.monotonic() + 0.04
        return time.monotonic() < down_until

    with capped(reply(), service=0.001) as server:
        fails(server, down, answer)
        retry = RetryPolicy(attempts=8, backoff=0.02, longest_backoff=0.16)  # by then most waits outlast an outage
        runs = [run(call, server.url, tmp_path, concurrency=4, retry=retry) for _ in range(4)]
    assert [(each.ok, each.failed, each.given_up) for each in runs] == [(79, 1, 0), (79, 1, 0), (79, 1, 1), (79, 1, 1)]
    assert [each.scored for each in runs] == [80, 1, 1, 0]


def test_given_up_images_are_tried_again_when_that_is_asked_for(score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 5)
    good = paths[3].read_bytes()
    paths[3].write_bytes(b"no image")
    with capped(reply(), service=0) as server:
        fails(server, poison(paths[1]), "424")
        for _ in range(3):
            score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        assert status(tmp_path / "out").given_up == 2
        paths[3].write_bytes(good)  # fixed
        server.judge = None
        before = len(server.received)
        assert score(server.url, tmp_path / "in", tmp_path / "out", DETECTION).scored == 0
        done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, retry_failed=True)
        assert len(server.received) == before + 2
    assert (done.scored, done.ok, done.failed, done.given_up) == (2, 5, 0, 0)
    assert [(line["input"], line["status"]) for line in lines(tmp_path / "out")] == [
        (str(path), "ok") for path in paths
    ]


def test_what_is_tried_again_and_not_mended_has_three_new_tries(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 1)[0].write_bytes(b"no image")
    with capped(reply(), service=0) as server:
        how = [{}, {}, {}, {"retry_failed": True}, {}, {}, {}]
        runs = [score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, **each) for each in how]
    assert [run.scored for run in runs] == [1, 1, 1, 1, 1, 1, 0]
    assert [run.given_up for run in runs] == [0, 0, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("error", "whose"),
    [
        (errors.ImageError("torn"), Fault.IMAGE),
        (errors.ImageDropped("dropped", attempts=1), Fault.IMAGE),
        (errors.StatusError("400", status=400, attempts=1), Fault.IMAGE),
        (errors.ModelError("424", status=424, model_status=413, attempts=1), Fault.IMAGE),
        (errors.DeadlineExceeded("slow", attempts=1), Fault.OPEN),
        (errors.ConnectionFailed("reset", attempts=1), Fault.OPEN),
        (errors.StatusError("408", status=408, attempts=1), Fault.OPEN),
        (errors.ServiceUnavailable("502", status=502, attempts=1), Fault.OPEN),
        (errors.ModelError("424", status=424, reason="model_not_ready", attempts=1), Fault.OPEN),
        (errors.TimedOut("no turn to send in time", attempts=0), Fault.ENDPOINT),
        (errors.ConnectionFailed("certificate", retryable=False, attempts=1), Fault.ENDPOINT),
        (errors.EndpointNotFound("404", status=404, attempts=1), Fault.ENDPOINT),
        (errors.ModelError("424", status=424, model_status=429, attempts=1), Fault.ENDPOINT),
    ],
    ids=str,
)
def test_whose_failure_an_error_is_as_far_as_it_tells(error: Exception, whose: Fault) -> None:
    assert fault_of(error) is whose

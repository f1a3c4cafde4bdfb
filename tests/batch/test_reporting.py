"""What a run tells while it goes and at its end: progress, the log, counts."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import Client, Failed, ImagePolicy, Task, errors
from automl_cv_client.batch import Progress, score_folder, status
from automl_cv_client.batch import job as job_module
from automl_cv_client.batch.summary import OutcomeCounts
from tests.batch.jobs import images, reply
from tests.batch.test_folder import DETECTION, QUICK, Score, score
from tests.capped import capped

__all__ = ["score"]  # the fixture


def test_the_log_has_a_line_a_minute_also_while_nothing_comes(
    score: Score, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "_LOG_EVERY", 0.15)  # a minute of the test
    caplog.set_level(logging.INFO, "automl_cv_client.batch")
    images(tmp_path / "in", 2)
    with capped(reply(), service=0.8) as server:  # both in one breath, and nothing before
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
    assert 2 <= len(caplog.messages) <= 6
    assert caplog.messages[0].startswith("0 of 2 images, 0.0 a second, 0 failed")


def test_progress_is_told_from_the_start_in_the_callers_thread(score: Score, tmp_path: Path) -> None:
    steps: list[Progress] = []
    threads: set[threading.Thread] = set()

    def show(step: Progress) -> None:
        steps.append(step)
        threads.add(threading.current_thread())

    images(tmp_path / "in", 3)
    with capped(reply(), service=0.4) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, progress=show)
    assert (steps[0].done, steps[0].total, steps[0].in_flight) == (0, 3, 0)
    assert any(step.done == 0 and step.in_flight == 2 for step in steps)  # told while nothing is done yet
    assert threads == {threading.current_thread()}
    steps.clear()
    score("http://127.0.0.1:9/score", tmp_path / "in", tmp_path / "other", DETECTION, progress=show)
    assert steps[-1].failed == 3


def test_progress_comes_ten_times_a_second_with_the_time_that_is_left(score: Score, tmp_path: Path) -> None:
    steps: list[Progress] = []
    images(tmp_path / "in", 30)
    with capped(reply(), service=0.03, cap=2) as server:
        started = time.monotonic()
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, concurrency=2, progress=steps.append)
        seconds = time.monotonic() - started
    assert len(steps) <= 10 * seconds + 3
    assert steps[0].eta is None
    assert [step.eta for step in steps if step.rate] == [
        pytest.approx((step.total - step.done) / step.rate) for step in steps if step.rate
    ]
    assert (steps[-1].done, steps[-1].eta) == (30, 0)


def test_percentiles_are_right_within_five_percent() -> None:
    tally = OutcomeCounts()
    for number in range(100):
        error = errors.TimedOut("too slow", elapsed=0.123 if number < 90 else 4.56)
        tally.add(Failed(number, "a.png", error=error))
    assert tally.durations.percentile(0.5) == pytest.approx(0.123, rel=0.01)
    assert tally.durations.percentile(0.95) == pytest.approx(4.56, rel=0.01)
    assert OutcomeCounts().durations.percentile(0.5) is None


def test_a_job_that_is_done_tells_so(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 2)
    steps: list[Progress] = []
    with capped(reply(), service=0) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(2, 2)]


def test_what_progress_raises_ends_the_run_and_nothing_else(score: Score, tmp_path: Path) -> None:
    def fail(step: Progress) -> None:
        if step.done:
            raise ZeroDivisionError

    images(tmp_path / "in", 30)
    with capped(reply(), service=0.05) as server:
        before = threading.active_count()
        with pytest.raises(ZeroDivisionError):
            score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, progress=fail)
        assert threading.active_count() == before
        assert 0 < status(tmp_path / "out").ok < 30
        assert score(server.url, tmp_path / "in", tmp_path / "out", DETECTION).ok == 30


def test_retries_are_counted_once_a_request(score: Score, tmp_path: Path) -> None:
    """Also when several images share it; images of a reply with too few rows are sent anew, which is no retry."""
    images(tmp_path / "in", 8)

    def rows(body: bytes) -> bytes:
        count = len(json.loads(body)["input_data"]["data"])
        return json.dumps([{"boxes": []}] * (1 if count == 1 else count - 1)).encode()

    with capped(service=0) as server:
        server.judge = lambda body, number: 503 if number == 1 else 200
        server.reply_for = rows
        done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, per_request=4)
        assert (done.ok, done.requests, done.retries) == (8, 2 + 1 + 8, 1)
        assert done.requests == len(server.received)
        assert done.bytes_sent == sum(size for _, size in server.received)
        assert done.rate == pytest.approx(8 / done.seconds)


@pytest.mark.parametrize("headers", [b"", b"ms-azureml-model-error-statuscode: 503\r\n"], ids=["503", "424 of 503"])
def test_a_service_that_is_too_busy_costs_no_image_its_tries(headers: bytes, score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 3)
    with capped(reply(), service=0) as server:
        server.judge = lambda body, number: 424 if headers else 503
        answer = server._answer
        server._answer = lambda status, request: (  # type: ignore[method-assign]
            answer(status, request).replace(b"content-length", headers + b"content-length")
        )
        for _ in range(4):
            done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
            assert (done.failed, done.given_up) == (3, 0)
        server.judge = None
        assert score(server.url, tmp_path / "in", tmp_path / "out", DETECTION).ok == 3


def test_images_that_failed_before_do_not_stop_the_next_run(score: Score, tmp_path: Path) -> None:
    """Their second failure says nothing new, and what came since waits behind them."""
    for path in images(tmp_path / "in", 120):
        path.write_bytes(b"no image")
    with capped(reply(), service=0) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, stop_above=None)
        for number, path in enumerate(images(tmp_path / "new", 5)):
            path.rename(tmp_path / "in" / f"new{number}.png")
        done = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
    assert (done.ok, done.failed, done.scored) == (5, 120, 125)


def test_a_source_that_fails_keeps_what_it_gave_and_frees_the_job(score: Score, tmp_path: Path) -> None:
    def broken() -> object:
        yield from map(str, images(tmp_path / "in", 3))
        raise LookupError("the source")

    with capped(reply(), service=0) as server:
        with pytest.raises(LookupError, match="the source"):
            score(server.url, broken(), tmp_path / "out", DETECTION)
        assert score(server.url, tmp_path / "in", tmp_path / "out", DETECTION).ok == 3


def test_the_options_that_make_the_result_are_part_of_the_job(tmp_path: Path) -> None:
    images(tmp_path / "in", 1)
    with capped(reply(), service=0) as server:
        with Client(server.url, "k", retry=QUICK) as client:
            score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION, threshold=1)
            score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION, threshold=1.0, concurrency=3)
            with pytest.raises(errors.BatchError, match=r"threshold is 1\.0, this one's is 0\.5"):
                score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
        others: list[tuple[str, dict[str, Any]]] = [
            ("deployment", {"deployment": "green"}),
            ("dialect", {"dialect": "legacy-raw"}),
            ("images", {"images": ImagePolicy(max_pixels=64)}),
        ]
        for word, options in others:
            with Client(server.url, "k", **options) as client, pytest.raises(errors.BatchError, match=f"its {word} is"):
                score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION, threshold=1)

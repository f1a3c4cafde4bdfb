"""score_folder: one record per image, resumed, stopped in time, and equal however often it was interrupted."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client, Detections, RetryPolicy, Task, errors
from automl_cv_client.batch import BatchSummary, Progress, score_folder, score_folder_async, status
from automl_cv_client.local import LocalEndpoint
from tests.batch.jobs import images, lines, reply
from tests.capped import capped
from tests.conftest import PHOTOS, encoded

QUICK = RetryPolicy(attempts=2, backoff=0.001, longest_backoff=0.002)
DETECTION = Task.DETECTION


@pytest.fixture(params=["sync", "async"])
def score(request: pytest.FixtureRequest) -> Callable[..., BatchSummary]:
    """Both functions, called the same way: ``score(url, source, out, task, **options)``."""

    def blocking(url: str, *args: Any, key: str = "the-key", **options: Any) -> BatchSummary:
        with Client(url, key, retry=QUICK) as client:
            return score_folder(client, *args, **options)

    def awaited(url: str, *args: Any, key: str = "the-key", **options: Any) -> BatchSummary:
        async def main() -> BatchSummary:
            async with AsyncClient(url, key, retry=QUICK) as client:
                return await score_folder_async(client, *args, **options)

        return asyncio.run(main())

    return blocking if request.param == "sync" else awaited


Score = Callable[..., BatchSummary]


def test_every_image_has_one_record(score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 20)
    paths[7].write_bytes(b"no image")
    with capped(reply(), service=0.002) as server:
        summary = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
    records = lines(tmp_path / "out")
    assert [record["input"] for record in records] == [str(path) for path in paths]
    assert [record["status"] for record in records].index("error") == 7
    assert records[7]["error"]["kind"] == "ImageError"
    assert Detections.model_validate(records[0]["result"])[0].label == "cat"
    assert (summary.total, summary.ok, summary.failed, summary.to_do) == (20, 19, 1, 0)
    assert summary.errors == {"ImageError": 1}
    assert summary.requests == 19
    assert summary.p50 is not None
    assert summary.p95 is not None
    assert 0.001 < summary.p50 <= summary.p95


def test_nothing_is_scored_twice(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 5)
    with capped(reply(), service=0) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        again = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        assert (again.scored, again.ok, len(server.received)) == (0, 5, 5)
        images(tmp_path / "in", 7)
        more = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
    assert (more.scored, more.total, len(server.received)) == (2, 7, 7)


@pytest.mark.bar(15)
def test_a_poison_image_is_tried_by_three_runs(score: Score, tmp_path: Path) -> None:
    paths = images(tmp_path / "in", 3)
    poison = base64.b64encode(paths[1].read_bytes())
    with capped(reply(), service=0) as server:
        server.judge = lambda body, number: 424 if poison in body else 200
        runs = [score(server.url, tmp_path / "in", tmp_path / "out", DETECTION) for _ in range(5)]
    assert [run.scored for run in runs] == [3, 1, 1, 0, 0]
    assert [run.given_up for run in runs] == [0, 0, 1, 1, 1]
    assert runs[-1].ok == 2
    failed = lines(tmp_path / "out")[1]["error"]
    assert failed["kind"] == "ModelError"
    assert failed["status"] == 424
    assert failed["client_request_id"].startswith("acv-")


def test_an_endpoint_that_is_down_costs_no_image_its_tries(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 3)
    for _ in range(4):
        summary = score("http://127.0.0.1:9/score", tmp_path / "in", tmp_path / "out", DETECTION)
        assert (summary.failed, summary.given_up) == (3, 0)
    assert lines(tmp_path / "out")[0]["error"]["kind"] == "ConnectionFailed"


def test_too_many_failures_stop_the_run(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 200)
    with capped(service=0) as server:
        server.judge = lambda body, number: 424
        with pytest.raises(errors.BatchError, match=r"images failed \(\d+ ModelError\).*424"):
            score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        found = status(tmp_path / "out")
        assert 50 <= found.failed < 120
        on = score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, stop_above=None)
    assert on.failed == 200


def test_revoked_credentials_stop_the_run_and_it_resumes(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 150)
    with capped(reply(), service=0.002) as server:
        server.judge = lambda body, number: 401 if number > 40 else 200
        with pytest.raises(errors.BatchError, match="401"):
            score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        assert len(server.received) <= 60
        server.judge = None
        assert score(server.url, tmp_path / "in", tmp_path / "out", DETECTION).ok == 150


def test_another_job_is_refused(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 2)
    with capped(reply(), service=0) as server, capped(reply(), service=0) as other:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
        with pytest.raises(errors.BatchError, match="endpoint is"):
            score(other.url, tmp_path / "in", tmp_path / "out", DETECTION)
        with pytest.raises(errors.BatchError, match="task is"):
            score(server.url, tmp_path / "in", tmp_path / "out", Task.SEGMENTATION)


def test_the_key_is_nowhere_in_the_job(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 3)
    with capped(reply(), service=0) as server:
        server.judge = lambda body, number: 403 if number == 2 else 200
        score(server.url + "?sig=canary", tmp_path / "in", tmp_path / "out", DETECTION, key="canary-key")
    for path in (tmp_path / "out").iterdir():
        assert b"canary" not in path.read_bytes(), path


def test_progress_tells_each_step_and_the_end(score: Score, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images(tmp_path / "in", 30)
    steps: list[Progress] = []
    caplog.set_level(logging.INFO, "automl_cv_client.batch")
    with capped(reply(), service=0.01) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION, progress=steps.append)
    assert steps[-1].done == steps[-1].total == 30
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert all(step.in_flight <= 64 for step in steps)
    assert caplog.messages == []  # a line a minute, and this took less


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"formats": ("xml",)}, "xml"),
        ({"stop_above": 2}, "stop_above"),
        ({"threshold": 2}, "threshold"),
        ({"concurency": 2}, "concurency"),
        ({"concurrency": 257}, "concurrency"),
        ({"per_request": 0}, "per_request"),
        ({"bytes_per_second": 0}, "bytes_per_second"),
        ({"stop_above": "half"}, "stop_above"),
    ],
)
def test_wrong_options_change_nothing(options: Any, words: str, score: Score, tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match=words):
        score("http://127.0.0.1:9/score", tmp_path, tmp_path / "out", DETECTION, **options)
    assert not (tmp_path / "out").exists()


class _Enough(Exception):
    pass


@pytest.mark.bar(16)
@pytest.mark.parametrize("count", [24, pytest.param(200, marks=pytest.mark.slow)])
def test_interrupted_twice_equals_uninterrupted(
    count: int, score: Score, tmp_path: Path, endpoint: LocalEndpoint
) -> None:
    """Real images through a real model; stopped hard after a third and after two thirds."""
    source = tmp_path / "in"
    source.mkdir()
    photos = sorted(path for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg"))
    for number, photo in zip(range(count), itertools.cycle(photos)):
        with Image.open(photo) as image:
            small = image.convert("RGB").resize((64 + number % 50, 64))
        (source / f"{number:03}.png").write_bytes(encoded(small, "PNG"))
    url = endpoint.scoring_uri_of(Task.CLASSIFICATION)
    how: dict[str, Any] = {"key": endpoint.key, "concurrency": 2}

    def stop_at(limit: int) -> Callable[[Progress], None]:
        def look(step: Progress) -> None:
            if step.done >= limit:
                raise _Enough

        return look

    for limit in (count // 3, 2 * count // 3):
        with pytest.raises(_Enough):
            score(url, source, tmp_path / "out", Task.CLASSIFICATION, progress=stop_at(limit), **how)
    summary = score(url, source, tmp_path / "out", Task.CLASSIFICATION, **how)
    score(url, source, tmp_path / "whole", Task.CLASSIFICATION, **how)
    assert 0 < summary.scored < count
    assert told(tmp_path / "out") == told(tmp_path / "whole")
    assert len(told(tmp_path / "out")) == count


def told(out: Path) -> dict[str, Any]:
    """What each record says of its image; not how the call went."""
    return {line["input"]: (line["result"]["labels"], line["result"]["probs"]) for line in lines(out)}


def test_a_torn_ledger_is_one_clear_error(score: Score, tmp_path: Path) -> None:
    images(tmp_path / "in", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ledger.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(errors.BatchError, match=r"ledger\.sqlite cannot be used"):
        score("http://127.0.0.1:9/score", tmp_path / "in", tmp_path / "out", DETECTION)
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(errors.BatchError, match="no batch job"):
        status(tmp_path)


def test_json_lines_are_one_line_each(score: Score, tmp_path: Path) -> None:
    name = "new\nline \u2028 ütf.png"
    images(tmp_path / "in", 1)[0].rename(tmp_path / "in" / name)
    with capped(reply(), service=0) as server:
        score(server.url, tmp_path / "in", tmp_path / "out", DETECTION)
    (line,) = (tmp_path / "out" / "results.jsonl").read_bytes().splitlines()
    assert json.loads(line)["input"].endswith(name)

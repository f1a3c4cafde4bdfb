"""The fake endpoint: in process, awaited, as ASGI and over a real socket; scripts, versions, faults, assertions."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from automl_cv_client import AsyncClient, Client, RetryPolicy, Task, errors
from automl_cv_client.testing import (
    FakeEndpoint,
    SentRequest,
    classification,
    detections,
    drip,
    dropped_row,
    instances,
    lost_connection,
    model_error,
    multilabel,
    no_waiting,
    refused,
    scores,
    scoring_timeout,
    slow,
    throttled,
    truncated,
    unavailable,
)
from tests.conftest import Caller, encoded

ONCE = RetryPolicy(attempts=1)
CAT = detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)))
SAID: dict[Task, Any] = {
    Task.CLASSIFICATION: classification({"cat": 0.75, "dog": 0.25}),
    Task.MULTILABEL: multilabel({"cat": 0.75, "dog": 0.5}),
    Task.DETECTION: CAT,
    Task.SEGMENTATION: instances(("cat", 0.5, (0.25, 0.25, 0.75, 0.75))),
}


@pytest.fixture(params=["in process", "over a socket"])
def ask(request: pytest.FixtureRequest, call: Caller) -> Any:
    """Calls a method against a fake, by both clients and both ways."""

    def do(fake: FakeEndpoint, method: str, *args: Any, **options: Any) -> Any:
        if request.param == "in process":
            injected = fake.async_http_client() if call.awaited else fake.http_client()
            return call(fake.scoring_uri, method, *args, key=fake.key, http_client=injected, **options)
        with fake.serving():
            return call(fake.scoring_uri, method, *args, key=fake.key, **options)

    return do


@pytest.mark.parametrize("task", Task)
def test_without_a_script_every_image_shows_a_cat(task: Task, ask: Any, image: bytes) -> None:
    found = ask(FakeEndpoint(task=task), "score", image, task)
    label = found.label if task is Task.CLASSIFICATION else (found.above(0.5)[0]).label
    assert label == "cat"
    assert found.size == (400, 200)  # the image's, whatever the builder's was


BOXES = (Task.DETECTION, Task.SEGMENTATION)
EVERYWHERE = ("today", "1.51", "1.47", "legacy", "doubly-encoded")
FORMS = [
    *((task, version) for task in Task for version in EVERYWHERE),
    *((task, "mmdetection") for task in BOXES),
    *((task, f"{prefix}huggingface") for task in Task if task not in BOXES for prefix in ("", "catalogue-")),
]


@pytest.mark.parametrize(("task", "version"), FORMS)
def test_every_version_says_the_same(task: Task, version: Any, image: bytes) -> None:
    said = SAID[task]
    found: Any = FakeEndpoint(scores(said, version=version), task=task).client().score(image, task)
    if task in BOXES:
        assert [(detection.label, detection.score, detection.box) for detection in found] == [
            (detection.label, detection.score, detection.box) for detection in said
        ]
        assert ("filename" in found.extra) == (version in ("1.51", "1.47", "legacy"))
    else:
        assert found.as_dict() == said.as_dict()


def test_a_form_the_service_does_not_have_is_refused(image: bytes) -> None:
    with pytest.raises(errors.InvalidInput, match="is for classification"):
        FakeEndpoint(scores(CAT, version="huggingface")).client().detect(image)


FAULTS = {
    "408": (scoring_timeout(), errors.StatusError, 408),
    "424": (model_error(503, "model_not_ready"), errors.ModelError, 424),
    "429": (throttled(7), errors.Throttled, 429),
    "503": (unavailable(), errors.ServiceUnavailable, 503),
    "413": (refused(413), errors.PayloadTooLarge, 413),
    "lost": (lost_connection(), errors.ConnectionFailed, None),
    "truncated": (truncated(scores(CAT)), errors.ConnectionFailed, None),
    "slow": (slow(scores(CAT), 5), errors.TimedOut, None),
    "drip": (drip(scores(CAT), 0.3), errors.TimedOut, None),
    "dropped": (dropped_row(CAT), errors.ImageDropped, None),
}


@pytest.mark.parametrize(("answer", "kind", "status"), FAULTS.values(), ids=FAULTS)
def test_faults_are_what_the_client_would_meet(
    answer: Any, kind: type[errors.CallError], status: int | None, ask: Any, image: bytes
) -> None:
    with pytest.raises(kind) as caught:
        ask(FakeEndpoint(answer), "detect", image, retry=ONCE, timeout=0.2 if kind is errors.TimedOut else 30)
    assert getattr(caught.value, "status", None) == status
    if status == 424:
        assert (caught.value.model_status, caught.value.reason) == (503, "model_not_ready")  # type: ignore[attr-defined]
    if status == 429:
        assert caught.value.retry_after == 7  # type: ignore[attr-defined]


def test_the_script_goes_on_and_its_last_step_repeats(ask: Any, image: bytes) -> None:
    fake = FakeEndpoint(unavailable(), throttled(30), CAT)
    with no_waiting() as pauses:
        assert ask(fake, "detect", image)[0].label == "cat"
        assert ask(fake, "detect", image)[0].label == "cat"
    assert len(pauses) == 2
    assert pauses[1] == 30  # obeyed, but not waited for
    fake.assert_sent(times=4, images=1)
    fake.assert_script_done()


def test_no_waiting_ends_with_its_block() -> None:
    from automl_cv_client._flow import run

    before = run.pause, run.pause_async
    with no_waiting():
        assert run.pause is not before[0]
        assert run.pause_async is not before[1]
    assert (run.pause, run.pause_async) == before


@pytest.mark.parametrize("awaited", [False, True], ids=["sync", "async"])
def test_many_images_do_not_wait_either(awaited: bool, image: bytes) -> None:
    async def asked(fake: FakeEndpoint) -> list[bool]:
        async with fake.async_client() as client:
            return [outcome.ok async for outcome in client.detect_many([image])]

    fake, started = FakeEndpoint(throttled(30), CAT), time.monotonic()
    with no_waiting() as pauses:
        if awaited:
            assert asyncio.run(asked(fake)) == [True]
        else:
            with fake.client() as client:
                assert [outcome.ok for outcome in client.detect_many([image])] == [True]
    assert pauses == [30]
    assert time.monotonic() - started < 20


def test_a_list_gets_a_row_each_and_a_dropped_row_its_own_requests(ask: Any, image: bytes) -> None:
    dog = detections(("dog", 0.8, (0, 0, 1, 1)))
    fake = FakeEndpoint(dropped_row(CAT), dog, dropped_row(CAT))
    good, bad = ask(fake, "score", [image, image], Task.DETECTION)
    assert good.unwrap()[0].label == "dog"
    assert isinstance(bad.error, errors.ImageDropped)
    fake = FakeEndpoint(scores(CAT, dog))
    assert [prefix.unwrap()[0].label for prefix in ask(fake, "score", [image, image], Task.DETECTION)] == ["cat", "dog"]
    fake.assert_sent(times=1, images=2)


def test_a_function_may_answer_by_what_it_sees(image: bytes) -> None:
    def by_width(sent: SentRequest) -> Any:
        return detections(("wide" if sent.image_sizes[0].width == 400 else "narrow", 0.9, (0, 0, 1, 1)))

    from PIL import Image

    with FakeEndpoint(by_width).client() as client:
        assert client.detect(image)[0].label == "wide"
        assert client.detect(encoded(Image.new("RGB", (20, 20))))[0].label == "narrow"


def test_what_was_sent_can_be_looked_at(image: bytes) -> None:
    fake = FakeEndpoint(deployments=("blue", "green"), key="k3y-of-this-fake")
    assert fake.client(deployment="green").detect(image).call.deployment == "green"
    sent = fake.last_request
    assert sent.images == (image,)
    assert sent.image_sizes == ((400, 200),)
    assert (sent.deployment, sent.key, sent.xai_parameters) == ("green", "k3y-of-this-fake", None)
    assert "k3y" not in repr(sent) + repr(fake)
    fake.assert_sent(times=1, images=1, deployment="green", headers={"content-type": "application/json"})
    for wrong in ({"times": 2}, {"images": 2}, {"deployment": "blue"}, {"headers": {"content-type": "text/html"}}):
        with pytest.raises(AssertionError, match="sent"):
            fake.assert_sent(**wrong)
    with pytest.raises(AssertionError, match="1 requests were sent"):
        fake.assert_nothing_sent()
    FakeEndpoint().assert_nothing_sent()
    FakeEndpoint().assert_sent(times=0)
    with pytest.raises(AssertionError, match="never asked for"):
        FakeEndpoint(CAT).assert_script_done()


@pytest.mark.parametrize("dialect", ["huggingface", "legacy", "legacy-raw"])
def test_it_reads_every_dialect(dialect: Any, image: bytes) -> None:
    fake = FakeEndpoint(scores(CAT, version="legacy" if dialect != "huggingface" else "today"))
    fake.client(dialect=dialect).detect(image)
    assert fake.last_request.images == (image,)


def test_it_guards_its_door(ask: Any, image: bytes) -> None:
    fake = FakeEndpoint()
    with pytest.raises(errors.EndpointNotFound):
        ask(fake, "detect", image, deployment="purple")
    with pytest.raises(errors.AuthenticationFailed):
        Client(fake.scoring_uri, "another", http_client=fake.http_client()).detect(image)
    assert ask(fake, "health").ok
    assert FakeEndpoint().client().warm_up().attempts == 1


def test_it_is_an_asgi_application(image: bytes) -> None:
    async def main() -> None:
        fake = FakeEndpoint(CAT, truncated(CAT_SCORES))
        mine = httpx.AsyncClient(transport=httpx.ASGITransport(fake))
        async with AsyncClient(fake.scoring_uri, fake.key, http_client=mine, retry=ONCE) as client:
            assert (await client.detect(image))[0].label == "cat"
            with pytest.raises(ConnectionAbortedError):
                await client.detect(image)
        await mine.aclose()

    asyncio.run(main())


CAT_SCORES = scores(CAT)


def test_it_is_an_httpx_transport(image: bytes) -> None:
    fake = FakeEndpoint()
    with httpx.Client(transport=fake) as mine, Client(fake.scoring_uri, fake.key, http_client=mine) as client:
        assert client.detect(image)[0].label == "cat"


def test_a_script_that_fails_is_told(image: bytes) -> None:
    fake = FakeEndpoint(lambda sent: 1 / 0)  # type: ignore[arg-type, return-value]
    failure = pytest.raises(errors.StatusError, match="ZeroDivisionError")
    with fake.serving(), Client(fake.scoring_uri, fake.key) as client, failure:
        client.detect(image)
    with pytest.raises(errors.InvalidInput, match="not str"):
        FakeEndpoint("cat")  # type: ignore[arg-type]


def test_a_task_that_is_none_is_refused_with_the_four():
    for make in (lambda: FakeEndpoint(task="detection"), lambda: FakeEndpoint().scoring_uri_of("detection")):
        with pytest.raises(errors.InvalidInput, match="unknown task 'detection': use one of image-classification,"):
            make()

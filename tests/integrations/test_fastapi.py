"""The FastAPI backend over HTTP: results, problems, limits, deadlines, callers who leave, streams, load."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import time
import tracemalloc
from typing import Any

import httpx
import pytest
from fastapi import HTTPException, UploadFile
from PIL import Image

from automl_cv_client import Detections, Hooks, RetryPolicy, errors
from automl_cv_client.integrations.problems import problem_of, status_of
from automl_cv_client.testing import (
    FakeEndpoint,
    SentRequest,
    detections,
    dropped_row,
    lost_connection,
    model_error,
    no_waiting,
    refused,
    scores,
    scoring_timeout,
    slow,
    throttled,
    unavailable,
)
from tests.conftest import encoded
from tests.integrations.site import served, site_over
from tests.servers import wait_until

KEY = "canary0Key4That5Must6Never7Show8Anywhere"
CAT = detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)))


def post(app: Any, path: str, image: bytes, **more: Any) -> httpx.Response:
    with served(app) as base:
        return httpx.post(base + path, files={"image": ("a.jpg", image)}, **more)


def test_a_result_is_the_answer(image: bytes) -> None:
    fake = FakeEndpoint(CAT)
    answer = post(site_over(fake), "/detect", image)
    assert answer.status_code == 200
    found = Detections.model_validate_json(answer.content)
    assert found[0].pixel_box == (100, 100, 300, 200)
    assert fake.last_request.images == (image,)  # the very bytes that were uploaded


def test_the_openapi_document_shows_a_result_and_the_problems() -> None:
    document = site_over(FakeEndpoint()).openapi()
    answers = document["paths"]["/detect"]["post"]["responses"]
    example = answers["200"]["content"]["application/json"]["example"]
    assert Detections.model_validate(example)[0].label == "cat"
    assert answers["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Detections"}
    assert {"400", "413", "415", "422", "502", "503", "504"} <= set(answers)
    assert list(answers["503"]["content"]) == ["application/problem+json"]


BEHIND: dict[str, tuple[Any, int]] = {
    "the key is wrong": (refused(401), 502),
    "no deployment": (refused(404), 502),
    "too large": (refused(413), 413),
    "scoring timeout": (scoring_timeout(), 504),
    "model error": (model_error(), 502),
    "model not ready": (model_error(503, "model_not_ready"), 503),
    "throttled": (throttled(6.5), 503),
    "unavailable": (unavailable(), 503),
    "gateway timeout": (unavailable(504), 504),
    "lost": (lost_connection(), 502),
    "slow": (slow(scores(CAT), 99), 504),
    "dropped": (dropped_row(CAT), 422),
    "another task": (scores(CAT), 502),
}


@pytest.mark.parametrize(("answer", "status"), BEHIND.values(), ids=BEHIND)
def test_what_fails_behind_is_a_problem_without_secrets(answer: Any, status: int, image: bytes) -> None:
    fake = FakeEndpoint(answer, key=KEY)
    task = "image-classification" if answer == BEHIND["another task"][0] else "image-object-detection"
    with no_waiting():
        got = post(site_over(fake, timeout=30), "/score", image, data={"task": task})
    problem = got.json()
    assert (got.status_code, problem["status"]) == (status, status)
    assert got.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail", "code", "client_request_id"} <= set(problem)
    assert not any(word in got.text for word in (KEY, "fake-endpoint", "deployment", "scoring_uri"))
    assert got.headers.get("retry-after") == ("7" if answer == throttled(6.5) else None)


def test_what_is_wrong_with_the_upload(image: bytes) -> None:
    fake = FakeEndpoint()
    with served(site_over(fake)) as base:
        cases = [
            ({"image": ("a.txt", b"hello")}, {"task": "image-object-detection"}, 415, "RequestRefused"),
            ({"image": ("a.jpg", b"")}, {"task": "image-object-detection"}, 415, "RequestRefused"),
            ({"image": ("a.jpg", image[:300])}, {"task": "image-object-detection"}, 422, "ImageError"),
            ({"image": ("a.jpg", image)}, {"task": "image-sorting"}, 400, "InvalidInput"),
            ({"other": ("a.jpg", image)}, {"task": "image-object-detection"}, 422, "RequestInvalid"),
        ]
        for files, data, status, code in cases:
            got = httpx.post(f"{base}/score", files=files, data=data)
            assert (got.status_code, got.json()["code"]) == (status, code)
            assert got.headers["content-type"] == "application/problem+json"
            assert "<" not in got.json()["detail"], "a placeholder for the file says nothing to who sent it"
            assert status != 422 or code != "ImageError" or got.json()["detail"].startswith("The upload: ")
        assert httpx.get(f"{base}/nowhere").json()["status"] == 404
    fake.assert_nothing_sent()


def test_uploads_are_bounded_whatever_they_announce(image: bytes) -> None:
    with served(site_over(FakeEndpoint(), max_body_bytes=10_000)) as base:
        ok = httpx.post(f"{base}/detect", files={"image": ("a.jpg", image)})
        assert ok.status_code == 200
        announced = httpx.post(f"{base}/detect", files={"image": ("a.jpg", bytes(20_000))})
        form = httpx.Request("POST", base, files={"image": ("a.jpg", bytes(20_000))})
        pieces = iter([form.read()[i : i + 4000] for i in range(0, 20_000, 4000)])
        kind = {"content-type": form.headers["content-type"]}
        chunked = httpx.post(f"{base}/detect", content=pieces, headers=kind)
    for got in (announced, chunked):
        assert (got.status_code, got.json()["code"]) == (413, "UploadTooLarge")
    assert "content-length" not in chunked.request.headers


@pytest.mark.parametrize(("asked", "status"), [("0.3", 504), ("60", 200), ("soon", 200), ("-1", 200)])
def test_the_callers_deadline_is_carried_on(asked: str, status: int, image: bytes) -> None:
    fake = FakeEndpoint(slow(scores(CAT), 0.6))
    started = time.monotonic()
    got = post(site_over(fake), "/detect", image, headers={"x-request-timeout": asked})
    assert got.status_code == status
    if status == 504:
        assert got.json()["code"] == "DeadlineExceeded"
        assert time.monotonic() - started < 10


def test_a_caller_who_leaves_stops_the_call(image: bytes) -> None:
    ended: list[Any] = []
    fake = FakeEndpoint(slow(scores(CAT), 30))
    app = site_over(fake, hooks=Hooks(on_response=ended.append))

    async def ask_and_leave(base: str) -> None:
        async with httpx.AsyncClient(timeout=60) as caller:
            asking = asyncio.create_task(caller.post(f"{base}/detect", files={"image": ("a.jpg", image)}))
            await asyncio.to_thread(wait_until, lambda: fake.requests)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    with served(app) as base:
        asyncio.run(ask_and_leave(base))
        wait_until(lambda: ended)
        assert [outcome.error for outcome in ended] == ["Cancelled"]
        fake.reply_with(CAT)
        assert httpx.post(f"{base}/detect", files={"image": ("a.jpg", image)}).status_code == 200


def test_outcomes_are_streamed_a_line_each(image: bytes) -> None:
    fake = FakeEndpoint(CAT, unavailable(), CAT)
    files = [("images", (f"{n}.jpg", data)) for n, data in enumerate([image, image, b"text", image])]
    files.append(("images", ("stop.jpg", image)))
    with served(site_over(fake)) as base:
        got = httpx.post(f"{base}/many", files=files)
    assert got.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in got.text.splitlines()]
    assert Detections.model_validate(lines[0]["result"])[0].label == "cat"
    assert lines[3]["error"] is None
    assert lines[2]["error"]["code"] == "ImageError"
    assert lines[1]["error"]["code"] == "ServiceUnavailable"
    assert lines[1]["error"]["status"] == 503
    assert [line["index"] for line in lines] == [0, 1, 2, 3, None]
    assert lines[4]["error"]["code"] == "BatchError"  # what ends the stream early is told, too


def test_200_uploads_at_once_while_one_in_five_answers_fails(image: bytes) -> None:
    chance = random.Random(8)

    def one_in_five(sent: SentRequest) -> Any:
        return slow(unavailable() if chance.random() < 0.2 else scores(CAT), 0.01)

    fake = FakeEndpoint(one_in_five)
    app = site_over(fake, retry=RetryPolicy(attempts=6, backoff=0.01))
    tasks: list[int] = []

    @app.get("/tasks")
    async def count() -> int:
        return len(asyncio.all_tasks())

    async def load(base: str) -> list[int]:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(limits=limits, timeout=60) as caller:
            tasks.append((await caller.get(f"{base}/tasks")).json())
            asked = [caller.post(f"{base}/detect", files={"image": ("a.jpg", image)}) for _ in range(200)]
            answers = await asyncio.gather(*asked)
        async with httpx.AsyncClient(timeout=60) as caller:
            until = time.monotonic() + 20
            while len(tasks) < 2 or (tasks[-1] > tasks[0] + 1 and time.monotonic() < until):
                tasks.append((await caller.get(f"{base}/tasks")).json())
        return [answer.status_code for answer in answers]

    with served(app) as base:
        statuses = asyncio.run(load(base))
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) >= 198
    assert len(fake.requests) > 220  # the failures were really there
    assert tasks[-1] <= tasks[0] + 1


def test_every_error_has_a_status_of_the_list() -> None:
    told = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    kinds = [kind for kind in told.values() if issubclass(kind, errors.AutoMLVisionError)]
    assert len(kinds) > 15
    for kind in kinds:
        error = kind("secret words", **({"status": 418} if issubclass(kind, errors.StatusError) else {}))
        assert status_of(error) in (400, 413, 415, 422, 502, 503, 504)
        if not isinstance(error, errors.InvalidInput):
            assert "secret words" not in str(problem_of(error))
    assert problem_of(ValueError("secret words"))["status"] == 500
    assert "secret words" not in str(problem_of(ValueError("secret words")))


def test_memory_stays_flat_over_waves_of_uploads() -> None:
    image = encoded(Image.effect_noise((300, 300), 90))  # 70 kB: a wave of them is far more than what varies
    fake = FakeEndpoint(scores(CAT))

    async def wave(base: str) -> int:
        async with httpx.AsyncClient(timeout=60) as caller:
            asked = [caller.post(f"{base}/detect", files={"image": ("a.jpg", image)}) for _ in range(50)]
            assert {outcome.status_code for outcome in await asyncio.gather(*asked)} == {200}
        fake._script.requests.clear()  # the fake keeps what was sent, which is not what is measured
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    with served(site_over(fake)) as base:
        tracemalloc.start()
        try:
            held = [asyncio.run(wave(base)) for _ in range(5)]
        finally:
            tracemalloc.stop()
    assert held[-1] - held[1] < 50 * len(image)  # less than one wave's images, over the last three waves


@pytest.mark.parametrize("format", ["AVIF", "JPEG2000", "PPM", "WEBP"])
def test_an_upload_may_be_any_image_that_is_read(format):
    import io

    from automl_cv_client.integrations.fastapi import uploaded_image
    from tests.imaging.images import encoded, scene

    file = io.BytesIO(encoded(scene(), format))
    assert uploaded_image(UploadFile(file)) is file
    assert file.tell() == 0


def test_a_heic_upload_without_its_opener_is_told_what_it_is():
    import io

    from automl_cv_client.integrations.fastapi import uploaded_image

    with pytest.raises(HTTPException, match="a HEIC or HEIF photo"):
        uploaded_image(UploadFile(io.BytesIO(b"\0\0\0\x18ftypheic" + bytes(90))))

"""The main job: photos through real models, over real HTTP, with both clients and every kind of input."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client, Result, Task, errors
from automl_cv_client.local import LocalEndpoint
from tests.conftest import PHOTOS, Caller, encoded

CAT = PHOTOS / "chelsea.png"

INPUTS: dict[str, Callable[[Path], Any]] = {
    "str": str,
    "Path": lambda path: path,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "file": lambda path: io.BytesIO(path.read_bytes()),
    "PIL": Image.open,
    "array": lambda path: np.asarray(Image.open(path).convert("RGB")),
    "data URI": lambda path: "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode(),
}


@pytest.fixture(params=list(INPUTS.values()), ids=list(INPUTS))
def cat(request: pytest.FixtureRequest) -> Any:
    return request.param(CAT)


def test_detect(cat: Any, call: Caller, endpoint: LocalEndpoint) -> None:
    found = call(endpoint.scoring_uri_of(Task.DETECTION), "detect", cat, key=endpoint.key)
    assert [detection.label for detection in found] == ["cat"]
    assert found[0].score >= 0.9
    assert found[0].pixel_box == pytest.approx((0.7, 2.8, 403.1, 297.6), abs=5)
    assert found.image.size == (451, 300)


def test_every_kind_of_input_gives_an_equal_result(endpoint: LocalEndpoint) -> None:
    with Client(endpoint.scoring_uri_of(Task.DETECTION), endpoint.key) as client:
        results = [client.detect(make(CAT)) for make in INPUTS.values()]
    assert len(set(results)) == 1


@pytest.mark.parametrize("task", Task, ids=lambda task: task.method)
def test_sync_and_async_give_an_equal_result(task: Task, endpoint: LocalEndpoint) -> None:
    url = endpoint.scoring_uri_of(task)
    results = [Caller(awaited)(url, task.method, CAT, key=endpoint.key) for awaited in (False, True)]
    assert results[0] == results[1]
    assert isinstance(results[0], Result)


def test_segment(call: Caller, endpoint: LocalEndpoint) -> None:
    found = call(endpoint.scoring_uri_of(Task.SEGMENTATION), "segment", CAT, key=endpoint.key)
    (cat,) = found
    left, top, right, bottom = cat.pixel_box
    for segment in cat.pixel_polygons:
        assert min(segment[0::2]) >= left - 0.5
        assert max(segment[0::2]) <= right + 0.5
        assert min(segment[1::2]) >= top - 0.5
        assert max(segment[1::2]) <= bottom + 0.5
    assert 0.4 * cat.pixel_box.area < cat.area < cat.pixel_box.area
    assert cat.area == pytest.approx(painted_area(cat.pixel_polygons, found.image.size), rel=0.02)


def painted_area(segments: list[list[float]], size: tuple[int, int]) -> int:
    """Pixels covered under the even-odd rule, by painting: an independent way to the area."""
    from PIL import ImageChops, ImageDraw

    total = Image.new("1", size)
    for segment in segments:
        single = Image.new("1", size)
        ImageDraw.Draw(single).polygon(list(segment), fill=1)
        total = ImageChops.logical_xor(total, single)
    return int(np.asarray(total).sum())


def test_classify(call: Caller, endpoint: LocalEndpoint) -> None:
    what = call(endpoint.scoring_uri_of(Task.CLASSIFICATION), "classify", CAT, key=endpoint.key)
    assert what.label == "Egyptian cat"
    assert what.score == pytest.approx(0.71, abs=0.05)
    assert len(what.as_dict()) == 1000
    assert sum(what.probs) == pytest.approx(1, abs=1e-3)


def test_classify_multilabel(call: Caller, endpoint: LocalEndpoint) -> None:
    what = call(endpoint.scoring_uri_of(Task.MULTILABEL), "classify_multilabel", CAT, key=endpoint.key)
    assert [detection.label for detection in what.above(0.5)] == ["cat"]


def test_nothing_found_is_an_empty_result(call: Caller, endpoint: LocalEndpoint) -> None:
    found = call(endpoint.scoring_uri_of(Task.DETECTION), "detect", PHOTOS / "rocket.jpg", key=endpoint.key)
    assert len(found) == 0
    assert not found
    assert found.image.size == (640, 427)


def test_the_call_is_told(call: Caller, endpoint: LocalEndpoint) -> None:
    found = call(endpoint.scoring_uri_of(Task.DETECTION), "detect", CAT, key=endpoint.key)
    assert found.call.deployment == "default"
    assert found.call.attempts == 1
    assert found.call.request_id
    assert found.call.client_request_id.startswith("acv-")
    assert 0 < found.call.model_time < found.call.elapsed


def test_score_takes_the_task_as_a_value(call: Caller, endpoint: LocalEndpoint) -> None:
    url = endpoint.scoring_uri_of("image-object-detection")
    single = call(url, "score", CAT, "image-object-detection", key=endpoint.key)
    assert single == call(url, "detect", CAT, key=endpoint.key)
    with pytest.raises(errors.InvalidInput, match="image-instance-segmentation"):
        call(url, "score", CAT, "detection", key=endpoint.key)


def test_health_and_warm_up(call: Caller, endpoint: LocalEndpoint) -> None:
    url = endpoint.scoring_uri_of(Task.DETECTION)
    assert call(url, "health", key=endpoint.key).ok
    assert call(url, "warm_up", key=endpoint.key).attempts == 1
    ill = call(url, "health", key="wrong")
    assert (ill.ok, ill.status) == (False, 401)
    assert "key" in ill.detail


def test_a_wrong_key_and_an_unknown_deployment(call: Caller, endpoint: LocalEndpoint) -> None:
    url = endpoint.scoring_uri_of(Task.DETECTION)
    with pytest.raises(errors.AuthenticationFailed, match="authentication mode is 'key'"):
        call(url, "detect", CAT, key="wrong")
    with pytest.raises(errors.EndpointNotFound, match="no deployment 'green'"):
        call(url, "detect", CAT, key=endpoint.key, deployment="green")


def test_the_reply_of_another_task(call: Caller, endpoint: LocalEndpoint) -> None:
    with pytest.raises(errors.UnexpectedReply, match="this endpoint answers with boxes: use detect"):
        call(endpoint.scoring_uri_of(Task.DETECTION), "classify", CAT, key=endpoint.key)


def test_several_in_one_request(call: Caller, endpoint: LocalEndpoint) -> None:
    url = endpoint.scoring_uri_of(Task.DETECTION)
    photos = [CAT, PHOTOS / "coffee.png", "there-is-no-such.png"]
    cat, cup, missing = call(url, "score", photos, Task.DETECTION, key=endpoint.key)
    assert cat.unwrap()[0].label == "cat"
    assert cup.result.top(1)[0].label == "cup"
    assert cat.result.call.client_request_id == cup.result.call.client_request_id
    with pytest.raises(errors.ImageError, match="no such file"):
        missing.unwrap()


def test_the_result_draws_and_saves_itself(tmp_path: Path, endpoint: LocalEndpoint) -> None:
    with Client(endpoint.scoring_uri_of(Task.SEGMENTATION), endpoint.key) as client:
        found = client.segment(CAT)
    image = Image.open(found.save(tmp_path / "cat.png"))
    assert image.size == (451, 300)
    changed = np.abs(np.asarray(image).astype(int) - np.asarray(Image.open(CAT))).sum(axis=2) > 0
    assert 0.2 < changed.mean() < 0.95
    again = type(found).model_validate_json(found.save(tmp_path / "cat.json").read_bytes())
    assert again == found
    with pytest.raises(errors.InvalidInput, match=r"\.png or \.jpg"):
        found.save(tmp_path / "cat.nonsense")


def test_a_small_image_in_bytes_takes_no_thread(monkeypatch: pytest.MonkeyPatch, endpoint: LocalEndpoint) -> None:
    """It would cost more than the work: benchmarks/async_rate.py."""
    data = encoded(Image.new("RGB", (64, 64)))

    async def main() -> None:
        async with AsyncClient(endpoint.scoring_uri_of(Task.DETECTION), endpoint.key) as client:
            usual = await client.detect(bytearray(data))
            monkeypatch.setattr(asyncio, "to_thread", None)
            assert await client.detect(data) == usual

    asyncio.run(main())

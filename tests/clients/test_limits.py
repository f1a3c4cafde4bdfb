"""The limits of the policy at work: packed requests, and a photo of 12 megapixels through a real model."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client import Client, ImagePolicy, Task, errors
from automl_cv_client.local import LocalEndpoint
from tests.conftest import PHOTOS, Caller, encoded
from tests.servers import Answer, Received, ScriptedServer


class Rows(Answer):
    """One row for every image of the request."""

    def __init__(self, count: int) -> None:
        super().__init__(200, json.dumps([{"boxes": []}] * count).encode())


class Counting(ScriptedServer):
    """Answers as many rows as it gets images, and 500 to the requests whose numbers are in ``failing``."""

    failing: frozenset[int] = frozenset()

    def step_for(self, request: Received) -> Answer:
        self.received.append(request)
        return Answer(403) if len(self.received) in self.failing else Rows(len(request.images))


@pytest.fixture
def counting() -> Any:
    server = Counting()
    server.start()
    yield server
    server.stop()


def several() -> list[Any]:
    return [encoded(Image.effect_noise((40 + 8 * i, 40), 50), "PNG") for i in range(12)]


@pytest.mark.parametrize("limit", [1024 + 4000, 10_000, 30_000, 10**6])
def test_requests_keep_their_limit(limit: int, call: Caller, counting: Counting) -> None:
    policy = ImagePolicy(most_request_bytes=limit)
    outcomes = call(counting.url, "score", several(), Task.DETECTION, images=policy)
    assert [outcome.ok for outcome in outcomes] == [True] * 12
    assert [outcome.index for outcome in outcomes] == list(range(12))
    assert all(len(request.body) <= limit for request in counting.received)
    assert sum(len(request.images) for request in counting.received) == 12
    sizes = [len(request.body) for request in counting.received]
    assert all(a + b > limit - 512 for a, b in pairwise(sizes)), "no request too many"
    assert (len(sizes) == 1) == (limit == 10**6)


def test_one_failing_request_does_not_harm_the_others(call: Caller, counting: Counting) -> None:
    counting.failing = frozenset([2])
    policy = ImagePolicy(most_request_bytes=10_000)
    outcomes = call(counting.url, "score", [*several(), b"no image"], Task.DETECTION, images=policy)
    failed = [outcome for outcome in outcomes if isinstance(outcome.error, errors.PermissionDenied)]
    assert len(failed) == len(counting.received[1].images) > 1
    assert isinstance(outcomes[-1].error, errors.ImageError)
    assert sum(outcome.ok for outcome in outcomes) == 12 - len(failed) > 0


def test_when_all_fail_it_is_raised(call: Caller, counting: Counting) -> None:
    counting.failing = frozenset(range(100))
    with pytest.raises(errors.PermissionDenied):
        call(counting.url, "score", several(), Task.DETECTION, images=ImagePolicy(most_request_bytes=10_000))


@pytest.fixture(scope="module")
def phone_photo() -> bytes:
    """12 megapixels in about 4 MB: a photo, enlarged, with the noise of a small sensor."""
    with Image.open(PHOTOS / "chelsea.png") as cat:
        large = cat.convert("RGB").resize((4242, 2822), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(1).normal(0, 7, (large.height, large.width, 1)).astype(np.int16)
    image = Image.fromarray((np.asarray(large) + noise).clip(0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=91)
    return buffer.getvalue()


LIMITED = [
    (ImagePolicy(most_bytes=1_000_000), 0.01),
    (ImagePolicy(most_request_bytes=1_000_000), 0.01),
    (ImagePolicy.for_rcnn(), 0.01),
    (ImagePolicy.for_yolo(), 0.01),
    (ImagePolicy(most_bytes=50_000), 0.02),
]


@pytest.mark.parametrize(("policy", "tolerance"), LIMITED, ids=lambda value: str(value)[:60])
def test_a_phone_photograph(policy: ImagePolicy, tolerance: float, phone_photo: bytes, endpoint: LocalEndpoint) -> None:
    assert 3_700_000 < len(phone_photo) < 4_500_000
    with Client(endpoint.scoring_uri_of(Task.DETECTION), endpoint.key) as client:
        original = client.detect(phone_photo)
        found = client.with_options(images=policy).detect(phone_photo)
    assert found.image.sent_bytes <= 1_000_000
    assert found.image.changes
    assert found.image.size == (4242, 2822)
    assert [detection.label for detection in found] == [detection.label for detection in original] == ["cat"]
    assert found[0].box == pytest.approx(original[0].box, abs=tolerance)

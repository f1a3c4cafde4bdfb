"""Rows that the server leaves out never end in a misaligned answer."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from automl_cv_client import Task, errors
from tests.conftest import Caller, encoded
from tests.servers import Answer, Received, ScriptedServer, boxes


class Forgetful(ScriptedServer):
    """Answers each image with a box labelled by its hash, and drops the images it does not like."""

    def __init__(self, *disliked: bytes) -> None:
        super().__init__(Answer())
        self.disliked = {fingerprint(image) for image in disliked}
        self.fails_on: str | None = None

    def step_for(self, request: Received) -> Answer:
        super().step_for(request)
        hashes = [fingerprint(base64.b64decode(text)) for text in request.images]
        if hashes == [self.fails_on]:
            return Answer(403)
        rows = [json.loads(boxes(digest))[0] for digest in hashes if digest not in self.disliked]
        return Answer(200, json.dumps(rows).encode())


def fingerprint(photo: bytes) -> str:
    return hashlib.sha256(photo).hexdigest()[:16]


@pytest.fixture
def photos() -> list[bytes]:
    from PIL import Image

    return [encoded(Image.new("RGB", (10 + i, 20), (40 * i, 0, 0)), "PNG") for i in range(4)]


def test_the_others_are_sent_again_singly(call: Caller, photos: list[bytes]) -> None:
    server = Forgetful(photos[1])
    server.start()
    outcomes = call(server.url, "score", photos, Task.DETECTION)
    assert [outcome.ok for outcome in outcomes] == [True, False, True, True]
    for photo, outcome in zip(photos, outcomes, strict=True):
        assert outcome.input is photo
        if outcome.ok:
            assert outcome.result[0].label == fingerprint(photo)
    assert isinstance(outcomes[1].error, errors.ImageDropped)
    assert "11x20 px" in str(outcomes[1].error)
    assert [len(request.images) for request in server.received] == [4, 1, 1, 1, 1]
    server.stop()


def test_an_error_while_sending_singly_stays_with_its_image(call: Caller, photos: list[bytes]) -> None:
    server = Forgetful(photos[0])
    server.fails_on = fingerprint(photos[2])
    server.start()
    outcomes = call(server.url, "score", photos, Task.DETECTION)
    kinds = [type(outcome.error) for outcome in outcomes]
    assert kinds == [errors.ImageDropped, type(None), errors.PermissionDenied, type(None)]
    server.stop()


def test_a_single_image_that_is_dropped_is_an_error(call: Caller, photos: list[bytes]) -> None:
    server = Forgetful(*photos)
    server.start()
    with pytest.raises(errors.ImageDropped, match="could not read the image") as caught:
        call(server.url, "detect", photos[0])
    assert caught.value.attempts == 1
    server.stop()


def test_only_unreadable_images_send_nothing(call: Caller, server: ScriptedServer) -> None:
    outcomes = call(server.url, "score", [b"no", b"image"], Task.DETECTION)
    assert [type(outcome.error) for outcome in outcomes] == [errors.ImageError] * 2
    assert server.received == []


def test_an_empty_list_is_an_empty_list(call: Caller, server: ScriptedServer) -> None:
    assert call(server.url, "score", [], Task.DETECTION) == []

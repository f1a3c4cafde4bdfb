"""A model without HTTP gives what it gives behind the endpoint, and answers while an endpoint is away."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client, ImageInput, RetryPolicy
from automl_cv_client._transports.fallback import Outage
from automl_cv_client.errors import AuthenticationFailed, ConnectionFailed, ImageError, InvalidInput, UnsupportedTask
from automl_cv_client.local import LocalEndpoint, LocalModel
from tests.local.conftest import CLASSIFICATION, DETECTION, MULTILABEL
from tests.onnx_models import write_color_model, write_yolo_model

YOLO = [[320, 320, 320, 320, 1.0, 0.9, 0.1]]
HERE = "model.onnx, on this machine"


@pytest.fixture
def model(tmp_path: Path) -> LocalModel:
    return LocalModel(write_yolo_model(tmp_path, YOLO), DETECTION)


def test_the_same_results_as_behind_the_endpoint(tmp_path: Path):
    image = Image.effect_noise((300, 200), 90).convert("RGB")
    path = write_color_model(tmp_path, times=1)
    for task in (CLASSIFICATION, MULTILABEL):
        with LocalEndpoint(task, model=path) as endpoint, Client(endpoint.scoring_uri, endpoint.key) as client:
            there, here = client.score(image, task), LocalModel(path, task).score(image, task)
        assert here == there
        assert (there.call.answered_by, here.call.answered_by) == ("endpoint", HERE)


def test_many_images_and_a_bad_one(model: LocalModel):
    images: list[ImageInput] = [Image.new("RGB", (9, 9)), b"no image", Image.new("RGB", (9, 9))]
    outcomes = list(model.detect_many(images))
    assert [outcome.ok for outcome in outcomes] == [True, False, True]
    assert isinstance(outcomes[1].error, ImageError)


def test_another_task_is_refused_by_name(model: LocalModel):
    with pytest.raises(UnsupportedTask, match=r"model.onnx is for image-object-detection: call detect, not segment"):
        model.segment(Image.new("RGB", (9, 9)))
    with pytest.raises(UnsupportedTask):
        model.classify_many([])
    assert repr(model) == "LocalModel('model.onnx', 'image-object-detection')"


def test_it_is_well_and_explains(tmp_path: Path):
    model = LocalModel(write_color_model(tmp_path, side=32), CLASSIFICATION)
    assert model.health().ok
    assert model.warm_up().answered_by == HERE
    assert model.explain(Image.new("RGB", (40, 40), "red")).explanation.label == "red"


def test_demo_models_and_wrong_options():
    assert LocalModel(None, MULTILABEL).name == "SSD MobileNet V2"
    with pytest.raises(InvalidInput, match="belong to a model of your own"):
        LocalModel(None, CLASSIFICATION, crop=224)


Ask = Callable[..., Any]


def ask_blocking(uri: str, model: LocalModel, calls: int, *, key: str = "k", image: Any = None, **options: Any) -> Any:
    with Client(uri, key, **options).with_fallback(model) as client:
        return [client.detect(image or Image.new("RGB", (8, 8))) for _ in range(calls)]


def ask_awaited(uri: str, model: LocalModel, calls: int, *, key: str = "k", image: Any = None, **options: Any) -> Any:
    async def ask() -> list[Any]:
        async with AsyncClient(uri, key, **options).with_fallback(model) as client:
            return [await client.detect(image or Image.new("RGB", (8, 8))) for _ in range(calls)]

    return asyncio.run(ask())


both = pytest.mark.parametrize("ask", [ask_blocking, ask_awaited], ids=["blocking", "awaited"])


@contextmanager
def silent_server() -> Iterator[tuple[str, list[socket.socket]]]:
    """Takes connections and never answers."""
    taken: list[socket.socket] = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/score", taken
        listening.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


@both
def test_an_endpoint_that_is_silent_costs_one_timeout(ask: Ask, model: LocalModel):
    with silent_server() as (uri, _):
        started = time.monotonic()
        results = ask(uri, model, 200, timeout=0.5)
        seconds = time.monotonic() - started
    assert {result.call.answered_by for result in results} == {HERE}
    assert {result[0].label for result in results} == {"can"}
    assert seconds < 0.5 + 200 * 0.05  # a guard against a second timeout, not a measurement


@both
def test_an_endpoint_that_is_gone_costs_no_retries(ask: Ask, model: LocalModel):
    (result,) = ask("http://127.0.0.1:9/score", model, 1)
    assert (result.call.answered_by, result.call.attempts) == (HERE, 1)


@both
def test_a_refused_key_and_a_bad_image_are_never_replaced(ask: Ask, model: LocalModel, tmp_path: Path):
    with LocalEndpoint(DETECTION) as endpoint:
        with pytest.raises(AuthenticationFailed):
            ask(endpoint.scoring_uri, model, 1, key="wrong")
        with pytest.raises(ImageError):
            ask(endpoint.scoring_uri, model, 1, key=endpoint.key, image=b"no image")


def test_an_endpoint_that_comes_back_answers_again(model: LocalModel):
    endpoint = LocalEndpoint(DETECTION, key="k").start()
    uri = endpoint.scoring_uri
    port = int(uri.split(":")[2].split("/")[0])
    plain = Client(uri, "k", retry=RetryPolicy(attempts=1))
    with plain.with_fallback(model) as client:
        assert client.detect(Image.new("RGB", (8, 8))).call.answered_by == "endpoint"
        endpoint.stop()
        assert client.detect(Image.new("RGB", (8, 8))).call.answered_by == HERE
        with pytest.raises(ConnectionFailed):
            plain.detect(Image.new("RGB", (8, 8)))  # the client it was made from is as it was
        with LocalEndpoint(DETECTION, key="k", port=port):
            until = time.monotonic() + 30
            while client.detect(Image.new("RGB", (8, 8))).call.answered_by == HERE:
                assert time.monotonic() < until
                time.sleep(0.05)


def test_the_endpoint_is_asked_less_and_less_often():
    now = [0.0]
    outage = Outage(lambda: now[0])
    assert not outage.claims_probe()
    outage.begin()
    pauses = []
    for _ in range(8):
        since = now[0]
        while not outage.claims_probe():
            now[0] += 0.5
        assert not outage.claims_probe()  # one at a time
        pauses.append(now[0] - since)
        outage.probed(answered=False)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    now[0] += 30
    assert outage.claims_probe()
    outage.probed(answered=True)
    assert not outage.on

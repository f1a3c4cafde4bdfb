"""Recording real traffic, and replaying it offline: no key, no host, no image in the file."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, RetryPolicy, Task, errors
from automl_cv_client.testing import Recorder, Replay, record
from tests.conftest import Caller, encoded
from tests.servers import Answer, ScriptedServer, boxes

KEY = "canary0Key4That5Must6Never7Show8Anywhere"


def recorded(call: Caller, server: ScriptedServer, path: Path, images: list[bytes]) -> str:
    with record(path) as recorder:
        if call.awaited:
            asyncio.run(recorded_async(recorder, server, images))
        else:
            client = Client(server.url, KEY, http_client=recorder.http_client(), retry=RetryPolicy(backoff=0))
            for image in images:
                client.detect(image)
    return path.read_text()


async def recorded_async(recorder: Recorder, server: ScriptedServer, images: list[bytes]) -> None:
    async with recorder.async_http_client() as mine:
        client = AsyncClient(server.url, KEY, http_client=mine, retry=RetryPolicy(backoff=0))
        for image in images:
            await client.detect(image)


def test_what_was_recorded_is_replayed(call: Caller, server: ScriptedServer, image: bytes, tmp_path: Path) -> None:
    from PIL import Image

    other = encoded(Image.new("RGB", (50, 50)))
    server.steps = [
        Answer(503, b'{"message": "no"}'),
        Answer(200, boxes("cat"), {"ms-azureml-model-time": "12", "set-cookie": "session=secret"}),
        Answer(200, boxes("dog")),
    ]
    text = recorded(call, server, tmp_path / "one.json", [image, other])
    server.stop()  # from here on there is no endpoint
    assert KEY not in text
    assert "127.0.0.1" not in text
    assert "secret" not in text
    assert base64.b64encode(image).decode()[:60] not in text
    assert json.loads(text)["exchanges"][0]["request"]["images"][0]["bytes"] == len(image)

    with Replay(tmp_path / "one.json").client(retry=RetryPolicy(backoff=0)) as client:
        assert client.detect(other)[0].label == "dog"  # in any order
        found = client.detect(image)
        assert (found[0].label, found.call.attempts, found.call.model_time) == ("cat", 2, 0.012)
        assert client.detect(image).call.attempts == 1  # the last answer repeats
        with pytest.raises(AssertionError, match="record it again"):
            client.detect(encoded(Image.new("RGB", (51, 50))))


def test_a_replay_can_be_awaited(server: ScriptedServer, image: bytes, tmp_path: Path) -> None:
    server.steps = [Answer(200, boxes("cat"))]
    recorded(Caller(False), server, tmp_path / "one.json", [image])

    async def main() -> None:
        async with Replay(tmp_path / "one.json").async_client() as client:
            assert (await client.detect(image))[0].label == "cat"

    asyncio.run(main())


def test_an_echoed_key_and_an_explanation_are_not_kept(server: ScriptedServer, image: bytes, tmp_path: Path) -> None:
    shown = base64.b64encode(image).decode()
    row = {"probs": [1.0], "labels": ["cat"], "visualizations": shown, "attributions": None, "said": KEY}
    for body in (json.dumps([row]), json.dumps(json.dumps([row])).replace("/", "\\/")):
        server.steps = [Answer(200, body.encode(), {"x-ms-request-id": f"id-{KEY}"})]
        with record(tmp_path / "x.json") as recorder:
            Client(server.url, KEY, http_client=recorder.http_client()).classify(image)
        text = (tmp_path / "x.json").read_text()
        assert KEY not in text
        assert shown[100:160] not in text.replace("\\", "")
        with Replay(tmp_path / "x.json").client() as client:
            assert client.classify(image).label == "cat"


def test_nothing_is_written_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), record(tmp_path / "no.json"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[]", '{"format": "other"}'])
def test_what_is_no_recording_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(errors.InvalidInput, match="recording"):
        Replay(tmp_path / "odd.json")


def test_real_traffic_of_the_local_endpoint(image: bytes, tmp_path: Path) -> None:
    from automl_cv_client.local import LocalEndpoint

    photo: Any = Path(__file__).parents[2] / "samples" / "photos" / "coffee.png"
    with LocalEndpoint(Task.DETECTION) as endpoint, record(tmp_path / "real.json") as recorder:
        real = Client(endpoint.scoring_uri, endpoint.key, http_client=recorder.http_client()).detect(photo)
        key = endpoint.key
    assert key not in (tmp_path / "real.json").read_text()
    assert Replay(tmp_path / "real.json").client().detect(photo) == real

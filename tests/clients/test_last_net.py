"""What a library makes of one odd image is that image's failure, and ends neither the batch nor the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, ImagePolicy, errors
from automl_cv_client._flow import scoring
from tests.conftest import Caller
from tests.servers import Answer, ScriptedServer, boxes

ODD = b"the odd one"
REDUCED = ImagePolicy(longest_side=100)  # decoded, and so prepared in a thread


@pytest.fixture(params=[MemoryError, RecursionError, IndexError, OSError, SyntaxError], ids=lambda kind: kind.__name__)
def fails(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    from automl_cv_client._imaging import prepare

    def odd(image: Any, *given: Any) -> Any:
        if image == ODD:
            raise request.param("of a library")
        return prepare(image, *given)

    for name in ("prepare", "prepare_lightly"):
        monkeypatch.setattr(scoring, name, odd)
    return request.param  # type: ignore[no-any-return]


def test_in_a_call(fails: type[Exception], call: Caller, server: ScriptedServer) -> None:
    with pytest.raises(errors.ImageError, match=rf"<bytes, 11 bytes> cannot be read \({fails.__name__}: ") as caught:
        call(server.url, "detect", ODD)
    assert caught.value.__context__ is None
    assert not server.received


@pytest.mark.parametrize("per_request", [1, 3])
def test_in_a_stream(fails: type[Exception], per_request: int, server: ScriptedServer, image: bytes) -> None:
    row = boxes("cat")[1:-1]
    steps = {1: boxes("cat"), 3: b"[" + row + b"," + row + b"]"}
    server.steps = [Answer(200, steps[per_request])]
    images = [image, ODD, image]
    with Client(server.url, "k", images=REDUCED) as client:
        found = list(client.detect_many(images, per_request=per_request))
    assert [outcome.ok for outcome in found] == [True, False, True]
    assert isinstance(found[1].error, errors.ImageError)

    async def awaited() -> list[bool]:
        async with AsyncClient(server.url, "k", images=REDUCED) as client:
            return [outcome.ok async for outcome in client.detect_many(images, per_request=per_request)]

    assert asyncio.run(awaited()) == [True, False, True]

"""Many explanations: in order, lazily, each with an outcome of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, Outcome, XaiParameters, errors
from tests.conftest import Caller
from tests.explanations import reply, row
from tests.servers import Answer, ScriptedServer

GOOD = Answer(body=reply(row([0.9, 0.1], "AAAA", None)))


def collect(call: Caller, url: str, images: Any, method: str = "explain_many", **options: Any) -> list[Outcome[Any]]:
    if not call.awaited:
        with Client(url, "k") as client:
            return list(getattr(client, method)(images, **options))

    async def main() -> list[Outcome[Any]]:
        async with AsyncClient(url, "k") as client:
            return [outcome async for outcome in getattr(client, method)(images, **options)]

    return asyncio.run(main())


def test_each_image_has_an_outcome_in_order(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [GOOD]
    found = collect(call, server.url, iter([image, b"no image", image]), concurrency=3)
    assert [(outcome.index, outcome.ok) for outcome in found] == [(0, True), (1, False), (2, True)]
    assert found[0].unwrap().explanation.label == "a"
    assert isinstance(found[1].error, errors.ImageError)
    assert len(server.received) == 2


def test_multilabel(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(body=reply(row([0.9, 0.8], ["AAAA", "BBBB"], None)))]
    (outcome,) = collect(call, server.url, [image], "explain_multilabel_many", parameters=XaiParameters())
    assert [each.label for each in outcome.unwrap().explanations] == ["a", "b"]


def test_a_task_held_in_a_variable(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(body=reply(row([0.9, 0.8], ["AAAA", "BBBB"], None)))]
    (outcome,) = collect(call, server.url, [image], task="image-classification-multilabel")
    assert [part.label for part in outcome.unwrap().explanations] == ["a", "b"]
    with pytest.raises(errors.UnsupportedTask):
        collect(call, server.url, [image], task="image-object-detection")


def test_a_folder(call: Caller, server: ScriptedServer, image: bytes, tmp_path: Path) -> None:
    server.steps = [GOOD]
    for name in ("b.jpg", "a.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(image)
    found = collect(call, server.url, tmp_path)
    assert [Path(outcome.input).name for outcome in found] == ["a.JPG", "b.jpg"]


def test_images_are_read_as_their_turn_comes(server: ScriptedServer, image: bytes) -> None:
    server.steps = [GOOD]
    read = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield image

    with Client(server.url, "k") as client:
        many = client.explain_many(endless(), concurrency=2)
        assert next(many).ok
        many.close()
    assert len(read) <= 8 * 2 + 16  # the source is endless; what waits in line is bounded


@pytest.mark.parametrize(
    ("images", "options"), [(b"one", {}), (7, {}), ("no-such-folder", {}), ([], {"concurrency": 0})], ids=str
)
def test_bad_arguments(images: Any, options: Any, call: Caller, server: ScriptedServer) -> None:
    with pytest.raises(errors.InvalidInput):
        collect(call, server.url, images, **options)
    assert server.received == []

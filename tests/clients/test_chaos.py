"""A server that misbehaves at random: every call ends in the right answer or in one of our errors."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from automl_cv_client import AsyncClient, Client, RetryPolicy, errors
from automl_cv_client._imaging.encoding import grey_png
from tests.servers import Answer, Received, Reset, ScriptedServer, Truncated, boxes

QUICK = RetryPolicy(attempts=3, backoff=0, longest_backoff=0)


@dataclass(frozen=True)
class WrongLength(Answer):
    """Says it is shorter than it is: what is left over poisons the connection."""

    def send(self, connection: socket.socket) -> None:
        connection.sendall(self.head(len(self.body) - 7) + self.body)


class Chaos(ScriptedServer):
    """Labels each image by its hash, most of the time."""

    def __init__(self, seed: int) -> None:
        super().__init__(Answer())
        self.dice = random.Random(seed)

    def step_for(self, request: Received) -> Answer:
        (text,) = request.images
        good = boxes(fingerprint(base64.b64decode(text)))
        fault = self.dice.randrange(14)
        faults: dict[int, Answer] = {
            0: Reset(),
            1: Truncated(200, good[:-3]),
            2: WrongLength(200, good),
            3: Answer(200, b"[]"),
            4: Answer(200, good[:-1] + b"," + good[1:]),
            5: Answer(self.dice.choice([400, 408, 429, 500, 502, 503, 504]), good),
            6: Answer(424, good, {"ms-azureml-model-error-statuscode": self.dice.choice(["500", "503", "400"])}),
            7: Answer(200, good.replace(b'"score"', b'"scare"')),
        }
        return faults.get(fault, Answer(200, good))


def fingerprint(image: bytes) -> str:
    return hashlib.sha256(image).hexdigest()[:16]


IMAGES = [grey_png(side) for side in range(1, 40)]


@pytest.mark.bar(1)
@pytest.mark.parametrize("calls", [400, pytest.param(50_000, marks=pytest.mark.slow)])
def test_sync(calls: int, figure: Callable[[str], None]) -> None:
    server = Chaos(seed=1)
    server.start()
    seen: Counter[str] = Counter()
    with Client(server.url, "key", retry=QUICK, timeout=60) as client:
        for number in range(calls):
            image = IMAGES[number % len(IMAGES)]
            try:
                seen["right" if client.detect(image)[0].label == fingerprint(image) else "WRONG"] += 1
            except errors.CallError as error:
                seen[type(error).__name__] += 1
    server.stop()
    figure(f"{calls:,} calls: {seen['WRONG']} wrong, {seen['right']:,} right, the others one of our errors")
    assert seen["WRONG"] == 0
    assert sum(seen.values()) == calls
    assert seen["right"] > calls * 0.5
    assert {"ImageDropped", "UnexpectedReply"} <= set(seen)


@pytest.mark.bar(1)
@pytest.mark.parametrize("calls", [400, pytest.param(50_000, marks=pytest.mark.slow)])
def test_async(calls: int, figure: Callable[[str], None]) -> None:
    server = Chaos(seed=2)
    server.start()
    seen: Counter[str] = Counter()

    async def worker(client: AsyncClient, numbers: range) -> None:
        for number in numbers:
            image = IMAGES[number % len(IMAGES)]
            try:
                found = await client.detect(image)
                seen["right" if found[0].label == fingerprint(image) else "WRONG"] += 1
            except errors.CallError as error:
                seen[type(error).__name__] += 1

    async def main() -> None:
        async with AsyncClient(server.url, "key", retry=QUICK, timeout=60) as client:
            await asyncio.gather(*(worker(client, range(first, calls, 8)) for first in range(8)))

    asyncio.run(main())
    server.stop()
    figure(f"{calls:,} calls: {seen['WRONG']} wrong, {seen['right']:,} right, the others one of our errors")
    assert seen["WRONG"] == 0
    assert sum(seen.values()) == calls
    assert seen["right"] > calls * 0.5

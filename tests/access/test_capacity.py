"""How many requests at once: asked of Resource Manager, once for several batches; found out where it is not told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from azure.identity import ClientSecretCredential

from automl_cv_client import AsyncClient, Client, Deployment, errors
from automl_cv_client._clients.capacity import requests_at_once
from automl_cv_client._protocol.control_plane import deployment_with
from tests.access.stand_ins import NAMES, Azure
from tests.access.test_identities import secret_credential


@pytest.fixture
def identity(azure: Azure) -> Iterator[ClientSecretCredential]:
    with secret_credential(azure) as credential:
        yield credential


def test_several_batches_ask_once(azure: Azure, identity: Any, image: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "automl_cv_client")
    with Client.from_workspace(*NAMES, credential=identity, cloud=azure.cloud) as client:
        for _ in range(3):
            assert all(outcome.ok for outcome in client.detect_many([image] * 3, concurrency="ask"))
        with client.stream("image-object-detection", concurrency="ask") as run:
            assert all(outcome.ok for outcome in run.score([image] * 3))
            assert run.stats().limit == 8
    assert azure.manager.asked.count("deployments") == 1
    assert caplog.text.count("takes 8 requests at once") == 1


def test_the_awaited_client_asks_too(azure: Azure, identity: Any, image: bytes) -> None:
    async def main() -> int:
        client = await AsyncClient.from_workspace(*NAMES, credential=identity, cloud=azure.cloud)
        async with client, client.stream("image-object-detection", concurrency="ask") as run:
            assert all(outcome.ok for outcome in await run.score([image] * 3))
            return run.stats().limit

    assert asyncio.run(main()) == 8


def test_what_is_not_told_is_found_out(azure: Azure, identity: Any, image: bytes) -> None:
    azure.manager.computes = dict.fromkeys(azure.manager.deployments, "Kubernetes")
    with Client.from_workspace(*NAMES, credential=identity, cloud=azure.cloud) as client:
        assert [each.requests_at_once for each in client.deployments()] == [None, None, None]
        with client.stream("image-object-detection", concurrency="ask") as run:
            run.score([image])
            assert run.stats().limit == 2


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_scoring_uri_cannot_be_asked(kind: Any, image: bytes) -> None:
    client = kind("http://127.0.0.1:9/score", "k")
    with pytest.raises(errors.InvalidInput, match="from_workspace"):
        client.detect_many([image], concurrency="ask")
    with pytest.raises(errors.InvalidInput, match="from_workspace"):
        client.stream("image-object-detection", concurrency="ask")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("blue", 6), ("GREEN", 4), ("red", None), ("gone", None), (None, 8)],
)
def test_the_traffic_shares_what_is_taken(name: str | None, expected: int | None) -> None:
    """A quarter of the requests goes to green, which takes 4: at 8 in all it has 2, blue 6, which is all it takes."""
    blue = Deployment(name="blue", traffic=75, requests_at_once=6)
    green = Deployment(name="green", traffic=25, requests_at_once=4)
    red = Deployment(name="red", traffic=0)
    assert requests_at_once([blue, green, red], name) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, (3, 12)),
        ({"scale": None}, (3, 12)),
        ({"scale": "TargetUtilization"}, (None, None)),
        ({"is_managed": False}, (None, None)),
        ({"instances": None}, (None, None)),
        ({"instances": 0}, (None, None)),
        ({"per_instance": None}, (3, None)),
    ],
)
def test_what_a_deployment_takes_at_once(told: dict[str, Any], expected: tuple[int | None, int | None]) -> None:
    given = {"is_managed": True, "scale": "Default", "instances": 3, "per_instance": 2, "request_timeout": 5.0, **told}
    found = deployment_with("blue", 100, "Succeeded", **given)
    assert (found.instances, found.requests_at_once) == expected

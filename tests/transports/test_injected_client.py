"""A client of the user's own does the sending, and stays the user's."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from automl_cv_client import AsyncClient, Client, RetryPolicy, errors
from tests.servers import Answer, ScriptedServer, boxes

ONCE = RetryPolicy(attempts=1)


def answer(request: httpx.Request) -> httpx.Response:
    assert request.headers["authorization"] == "Bearer key"
    return httpx.Response(200, content=boxes("cat"))


def test_its_transport_is_used_and_it_stays_open(image: bytes) -> None:
    with httpx.Client(transport=httpx.MockTransport(answer)) as mine:
        with Client("https://example.org/score", "key", http_client=mine) as client:
            assert client.detect(image)[0].label == "cat"
        assert not mine.is_closed


def test_an_async_one_too(image: bytes) -> None:
    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as mine:
            async with AsyncClient("https://example.org/score", "key", http_client=mine) as client:
                assert (await client.detect(image))[0].label == "cat"
            assert not mine.is_closed

    asyncio.run(main())


def test_its_own_authentication_and_redirects_do_not_interfere(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(307, b"", {"location": "/other"})]
    with httpx.Client(auth=("user", "password"), follow_redirects=True) as mine:
        client = Client(server.url, "key", http_client=mine, retry=ONCE)
        with pytest.raises(errors.StatusError, match="never followed"):
            client.detect(image)
    assert [request.headers["authorization"] for request in server.received] == ["Bearer key"]


def test_its_errors_become_ours(image: bytes) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=request)

    with httpx.Client(transport=httpx.MockTransport(fail)) as mine:
        client = Client("https://example.org/score", "key", http_client=mine, retry=ONCE)
        with pytest.raises(errors.ConnectionFailed, match="broke before the answer was whole") as caught:
            client.detect(image)
    assert caught.value.__context__ is None  # httpx's error would hold the request with its key and image
    assert caught.value.__cause__ is None


def test_a_bug_in_it_is_not_swallowed(image: bytes) -> None:
    def buggy(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    with httpx.Client(transport=httpx.MockTransport(buggy)) as mine, pytest.raises(ZeroDivisionError):
        Client("https://example.org/score", "key", http_client=mine).detect(image)

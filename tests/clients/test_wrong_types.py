"""Arguments of wrong types are InvalidInput at every public door of both clients, never an error of Python's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, RetryPolicy, errors
from tests.servers import Answer, ScriptedServer

WRONG: list[Any] = [5, -1, 1.5, float("nan"), "x", b"x", True, object(), [], {"a": 1}, [None], print]
NOT_CALLED = {"close", "deployments", "from_env", "from_ml_client", "from_workspace", "health", "stats", "warm_up"}
METHODS = sorted(name for name in dir(Client) if not name.startswith("_") and name not in {*NOT_CALLED, "with_options"})
URI = "https://example.org/score"


def arguments(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", arguments(Client.__init__))
def test_of_the_constructor(kind: type[Any], name: str) -> None:
    for value in WRONG:
        _refused_or_taken(lambda value=value: kind(**{"scoring_uri": URI, "credential": "k", name: value}))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", arguments(Client.with_options))
def test_of_a_copy(kind: type[Any], name: str) -> None:
    for value in WRONG:
        _refused_or_taken(lambda value=value: kind(URI, "k").with_options(**{name: value}))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", arguments(Client.from_env))
def test_of_the_environment(kind: type[Any], name: str) -> None:
    environ = {"AUTOML_CV_SCORING_URI": URI, "AUTOML_CV_KEY": "k"}
    for value in WRONG:
        _refused_or_taken(lambda value=value: kind.from_env(**{"environ": environ, name: value}))


def test_of_a_variable() -> None:
    for value in (5, b"x", ["x"]):
        with pytest.raises(errors.InvalidInput, match="AUTOML_CV_KEY must be text"):
            Client.from_env({"AUTOML_CV_SCORING_URI": URI, "AUTOML_CV_KEY": value})  # type: ignore[dict-item]
    dotenv: Any = {"AUTOML_CV_SCORING_URI": URI, "AUTOML_CV_KEY": "k", "AUTOML_CV_DEPLOYMENT": None}
    Client.from_env(dotenv)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"deployment": 5}, "deployment must be a deployment's name as text"),
        ({"deadline": "x"}, "deadline must be a number of seconds above 0"),
        ({"timeout": True}, "timeout must be a number of seconds above 0"),
        ({"strict": "yes"}, "strict must be True or False"),
        ({"allow_http": 1}, "allow_http must be True or False"),
    ],
)
def test_the_argument_is_named(options: dict[str, Any], words: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(errors.InvalidInput, match=words):
            kind(URI, "k", **options)


@pytest.mark.parametrize("method", METHODS)
def test_of_a_method(method: str, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, b"[]")]
    for name, given in _calls(method, image):
        with Client(server.url, "k", retry=RetryPolicy(attempts=1)) as client:
            _refused_or_taken(lambda given=given, client=client: _begun(getattr(client, method)(**given)), f"{name}")
    assert asyncio.run(_awaited(server.url, method, image)) == []


async def _awaited(url: str, method: str, image: bytes) -> list[str]:
    foreign = []
    async with AsyncClient(url, "k", retry=RetryPolicy(attempts=1)) as client:
        for name, given in _calls(method, image):
            try:
                begun = getattr(client, method)(**given)
                if inspect.isawaitable(begun):
                    begun = await begun
                if inspect.isasyncgen(begun):
                    await anext(begun, None)
                    await begun.aclose()
            except errors.AutoMLVisionError:
                continue
            except Exception as error:  # noqa: BLE001 - which is what this test looks for
                foreign.append(f"{name}: {error!r}")
    return foreign


def _calls(method: str, image: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    usual = {"image": image, "images": [image], "task": "image-classification"}
    names = arguments(getattr(Client, method))
    for name in names:
        for value in WRONG:
            yield f"{name}={value!r}", {**{key: usual[key] for key in names if key in usual}, name: value}


def _begun(stream: Any) -> None:
    if inspect.isgenerator(stream):
        list(islice(stream, 1))
        stream.close()


def _refused_or_taken(work: Any, told: str = "") -> None:
    try:
        work()
    except errors.AutoMLVisionError:
        return
    except Exception as error:
        raise AssertionError(f"{told} ended in {error!r}") from error

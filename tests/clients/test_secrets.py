"""The key shows nowhere: a canary is looked for on every surface a key could reach."""

from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential

from automl_cv_client import AsyncClient, Client, RetryPolicy, Task, errors
from automl_cv_client.credentials import KeyCredential, credential_for
from automl_cv_client.settings import EndpointSettings
from tests.conftest import Caller
from tests.servers import Answer, Reset, ScriptedServer, Silence, Truncated, boxes

pytestmark = pytest.mark.bar(3)

CANARY = "canary0Key4That5Must6Never7Show8Anywhere"
ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything any library logs, at DEBUG."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def surfaces_of(error: BaseException) -> Iterator[str]:
    """All that a program can print of an error, its causes and contexts, with local variables of our frames."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        item = todo.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        yield from (str(item), repr(item), repr(item.args), repr(vars(item)))
        todo += [item.__cause__, item.__context__]
    yield "".join(traceback.format_exception(error))
    yield repr(pickle.dumps(error))
    yield str(pickle.loads(pickle.dumps(error)))
    yield str(copy.deepcopy(error))


ECHO = json.dumps({"message": f"you sent Bearer {CANARY}, which is wrong"}).encode()
STEPS = {
    "401": Answer(401, ECHO),
    "403": Answer(403, ECHO),
    "404": Answer(404, ECHO),
    "424": Answer(424, ECHO, {"ms-azureml-model-error-reason": f"bad {CANARY}"}),
    "429": Answer(429, ECHO),
    "503": Answer(503, ECHO),
    "307": Answer(307, ECHO, {"location": f"http://127.0.0.1:9/{CANARY}"}),
    "200 not a reply": Answer(200, ECHO),
    "200 not JSON": Answer(200, b"<html>" + ECHO),
    "200 odd keys": Answer(200, json.dumps({CANARY: 1}).encode()),
    "reset": Reset(),
    "truncated": Truncated(200, ECHO),
    "silence": Silence(),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_not_in_an_error(step: Answer, call: Caller, server: ScriptedServer, image: bytes, logs: io.StringIO) -> None:
    server.steps = [step]
    with pytest.raises(errors.AutoMLVisionError) as caught:
        call(server.url, "detect", image, key=CANARY, retry=ONCE, timeout=0.5 if isinstance(step, Silence) else 30)
    for surface in surfaces_of(caught.value):
        assert CANARY not in surface
    if CANARY not in str(step.headers):  # httpcore logs these at DEBUG, whatever a server echoes there
        assert CANARY not in logs.getvalue()
    assert server.received[0].headers["authorization"] == f"Bearer {CANARY}"  # the canary was really at work


def test_not_in_the_log_of_a_good_call(call: Caller, server: ScriptedServer, image: bytes, logs: io.StringIO) -> None:
    server.steps = [Answer(200, boxes("cat"))]
    found = call(server.url, "detect", image, key=CANARY)
    assert CANARY not in logs.getvalue()
    assert CANARY not in repr(found) + found.model_dump_json() + repr(pickle.dumps(found))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_not_in_a_client(kind: type[Any]) -> None:
    client = kind(f"https://example.org/score?sig={CANARY}", CANARY)
    for item in (client, client.with_options(deployment="green")):
        assert CANARY not in repr(item) + str(item) + f"{item!s}"
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(item)
        with pytest.raises(TypeError, match="not pickled"):
            copy.deepcopy(item)


def test_a_signature_in_the_uri_shows_in_no_error(call: Caller, server: ScriptedServer, image: bytes) -> None:
    for step in (Answer(401), Answer(200, b"<html>"), Silence(), Answer(404)):
        server.steps = [step]
        with pytest.raises(errors.CallError) as caught:
            call(f"{server.url}?sig={CANARY}", "detect", image, retry=ONCE, timeout=0.2, deadline=0.3)
        for surface in surfaces_of(caught.value):
            assert CANARY not in surface
        assert CANARY not in call(f"{server.url}?sig={CANARY}", "health", timeout=0.2).detail


def test_not_in_a_credential() -> None:
    credential = KeyCredential(CANARY, CANARY + "2")
    assert CANARY not in repr(credential) + str(credential)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credential)


def test_not_in_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", "https://example.org/score")
    monkeypatch.setenv("AUTOML_CV_KEY", CANARY)
    settings = EndpointSettings.from_env()
    assert settings.secret() == CANARY
    assert CANARY not in repr(settings) + str(settings) + settings.model_dump_json()
    assert CANARY not in repr(Client.from_env())


@pytest.mark.parametrize("odd", [" ", "\n", "\r\n", "\0", "é", "\x7f", "\t"])
def test_not_in_the_error_of_an_odd_key(odd: str) -> None:
    with pytest.raises(errors.InvalidInput, match="copy it again") as caught:
        Client("https://example.org/score", CANARY[:10] + odd + CANARY[10:])
    for surface in surfaces_of(caught.value):
        assert CANARY[:10] not in surface
        assert CANARY[10:] not in surface


def test_a_key_that_is_only_badly_pasted_works(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, boxes("cat"))]
    call(server.url, "detect", image, key=f"  {CANARY}\n")
    assert server.received[0].headers["authorization"] == f"Bearer {CANARY}"


def test_an_azure_key_credential_works(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, boxes("cat"))]
    with Client(server.url, AzureKeyCredential(CANARY)) as client:
        client.detect(image)
    assert server.received[0].headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("wrong", [17, b"bytes", "", object()])
def test_what_is_no_credential(wrong: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="key"):
        credential_for(wrong)


def test_the_second_key_is_tried_once_when_the_first_is_refused() -> None:
    credential = KeyCredential("first", "second")
    assert credential.authorize(None, None) == "Bearer first"
    assert credential.authorize("Bearer first", None) == "Bearer second"
    assert credential.authorize("Bearer first", None) == "Bearer second"  # a concurrent caller, told late
    assert credential.authorize("Bearer second", None) is None


def test_no_image_shows_in_an_error(call: Caller, server: ScriptedServer, image: bytes) -> None:
    class Echo(ScriptedServer):
        def step_for(self, request: Any) -> Answer:
            return Answer(200, request.body)

    echo = Echo()
    echo.start()
    with pytest.raises(errors.UnexpectedReply) as caught:
        call(echo.url, "score", image, Task.DETECTION)
    import base64

    sent = base64.b64encode(image).decode()
    assert sent[200:280] not in caught.value.excerpt
    assert len(caught.value.excerpt) <= 2000
    echo.stop()

"""No key and no image stands in a local variable of any frame that an error came through, at any public door.

``pytest -l``, Sentry and rich print the variables of a traceback's frames.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aiohttp
import httpx
import pytest

from automl_cv_client import (
    AsyncClient,
    Client,
    Hooks,
    ImagePolicy,
    RetryPolicy,
    Task,
    XaiParameters,
    doctor,
    errors,
)
from automl_cv_client.credentials import KeyCredential
from automl_cv_client.settings import EndpointSettings, settings_from_env
from tests.conftest import Caller
from tests.servers import Answer, Drip, Reset, ScriptedServer, Silence, Truncated, boxes

pytestmark = pytest.mark.bar(30)

CANARY = "canary0Key4That5Must6Never7Show8Anywhere"
ONCE = RetryPolicy(attempts=1)
DEEPEST = 4


def leaks_of(error: BaseException, image: bytes = b"") -> list[str]:
    """Where the canary or a piece of the image stands among the variables of the error's frames, tests excepted."""
    found: list[str] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        failure = waiting.pop()
        if failure is None or id(failure) in seen:
            continue
        seen.add(id(failure))
        waiting += [failure.__cause__, failure.__context__, *getattr(failure, "exceptions", ())]
        trace = failure.__traceback__
        while trace is not None:
            frame, trace = trace.tb_frame, trace.tb_next
            if "/tests/" not in frame.f_code.co_filename.replace("\\", "/"):
                found += [
                    f"{frame.f_code.co_filename}:{frame.f_code.co_name}: {name}"
                    for name, value in frame.f_locals.items()
                    if shows(value, image)
                ]
    return found


def shows(value: Any, image: bytes, depth: int = 0) -> bool:
    if isinstance(value, bytes | bytearray | memoryview):
        held = bytes(value)
        return CANARY.encode() in held or (len(image) > 60 and image[20:60] in held)
    if CANARY in (value if isinstance(value, str) else repr(value)):
        return True
    if depth == DEEPEST:
        return False
    if isinstance(value, Mapping):
        return any(shows(part, image, depth + 1) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(shows(part, image, depth + 1) for part in value)
    return False


STEPS = {
    "401": Answer(401),
    "403": Answer(403),
    "424": Answer(424),
    "503": Answer(503),
    "307": Answer(307, b"", {"location": "http://127.0.0.1:9/"}),
    "not JSON": Answer(200, b"<html>"),
    "another task": Answer(200, b'[{"probs": [1], "labels": ["a"]}]'),
    "a flat list": Answer(200, b"[" + b"1," * 100_000 + b"1]"),
    "dropped": Answer(200, b"[]"),
    "broken compression": Answer(200, b"x", {"content-encoding": "gzip"}),
    "unknown compression": Answer(200, b"x", {"content-encoding": "zstd"}),
    "reset": Reset(),
    "truncated": Truncated(200, b"[{"),
    "silence": Silence(),
    "drip": Drip(200, boxes("cat") * 10, pause=0.05),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
def test_of_a_call(step: Answer, call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [step]
    with pytest.raises(errors.AutoMLVisionError) as caught:
        call(server.url, "detect", image, key=CANARY, retry=ONCE, timeout=0.3)
    assert leaks_of(caught.value, image) == []
    assert caught.value.__traceback__ is not None
    lines = [entry.name for entry in caught.traceback]
    assert "run" in lines or "run_async" in lines or "send" in lines  # where it was is still told


@pytest.mark.parametrize(
    "step", [Answer(503), Reset(), Silence(), Answer(200, b"<html>")], ids=lambda step: type(step).__name__
)
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("classify", ()),
        ("classify_multilabel", ()),
        ("segment", ()),
        ("score", ("image-object-detection",)),
        ("explain", ()),
        ("explain_multilabel", (XaiParameters(attributions=True),)),
        ("detect_tiled", ()),
        ("segment_tiled", ()),
    ],
)
def test_of_every_method(
    step: Answer, method: str, arguments: tuple[Any, ...], call: Caller, server: ScriptedServer, image: bytes
) -> None:
    server.steps = [step]
    with pytest.raises(errors.AutoMLVisionError) as caught:
        call(server.url, method, image, *arguments, key=CANARY, retry=ONCE, timeout=0.3, deadline=0.4)
    assert leaks_of(caught.value, image) == []


def test_of_images_that_cannot_be_read(call: Caller, server: ScriptedServer, image: bytes) -> None:
    for wrong in (image[: len(image) // 2], b"not an image at all, " * 20, b"", image[:100]):
        with pytest.raises(errors.AutoMLVisionError) as caught:
            call(server.url, "detect", wrong, key=CANARY)
        assert leaks_of(caught.value, wrong) == []


def test_of_a_place_where_nobody_listens(call: Caller, image: bytes) -> None:
    for url in ("http://127.0.0.1:9/score", "https://127.0.0.1:9/score"):
        with pytest.raises(errors.ConnectionFailed) as caught:
            call(url, "detect", image, key=CANARY, retry=ONCE)
        assert leaks_of(caught.value, image) == []


def test_of_warming_up(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(503)]
    with pytest.raises(errors.ServiceUnavailable) as caught:
        call(server.url, "warm_up", key=CANARY, retry=ONCE)
    assert leaks_of(caught.value) == []


@pytest.mark.parametrize("method", ["detect_many", "explain_many"])
def test_of_a_stream_that_nothing_can_help(method: str, call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(401)]

    def images() -> Iterator[bytes]:
        while True:
            yield image

    def of_all(client: Client) -> None:
        for outcome in getattr(client, method)(images()):
            assert leaks_of(outcome.error, image) == []

    async def of_all_awaited(client: AsyncClient) -> None:
        async for outcome in getattr(client, method)(images()):
            assert leaks_of(outcome.error, image) == []

    with Client(server.url, CANARY) as client, pytest.raises(errors.AutoMLVisionError) as caught:
        of_all(client)
    assert leaks_of(caught.value, image) == []

    async def awaited() -> None:
        async with AsyncClient(server.url, CANARY) as client:
            await of_all_awaited(client)

    with pytest.raises(errors.AutoMLVisionError) as caught:
        asyncio.run(awaited())
    assert leaks_of(caught.value, image) == []


def test_of_a_source_that_fails(server: ScriptedServer, image: bytes) -> None:
    def images() -> Iterator[bytes]:
        yield image
        raise RuntimeError("the queue is gone")

    server.steps = [Answer(200, boxes("cat"))]
    with Client(server.url, CANARY) as client, pytest.raises(RuntimeError, match="queue") as caught:
        list(client.detect_many(images()))
    assert leaks_of(caught.value, image) == []


def test_of_other_libraries(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Reset(), Silence(), Answer(503)]
    for _ in server.steps:
        with httpx.Client() as mine, pytest.raises(errors.CallError) as caught:
            Client(server.url, CANARY, retry=ONCE, timeout=0.3, http_client=mine).detect(image)
        assert leaks_of(caught.value, image) == []

    async def over_aiohttp() -> None:
        async with aiohttp.ClientSession() as mine:
            await AsyncClient(server.url, CANARY, retry=ONCE, timeout=0.3, http_client=mine).detect(image)

    server.received.clear()
    for _ in server.steps:
        with pytest.raises(errors.CallError) as caught:
            asyncio.run(over_aiohttp())
        assert leaks_of(caught.value, image) == []


class Odd(httpx.BaseTransport):
    """A transport of the user's, with a fault that is none of ours."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kept = dict(request.headers)
        raise LookupError(f"odd, after {len(kept)} headers")


def test_of_an_error_that_is_not_ours(server: ScriptedServer, image: bytes) -> None:
    with httpx.Client(transport=Odd()) as mine, pytest.raises(LookupError) as caught:
        Client(server.url, CANARY, retry=ONCE, http_client=mine).detect(image)
    assert leaks_of(caught.value, image) == []


def test_of_a_caller_who_leaves(server: ScriptedServer, image: bytes) -> None:
    def interrupted(event: object) -> None:
        raise KeyboardInterrupt

    server.steps = [Silence()]
    with (
        Client(server.url, CANARY, hooks=Hooks(on_request=interrupted)) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        client.detect(image)
    assert leaks_of(caught.value, image) == []

    async def cancelled() -> None:
        async with AsyncClient(server.url, CANARY) as client:
            await asyncio.wait_for(client.detect(image), 0.2)

    with pytest.raises(TimeoutError) as left:
        asyncio.run(cancelled())
    assert leaks_of(left.value, image) == []


WRONG: list[dict[str, Any]] = [
    {"timeout": -1},
    {"timeout": "x"},
    {"deadline": True},
    {"deployment": 5},
    {"retry": 3},
    {"images": {}},
    {"dialect": "latin"},
    {"hooks": print},
    {"tiemout": 3},
    {"http_client": 5},
]


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_of_what_cannot_be(kind: type[Any], image: bytes) -> None:
    doors: list[Callable[[], object]] = [
        *(lambda options=options: kind("https://example.org/score", CANARY, **options) for options in WRONG),
        lambda: kind("http://example.org/score", CANARY),
        lambda: kind(5, CANARY),
        lambda: kind("https://example.org/score", f"{CANARY}\u20ac"),
        lambda: kind("https://example.org/score", (CANARY,)),
        lambda: kind("https://example.org/score", {"key": CANARY}),
        lambda: kind("https://example.org/score", CANARY, "another argument"),
        lambda: kind.from_env({"AUTOML_CV_SCORING_URI": "ftp://x", "AUTOML_CV_KEY": CANARY}),
        lambda: kind.from_env({"AUTOML_CV_ENDPOINT": "x", "AUTOML_CV_KEY": CANARY}),
        lambda: kind.from_env({"AUTOML_CV_KEY": CANARY}),
        lambda: kind.from_env({"AUTOML_CV_SCORING_URI": "https://example.org", "AUTOML_CV_KEY": CANARY}, tiemout=3),
        *(
            lambda options=options: kind("https://example.org", CANARY).with_options(**options)
            for options in WRONG[:-1]
        ),
    ]
    for number, door in enumerate(doors):
        with pytest.raises((errors.InvalidInput, TypeError)) as caught:
            door()
        assert leaks_of(caught.value, image) == [], number
        assert CANARY not in str(caught.value)


def test_of_settings_and_credentials() -> None:
    doors: list[Callable[[], object]] = [
        lambda: EndpointSettings(scoring_uri="", key=CANARY),  # type: ignore[arg-type]
        lambda: EndpointSettings(scoring_uri="https://example.org", kye=CANARY),  # type: ignore[call-arg]
        lambda: EndpointSettings.from_env({"AUTOML_CV_KEY": CANARY}),
        lambda: settings_from_env({"AUTOML_CV_KEY": CANARY}),
        lambda: settings_from_env({"AUTOML_CV_KEY": CANARY, "AUTOML_CV_ENDPOINT": "x"}),
        lambda: KeyCredential(f"{CANARY} x"),
        lambda: KeyCredential(CANARY, f"{CANARY}\n2"),
        lambda: doctor.examine("ftp://x", CANARY),
        lambda: doctor.examine("https://example.org", CANARY, timeout="x"),  # type: ignore[arg-type]
    ]
    for number, door in enumerate(doors):
        with pytest.raises(errors.InvalidInput) as caught:
            door()
        assert leaks_of(caught.value) == [], number


def test_settings_with_a_key_are_not_pickled() -> None:
    settings = EndpointSettings(scoring_uri="https://example.org", key=CANARY)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"EndpointSettings\.from_env\(\) in each process") as caught:
        pickle.dumps(settings)
    assert leaks_of(caught.value) == []
    keyless = EndpointSettings(scoring_uri="https://example.org", deployment="green")
    assert pickle.loads(pickle.dumps(keyless)) == keyless
    assert settings.model_copy().secret() == CANARY


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_holds_a_client_is_not_pickled(kind: type[Any]) -> None:
    client = kind("https://example.org/score", CANARY, images=ImagePolicy(), deployment="green")
    with pytest.raises(TypeError, match=rf"{kind.__name__}\.from_env\(\) in each process"):
        pickle.dumps({"client": client, "task": Task.DETECTION})


def test_the_sweep_would_find_a_key() -> None:
    source = compile("def fails(headers):\n    raise ValueError('no')", "/elsewhere/library.py", "exec")
    names: dict[str, Any] = {}
    exec(source, names)
    with pytest.raises(ValueError, match="no") as caught:
        names["fails"]({"authorization": [f"Bearer {CANARY}"]})
    assert leaks_of(caught.value) == ["/elsewhere/library.py:fails: headers"]

"""Tokens are fetched once for any number of callers, in time, and again exactly once after a refusal."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from automl_cv_client import AsyncClient, Client, errors
from automl_cv_client.credentials import PUBLIC, Secret, token_credential
from automl_cv_client.credentials.renewal import RenewedCredential
from tests.servers import Answer, Received, ScriptedServer, boxes
from tests.timing import Stopwatch

pytestmark = pytest.mark.bar(14)

CALLERS = 1000
SCOPE = PUBLIC.scoring_scope


class Token(NamedTuple):
    token: str
    expires_on: float


class Identity:
    """A TokenCredential as the oldest protocol has it, that counts."""

    def __init__(self, lifetime: float = 3600, pause: float = 0.0) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.lifetime = lifetime
        self.pause = pause
        self.now = time.time
        self.failure: Exception | None = None
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> Token:
        time.sleep(self.pause)
        with self._lock:
            self.asked.append(scopes)
            if self.failure is not None:
                raise self.failure
            return Token(f"token-{len(self.asked)}", self.now() + self.lifetime)


class Held(Identity):
    """Answers when it is let go, or after a minute."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def get_token(self, *scopes: str, **options: Any) -> Token:
        self.let_go.wait(60)
        return super().get_token(*scopes, **options)


class AsyncIdentity(Identity):
    async def get_token(self, *scopes: str, **options: Any) -> Token:  # type: ignore[override]
        await asyncio.sleep(self.pause)
        self.asked.append(scopes)
        return Token(f"token-{len(self.asked)}", self.now() + self.lifetime)


class Checking(ScriptedServer):
    """Takes one token at a time."""

    good = "token-1"

    def step_for(self, request: Received) -> Answer:
        super().step_for(request)
        return Answer(200, boxes("cat")) if request.headers["authorization"] == f"Bearer {self.good}" else Answer(401)


@pytest.fixture
def checking() -> Any:
    server = Checking(Answer())
    server.start()
    yield server
    server.stop()


def test_a_thousand_threads_make_one_request() -> None:
    identity = Identity(pause=0.1)
    credential = token_credential(identity, SCOPE, PUBLIC)
    start = threading.Barrier(CALLERS)

    def ask() -> str | None:
        start.wait()
        return credential.authorize(None, 30)

    threading.stack_size(256 * 1024)
    try:
        with ThreadPoolExecutor(CALLERS) as pool:
            headers = [outcome.result() for outcome in [pool.submit(ask) for _ in range(CALLERS)]]
    finally:
        threading.stack_size(0)
    assert set(headers) == {"Bearer token-1"}
    assert identity.asked == [(SCOPE,)]


@pytest.mark.parametrize("kind", [Identity, AsyncIdentity])
def test_a_thousand_tasks_make_one_request(kind: type[Identity]) -> None:
    identity = kind(pause=0.1)
    credential = token_credential(identity, SCOPE, PUBLIC)

    async def main() -> list[str | None]:
        return list(await asyncio.gather(*(credential.authorize_async(None, 30) for _ in range(CALLERS))))

    assert set(asyncio.run(main())) == {"Bearer token-1"}
    assert len(identity.asked) == 1


@pytest.mark.parametrize("calls", [200, pytest.param(CALLERS, marks=pytest.mark.slow)])
def test_many_first_calls_of_a_client(checking: Checking, image: bytes, calls: int) -> None:
    identity = Identity(pause=0.1)

    async def main() -> int:
        async with AsyncClient(checking.url, identity) as client:  # type: ignore[arg-type]
            found = await asyncio.gather(*(client.detect(image) for _ in range(calls)))
        return len(found)

    assert asyncio.run(main()) == calls
    assert len(identity.asked) == 1
    assert len(checking.received) == calls


def test_a_refusal_in_the_middle_costs_one_request_awaited(checking: Checking, image: bytes) -> None:
    identity = Identity()

    async def main() -> None:
        async with AsyncClient(checking.url, identity) as client:  # type: ignore[arg-type]
            await client.detect(image)
            checking.good = "token-2"
            found = await asyncio.gather(*(client.detect(image) for _ in range(50)))
            assert [item[0].label for item in found] == ["cat"] * 50

    asyncio.run(main())
    assert len(identity.asked) == 2


def test_a_refusal_in_the_middle_costs_one_request(checking: Checking, image: bytes) -> None:
    identity = Identity()
    with Client(checking.url, identity) as client, ThreadPoolExecutor(16) as pool:  # type: ignore[arg-type]
        client.detect(image)
        checking.good = "token-2"
        found = list(pool.map(lambda _: client.detect(image), range(64)))
    assert [item[0].label for item in found] == ["cat"] * 64
    assert len(identity.asked) == 2


def test_a_token_is_renewed_five_minutes_before_its_end() -> None:
    now = [1000.0]
    identity = Identity(lifetime=3600)
    identity.now = lambda: now[0]
    credential = token_credential(identity, SCOPE, PUBLIC, clock=lambda: now[0])
    for seconds, expected in ((0, 1), (3299, 1), (3301, 2)):
        now[0] = 1000.0 + seconds
        assert credential.authorize(None, 5) == f"Bearer token-{expected}"


def test_refresh_after_is_obeyed() -> None:
    now, fetched = [0.0], []

    def fetch(refused: str | None) -> Secret:
        fetched.append(now[0])
        return Secret(f"Bearer {len(fetched)}", renew_at=now[0] + 100, expires_at=now[0] + 10_000)

    credential = RenewedCredential("aml_token", fetch, clock=lambda: now[0])
    for now[0] in (0.0, 99.0, 101.0, 150.0):
        credential.authorize(None, 5)
    assert fetched == [0.0, 101.0]


def test_a_renewal_that_fails_does_no_harm_while_the_token_lives() -> None:
    now = [0.0]
    identity = Identity(lifetime=3600)
    identity.now = lambda: now[0]
    credential = token_credential(identity, SCOPE, PUBLIC, clock=lambda: now[0])
    assert credential.authorize(None, 5) == "Bearer token-1"
    identity.failure = ValueError("Entra is away")
    now[0] = 3400.0
    assert credential.authorize(None, 5) == "Bearer token-1"
    assert credential.authorize(None, 5) == "Bearer token-1"
    assert len(identity.asked) == 2  # not asked again at once
    now[0] = 3601.0
    with pytest.raises(errors.AuthenticationFailed, match="Entra is away"):
        credential.authorize(None, 5)


def test_a_token_shorter_than_the_skew_is_not_fetched_at_every_call() -> None:
    identity = Identity(lifetime=120)
    credential = token_credential(identity, SCOPE, PUBLIC)
    assert {credential.authorize(None, 5) for _ in range(10)} == {"Bearer token-1"}


def test_the_same_token_again_is_no_help_and_not_asked_for_at_once() -> None:
    asked = []

    def fetch(refused: str | None) -> Secret:
        asked.append(refused)
        return Secret("Bearer same")

    credential = RenewedCredential("aad_token", fetch)
    assert credential.authorize(None, 5) == "Bearer same"
    assert [credential.authorize("Bearer same", 5) for _ in range(3)] == [None] * 3
    assert asked == [None, "Bearer same"]


def test_every_caller_gets_an_error_of_its_own() -> None:
    identity = Identity(pause=0.05)
    identity.failure = RuntimeError("no")
    credential = token_credential(identity, SCOPE, PUBLIC)

    async def main() -> list[Any]:
        asks = (credential.authorize_async(None, 5) for _ in range(3))
        return list(await asyncio.gather(*asks, return_exceptions=True))

    found = asyncio.run(main())
    assert len({id(item) for item in found}) == 3
    assert all(isinstance(item, errors.AuthenticationFailed) for item in found)


def test_a_cancelled_caller_does_not_harm_the_others() -> None:
    identity = Held()
    credential = token_credential(identity, SCOPE, PUBLIC)

    async def main() -> Any:
        tasks = [asyncio.create_task(credential.authorize_async(None, 60)) for _ in range(3)]
        await asyncio.sleep(0.02)
        tasks[0].cancel()
        await asyncio.sleep(0)
        identity.let_go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, *others = asyncio.run(main())
    assert isinstance(first, asyncio.CancelledError)
    assert others == ["Bearer token-1"] * 2


@pytest.mark.parametrize("identity", [Held(), AsyncIdentity(pause=60)], ids=["blocking", "awaited"])
def test_an_identity_that_hangs_is_left_after_the_time_allowed(identity: Identity) -> None:
    credential = token_credential(identity, SCOPE, PUBLIC)

    async def main() -> None:
        await credential.authorize_async(None, 0.1)

    watch = Stopwatch()
    with watch.running(), pytest.raises(errors.TimedOut, match="did not come within"):
        asyncio.run(main())
    assert watch.seconds < 0.9
    if isinstance(identity, Held):
        identity.let_go.set()


@pytest.mark.bar(3)
def test_it_shows_no_token_and_is_not_pickled() -> None:
    credential = token_credential(Identity(), SCOPE, PUBLIC)
    credential.authorize(None, 5)
    assert "token-1" not in repr(credential)
    assert "token-1" not in repr(Secret("Bearer token-1"))
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credential)

"""Keys that were looked up, tokens and client secrets show nowhere, also when both planes echo them."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest

from automl_cv_client import RetryPolicy, errors
from tests.access.stand_ins import NAMES, Azure, Seen
from tests.access.test_identities import secret_credential
from tests.access.test_workspace import Opener
from tests.clients.test_secrets import logs, surfaces_of

pytestmark = pytest.mark.bar(3)

__all__ = ["logs"]
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(params=["sync", "async"])
def opened(request: pytest.FixtureRequest) -> Opener:
    return Opener(request.param == "async")


def secrets_of(azure: Azure) -> set[str]:
    tokens = {request.bearer for stand_in in (azure.manager, azure.endpoint) for request in stand_in.seen}
    return (tokens | set(azure.manager.keys) | {"the-client-secret"}) - {""}


@pytest.mark.parametrize("mode", ["Key", "AMLToken", "AADToken"])
@pytest.mark.parametrize("status", [200, 401, 403, 424])
def test_in_no_error_of_the_endpoint(
    opened: Opener, azure: Azure, image: bytes, logs: io.StringIO, mode: str, status: int
) -> None:
    def echo(request: Seen) -> Any:
        return status, {}, {"message": f"you sent {request.headers['authorization']} and {azure.manager.keys}"}

    azure.manager.mode = mode
    azure.endpoint.accepts = lambda token: True
    azure.endpoint.before = echo
    azure.manager.keys[:] = [azure.manager.keys[0]] * 2  # what is echoed is what was sent
    with secret_credential(azure) as identity, pytest.raises(errors.AutoMLVisionError) as caught:
        opened(lambda client: client.detect(image), *NAMES, credential=identity, cloud=azure.cloud, retry=ONCE)
    told = [*surfaces_of(caught.value), logs.getvalue()]
    for secret in secrets_of(azure) - ({azure.manager.keys[0]} if mode != "Key" else set()):
        assert not any(secret in surface for surface in told)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_in_no_error_of_the_control_plane(
    opened: Opener, azure: Azure, monkeypatch: pytest.MonkeyPatch, logs: io.StringIO, status: int
) -> None:
    def echo(request: Seen) -> Any:
        return status, {}, {"error": {"code": "Bad", "message": f"you sent {request.headers['authorization']}"}}

    monkeypatch.setattr(azure.manager, "answer", echo)
    monkeypatch.setattr("automl_cv_client._transports.resource_manager.control_plane.RetryPolicy", lambda **_: ONCE)
    with secret_credential(azure) as identity, pytest.raises(errors.StatusError) as caught:
        opened(lambda client: None, *NAMES, credential=identity, cloud=azure.cloud)
    assert secrets_of(azure)
    for secret in secrets_of(azure):
        assert not any(secret in surface for surface in [*surfaces_of(caught.value), logs.getvalue()])


def test_in_no_client(opened: Opener, azure: Azure, image: bytes) -> None:
    shown: list[str] = []

    def use(client: Any) -> Any:
        shown.extend([repr(client), str(client), repr(client._backend), repr(client._control)])
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(client)
        return client.detect(image)

    with secret_credential(azure) as identity:
        opened(use, *NAMES, credential=identity, cloud=azure.cloud)
    for secret in secrets_of(azure):
        assert not any(secret in request for request in shown)

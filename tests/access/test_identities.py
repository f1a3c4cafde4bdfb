"""Real credentials of azure-identity get tokens of the right scope over TLS and open the endpoint, both clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.identity import (
    ChainedTokenCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from automl_cv_client import AsyncClient, Client, RetryPolicy, errors
from tests.access.jwts import for_audience, unjwt
from tests.access.stand_ins import SCOPE, Azure
from tests.conftest import Caller

TENANT = "tenant-of-the-tests"
ONCE = RetryPolicy(attempts=1)


def secret_credential(azure: Azure, kind: Any = ClientSecretCredential, **more: Any) -> Any:
    options = {"authority": azure.entra.url, "disable_instance_discovery": True, "retry_total": 0, **more}
    return kind(TENANT, "the-client", "the-client-secret", **options)


def workload(azure: Azure, tmp_path: Path) -> Any:
    file = tmp_path / "federated-token"
    file.write_text("a.federated.token")
    return WorkloadIdentityCredential(
        tenant_id=TENANT,
        client_id="the-client",
        token_file_path=str(file),
        authority=azure.entra.url,
        disable_instance_discovery=True,
    )


def managed(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.plain_entra.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "the-identity-header")


@pytest.fixture(params=["client secret", "workload identity", "managed identity", "chained", "default", "nothing"])
def identity(
    request: pytest.FixtureRequest, azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    azure.endpoint.accepts = for_audience("https://ml.azure.com")
    made: Any = None
    match request.param:
        case "client secret":
            made = secret_credential(azure)
        case "workload identity":
            made = workload(azure, tmp_path)
        case "managed identity":
            managed(azure, monkeypatch)
            made = ManagedIdentityCredential()
        case "chained":
            made = ChainedTokenCredential(EnvironmentCredential(), workload(azure, tmp_path))
        case "default":
            for name, value in {"TENANT_ID": TENANT, "CLIENT_ID": "the-client", "CLIENT_SECRET": "s"}.items():
                monkeypatch.setenv(f"AZURE_{name}", value)
            made = DefaultAzureCredential(authority=azure.entra.url, disable_instance_discovery=True)
        case "nothing":  # the client makes a DefaultAzureCredential, which finds the managed identity
            managed(azure, monkeypatch)
    yield made
    if made is not None:
        made.close()


def test_an_identity_opens_the_endpoint(call: Caller, azure: Azure, identity: Any, image: bytes) -> None:
    found = call(azure.endpoint.scoring_uri, "detect", image, key=identity)
    assert found[0].label == "cat"
    granted = azure.entra.granted + azure.plain_entra.granted
    assert [scope.split()[0].removesuffix("/.default") for scope, _ in granted] == ["https://ml.azure.com"]
    for token in (request.bearer for request in azure.endpoint.seen):
        assert json.loads(unjwt(token))["aud"] == "https://ml.azure.com"


def test_an_async_identity_without_aiohttp(azure: Azure, image: bytes) -> None:
    from azure.core.pipeline.transport import AsyncioRequestsTransport
    from azure.identity.aio import ClientSecretCredential as AsyncSecret

    azure.endpoint.accepts = for_audience("https://ml.azure.com")

    async def main() -> str:
        credential = secret_credential(azure, AsyncSecret, transport=AsyncioRequestsTransport())
        async with credential, AsyncClient(azure.endpoint.scoring_uri, credential) as client:
            found = await asyncio.gather(*(client.detect(image) for _ in range(5)))
        return str(found[4][0].label)

    assert asyncio.run(main()) == "cat"
    assert [scope.split()[0] for scope, _ in azure.entra.granted] == [SCOPE]


def test_a_blocking_client_refuses_an_async_identity(azure: Azure) -> None:
    from azure.core.pipeline.transport import AsyncioRequestsTransport
    from azure.identity.aio import ClientSecretCredential as AsyncSecret

    credential = secret_credential(azure, AsyncSecret, transport=AsyncioRequestsTransport())
    with pytest.raises(errors.InvalidInput, match="async credential: use it with AsyncClient"):
        Client(azure.endpoint.scoring_uri, credential)


def test_a_workspace_of_the_variables_is_not_asked_with_an_async_identity(azure: Azure) -> None:
    """Each client says what to do instead: an AsyncClient is not told to use AsyncClient."""
    from azure.core.pipeline.transport import AsyncioRequestsTransport
    from azure.identity.aio import ClientSecretCredential as AsyncSecret

    credential = secret_credential(azure, AsyncSecret, transport=AsyncioRequestsTransport())
    variables = {f"AUTOML_CV_{name}": "a" for name in ("ENDPOINT", "SUBSCRIPTION_ID", "RESOURCE_GROUP", "WORKSPACE")}
    with pytest.raises(errors.InvalidInput, match="async credential: use it with AsyncClient, or give"):
        Client.from_env(variables, credential=credential)
    with pytest.raises(errors.InvalidInput, match=r"async credential: await AsyncClient\.from_workspace"):
        AsyncClient.from_env(variables, credential=credential)
    assert azure.entra.granted == []


def test_a_refused_token_is_really_fetched_again(call: Caller, azure: Azure, image: bytes) -> None:
    """azure-identity keeps tokens: asking it again is not enough."""
    azure.endpoint.accepts = lambda token: json.loads(unjwt(token)).get("n", 0) >= 2
    with secret_credential(azure) as credential:
        assert call(azure.endpoint.scoring_uri, "detect", image, key=credential)[0].label == "cat"
    assert [("claims" in form) for _, form in azure.entra.granted] == [False, True]
    assert len(azure.endpoint.seen) == 2


def test_an_identity_that_was_revoked(call: Caller, azure: Azure, image: bytes) -> None:
    azure.endpoint.accepts = lambda token: False
    with secret_credential(azure) as credential, pytest.raises(errors.AuthenticationFailed) as caught:
        call(azure.endpoint.scoring_uri, "detect", image, key=credential)
    assert "authentication mode aad_token" in str(caught.value)
    assert SCOPE in str(caught.value)
    assert caught.value.attempts == 2
    assert len(azure.entra.granted) == 2


def test_an_identity_that_gets_no_token(call: Caller, azure: Azure, image: bytes) -> None:
    azure.entra.revoked = True
    with secret_credential(azure) as credential, pytest.raises(errors.AuthenticationFailed) as caught:
        call(azure.endpoint.scoring_uri, "detect", image, key=credential)
    for words in ("aad_token", SCOPE, "AADSTS7000222"):
        assert words in str(caught.value)
    assert "the-client-secret" not in str(caught.value)
    assert not azure.endpoint.seen
    assert caught.value.__context__ is None


def test_an_entra_that_is_away(call: Caller, azure: Azure, image: bytes) -> None:
    credential = secret_credential(azure, authority="https://localhost:9")
    with credential, pytest.raises(errors.ConnectionFailed, match="Entra ID cannot be reached"):
        call(azure.endpoint.scoring_uri, "detect", image, key=credential, retry=ONCE)


def test_the_deadline_bounds_a_slow_entra(call: Caller, azure: Azure, image: bytes) -> None:
    azure.entra.pause = 1.5
    with secret_credential(azure) as credential, pytest.raises(errors.DeadlineExceeded):
        call(azure.endpoint.scoring_uri, "detect", image, key=credential, deadline=0.4)

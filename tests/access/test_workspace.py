"""An endpoint looked up in its workspace over HTTP: what is asked, how often, and what refusals say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.identity import ClientSecretCredential

from automl_cv_client import AsyncClient, Client, Deployment, errors
from tests.access.jwts import for_audience
from tests.access.stand_ins import ENDPOINT, NAMES, SCOPE, TOLD, Azure, Seen
from tests.access.test_identities import managed, secret_credential


@pytest.fixture
def identity(azure: Azure) -> Iterator[ClientSecretCredential]:
    with secret_credential(azure) as credential:
        yield credential


class Opener:
    """Makes a client of either kind and uses it."""

    def __init__(self, awaited: bool) -> None:
        self.awaited = awaited

    def __call__(self, use: Any, *names: Any, way: str = "from_workspace", **options: Any) -> Any:
        if not self.awaited:
            with getattr(Client, way)(*names, **options) as client:
                return use(client)

        async def main() -> Any:
            made = getattr(AsyncClient, way)(*names, **options)
            async with await made if asyncio.iscoroutine(made) else made as client:
                found = use(client)
                return [await request for request in found] if isinstance(found, list) else await found

        return asyncio.run(main())


@pytest.fixture(params=["sync", "async"])
def opened(request: pytest.FixtureRequest) -> Opener:
    return Opener(request.param == "async")


def test_key_mode_asks_twice_in_all(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    found = opened(
        lambda client: [client.detect(image) for _ in range(20)], *NAMES, credential=identity, cloud=azure.cloud
    )
    assert [request[0].label for request in found] == ["cat"] * 20
    assert azure.manager.asked == ["endpoint", "listKeys"]  # none of them for an image after the first
    assert {request.bearer for request in azure.endpoint.seen} == {azure.manager.keys[0]}
    assert [scope.split()[0] for scope, _ in azure.entra.granted] == [f"{azure.manager.url}/.default"]


def test_aml_token_mode(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    azure.manager.mode = "AMLToken"
    azure.endpoint.accepts = lambda token: token == "aml-token-1"
    opened(lambda client: [client.detect(image) for _ in range(5)], *NAMES, credential=identity, cloud=azure.cloud)
    assert azure.manager.asked == ["endpoint", "token"]


def test_an_aml_token_is_renewed_when_refused(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    azure.manager.mode = "AMLToken"
    azure.endpoint.accepts = lambda token: token == "aml-token-2"
    opened(lambda client: [client.detect(image) for _ in range(5)], *NAMES, credential=identity, cloud=azure.cloud)
    assert azure.manager.asked == ["endpoint", "token", "token"]
    assert len(azure.endpoint.seen) == 6


def test_aad_token_mode(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    azure.manager.mode = "AADToken"
    azure.endpoint.accepts = for_audience("https://ml.azure.com")
    opened(lambda client: client.detect(image), *NAMES, credential=identity, cloud=azure.cloud)
    assert azure.manager.asked == ["endpoint"]
    assert [scope.split()[0] for scope, _ in azure.entra.granted] == [f"{azure.manager.url}/.default", SCOPE]


def test_regenerated_keys(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    """Both keys change while the client is in use: it asks once for the new ones."""

    def use(client: Any) -> Any:
        def second() -> Any:
            azure.manager.keys[:] = ["new-primary-0123456789", "new-secondary-0123456789"]
            return client.detect(image)

        if not opened.awaited:
            client.detect(image)
            return second()

        async def both() -> Any:
            await client.detect(image)
            return await second()

        return both()

    assert opened(use, *NAMES, credential=identity, cloud=azure.cloud)[0].label == "cat"
    assert azure.manager.asked == ["endpoint", "listKeys", "listKeys"]


def test_the_secondary_key_while_the_primary_is_regenerated(
    opened: Opener, azure: Azure, identity: Any, image: bytes
) -> None:
    azure.endpoint.accepts = lambda token: token == azure.manager.keys[1]
    opened(lambda client: client.detect(image), *NAMES, credential=identity, cloud=azure.cloud)
    assert [request.bearer for request in azure.endpoint.seen] == azure.manager.keys


def test_keys_that_stay_refused(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    azure.endpoint.accepts = lambda token: False
    with pytest.raises(errors.AuthenticationFailed, match="authentication mode is 'key'") as caught:
        opened(lambda client: client.detect(image), *NAMES, credential=identity, cloud=azure.cloud)
    assert not any(key in str(caught.value) for key in azure.manager.keys)


@pytest.mark.parametrize("pages", [False, True])
def test_deployments(opened: Opener, azure: Azure, identity: Any, pages: bool) -> None:
    azure.manager.pages = pages
    found = opened(lambda client: client.deployments(), *NAMES, credential=identity, cloud=azure.cloud)
    assert found == (
        Deployment(name="blue", traffic=90, state="Succeeded", **TOLD),
        Deployment(name="green", traffic=10, state="Succeeded", **TOLD),
        Deployment(name="red", traffic=0, state="Failed", request_timeout=90.0),
    )


def test_a_next_page_elsewhere_gets_no_token(azure: Azure, identity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {"value": [], "nextLink": f"{azure.endpoint.url}/more"}
    monkeypatch.setattr(azure.manager, "_deployments", lambda request: elsewhere)
    with (
        Client.from_workspace(*NAMES, credential=identity, cloud=azure.cloud) as client,
        pytest.raises(errors.UnexpectedReply, match="leads elsewhere"),
    ):
        client.deployments()
    assert not azure.endpoint.seen


def test_a_copy_for_another_deployment(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    def use(client: Any) -> Any:
        return [client.detect(image), client.with_options(deployment="green").detect(image), client.detect(image)]

    opened(use, *NAMES, credential=identity, cloud=azure.cloud, deployment="blue")
    assert azure.endpoint.deployments == ["blue", "green", "blue"]
    assert azure.manager.asked == ["endpoint", "listKeys"]


def test_a_deployment_for_one_call(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    def use(client: Any) -> Any:
        asked = [client.detect(image, deployment="green"), client.detect(image)]
        return [*asked, client.score([image], "image-object-detection", deployment="green")]

    opened(use, *NAMES, credential=identity, cloud=azure.cloud, deployment="blue")
    assert azure.endpoint.deployments == ["green", "blue", "green"]
    with pytest.raises(errors.InvalidInput, match="not a deployment name"):
        opened(lambda client: client.detect(image, deployment="a b"), *NAMES, credential=identity, cloud=azure.cloud)


def test_an_unknown_workspace(opened: Opener, azure: Azure, identity: Any) -> None:
    with pytest.raises(errors.EndpointNotFound, match="check subscription, resource group") as caught:
        opened(lambda client: None, *NAMES[:3], "dogs", credential=identity, cloud=azure.cloud)
    assert "ResourceNotFound" in str(caught.value)


def test_a_role_that_may_not_list_keys(opened: Opener, azure: Azure, identity: Any, image: bytes) -> None:
    azure.manager.forbidden = {"listKeys"}
    with pytest.raises(errors.PermissionDenied, match="AzureML Data Scientist"):
        opened(lambda client: client.detect(image), *NAMES, credential=identity, cloud=azure.cloud)
    assert not azure.endpoint.seen


def test_a_control_plane_that_stumbles_is_asked_again(
    opened: Opener, azure: Azure, identity: Any, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, stumbles = azure.manager.answer, [503, 429, 503]

    def stumbling(request: Seen) -> Any:
        return (stumbles.pop(), {"retry-after": "0"}, {}) if stumbles else answer(request)

    monkeypatch.setattr(azure.manager, "answer", stumbling)
    assert opened(lambda client: client.detect(image), *NAMES, credential=identity, cloud=azure.cloud)[0].label
    assert azure.manager.asked == ["endpoint"] * 4 + ["listKeys"]


def test_an_endpoint_still_being_made(opened: Opener, azure: Azure, identity: Any) -> None:
    azure.manager.scoring_uri, azure.manager.state = "", "Creating"
    with pytest.raises(errors.UnexpectedReply, match="state Creating"):
        opened(lambda client: None, *NAMES, credential=identity, cloud=azure.cloud)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a?b", "a b", "x" * 91])
def test_names_that_are_none(azure: Azure, name: str) -> None:
    with pytest.raises(errors.InvalidInput, match="workspace"):
        Client.from_workspace(NAMES[0], NAMES[1], name, ENDPOINT, cloud=azure.cloud)
    assert not azure.entra.seen


def test_a_key_is_no_identity(azure: Azure) -> None:
    with pytest.raises(errors.InvalidInput, match="TokenCredential"):
        Client.from_workspace(*NAMES, "some-key", cloud=azure.cloud)  # type: ignore[arg-type]


def test_a_scoring_uri_tells_no_deployments(azure: Azure) -> None:
    with (
        Client(azure.endpoint.scoring_uri, "key") as client,
        pytest.raises(errors.InvalidInput, match="from_workspace"),
    ):
        client.deployments()


def test_an_async_identity_looks_up_too(azure: Azure, image: bytes) -> None:
    from azure.core.pipeline.transport import AsyncioRequestsTransport
    from azure.identity.aio import ClientSecretCredential as AsyncSecret

    async def main() -> Any:
        credential = secret_credential(azure, AsyncSecret, transport=AsyncioRequestsTransport())
        async with (
            credential,
            await AsyncClient.from_workspace(*NAMES, credential=credential, cloud=azure.cloud) as client,
        ):
            return await client.detect(image), await client.deployments()

    found, deployments = asyncio.run(main())
    assert (found[0].label, len(deployments)) == ("cat", 3)


def test_from_variables_with_nothing_but_a_managed_identity(
    opened: Opener, azure: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image: bytes
) -> None:
    managed(azure, monkeypatch)
    config = dict(zip(("subscription_id", "resource_group", "workspace_name"), NAMES, strict=False))
    (tmp_path / ".azureml").mkdir()
    (tmp_path / ".azureml" / "config.json").write_text(json.dumps({**config, "more": 1}))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.setenv("AUTOML_CV_ENDPOINT", ENDPOINT)
    monkeypatch.setenv("AUTOML_CV_DEPLOYMENT", "green")
    monkeypatch.setenv("AUTOML_CV_RESOURCE_MANAGER", azure.manager.url)
    opened(lambda client: client.detect(image), way="from_env")
    opened(lambda client: client.detect(image), way="from_env", deployment="blue")
    assert azure.endpoint.deployments == ["green", "blue"]


@pytest.mark.parametrize("by", ["uri", "workspace"])
def test_from_variables_with_an_http_client_of_ones_own(
    opened: Opener, azure: Azure, identity: Any, image: bytes, by: str
) -> None:
    sent: list[str] = []

    def note(request: httpx.Request) -> None:
        sent.append(request.url.path)

    async def note_awaited(request: httpx.Request) -> None:
        note(request)

    parts = ("SUBSCRIPTION_ID", "RESOURCE_GROUP", "WORKSPACE", "ENDPOINT")
    variables = dict(zip((f"AUTOML_CV_{name}" for name in parts), NAMES, strict=True))
    if by == "uri":
        variables = {"AUTOML_CV_SCORING_URI": azure.endpoint.scoring_uri, "AUTOML_CV_KEY": azure.manager.keys[0]}
    options: dict[str, Any] = {"credential": None if by == "uri" else identity}
    variables["AUTOML_CV_RESOURCE_MANAGER"] = azure.manager.url
    with httpx.Client(event_hooks={"request": [note]}) as blocking:
        awaited = httpx.AsyncClient(event_hooks={"request": [note_awaited]})

        async def use_awaited(client: AsyncClient) -> Any:
            async with awaited:
                return await client.detect(image)

        def use(client: Any) -> Any:
            return use_awaited(client) if opened.awaited else client.detect(image)

        own = awaited if opened.awaited else blocking
        found = opened(use, variables, way="from_env", http_client=own, **options)
    assert (found[0].label, sent) == ("cat", ["/score"])

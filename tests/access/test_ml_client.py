"""A real ``MLClient`` of azure-ai-ml: look-up and scoring, and that nothing of a call leaks into the next."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import AsyncClient, Client, Deployment, RetryPolicy, errors
from tests.access.jwts import for_audience
from tests.access.stand_ins import ENDPOINT, GROUP, NAMES, SUBSCRIPTION, TOLD, WORKSPACE, Azure
from tests.access.test_identities import secret_credential
from tests.access.test_workspace import Opener
from tests.timing import Stopwatch, is_within

MLClient: Any = pytest.importorskip("azure.ai.ml", reason="needs the extra azureml").MLClient
from azure.ai.ml.constants._endpoint import EndpointInvokeFields  # noqa: E402 - only where azure-ai-ml is there

ONCE = RetryPolicy(attempts=1)


@pytest.fixture(params=["sync", "async"])
def opened(request: pytest.FixtureRequest) -> Opener:
    return Opener(request.param == "async")


@pytest.fixture
def ml_client(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a cloud of its own, whose Resource Manager is the stand-in."""
    from azure.ai.ml import _azure_environments as environments

    cloud = dict(environments._environments["AzureCloud"], resource_manager=azure.manager.url)
    monkeypatch.setitem(environments._environments, "Loopback", cloud)
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "Loopback")
    monkeypatch.setattr(EndpointInvokeFields, "DEFAULT_HEADER", {"Content-Type": "application/json"})
    with secret_credential(azure) as credential:
        yield MLClient(
            credential, SUBSCRIPTION, GROUP, WORKSPACE, cloud="Loopback", enable_telemetry=False, retry_total=0
        )


def test_look_up_then_scoring_without_the_control_plane(
    opened: Opener, azure: Azure, ml_client: Any, image: bytes
) -> None:
    def use(client: Any) -> Any:
        return [client.detect(image) for _ in range(10)]

    found = opened(use, ml_client, ENDPOINT, way="from_ml_client")
    assert [item[0].label for item in found] == ["cat"] * 10
    assert azure.manager.asked == ["endpoint", "deployments", "endpoint", "listKeys"]
    assert len(azure.endpoint.seen) == 10


def test_deployments(opened: Opener, ml_client: Any) -> None:
    found = opened(lambda client: client.deployments(), ml_client, ENDPOINT, way="from_ml_client")
    assert sorted(found, key=lambda item: item.name) == [
        Deployment(name="blue", traffic=90, state="Succeeded", **TOLD),
        Deployment(name="green", traffic=10, state="Succeeded", **TOLD),
        Deployment(name="red", traffic=0, state="Failed", request_timeout=90.0),
    ]


@pytest.mark.parametrize("mode", ["AMLToken", "AADToken"])
def test_tokens(opened: Opener, azure: Azure, ml_client: Any, image: bytes, mode: str) -> None:
    azure.manager.mode = mode
    accepts = {"AMLToken": lambda token: token == "aml-token-1", "AADToken": for_audience("https://ml.azure.com")}
    azure.endpoint.accepts = accepts[mode]
    opened(lambda client: [client.detect(image)], ml_client, ENDPOINT, way="from_ml_client")
    assert len(azure.endpoint.seen) == 1


def test_errors_of_the_look_up_are_ours(opened: Opener, azure: Azure, ml_client: Any, image: bytes) -> None:
    with pytest.raises(errors.EndpointNotFound, match="there is no such endpoint"):
        opened(lambda client: None, ml_client, "dogs", way="from_ml_client")
    azure.manager.forbidden = {"listKeys"}
    with pytest.raises(errors.PermissionDenied, match="AzureML Data Scientist"):
        opened(lambda client: client.detect(image), ml_client, ENDPOINT, way="from_ml_client")
    azure.entra.revoked = True
    with secret_credential(azure) as other:
        fresh = MLClient(other, SUBSCRIPTION, GROUP, WORKSPACE, cloud="Loopback", enable_telemetry=False)
        with pytest.raises(errors.AuthenticationFailed, match="AADSTS7000222"):
            opened(lambda client: None, fresh, ENDPOINT, way="from_ml_client")


def test_what_is_no_ml_client() -> None:
    with pytest.raises(errors.InvalidInput, match=r"azure\.ai\.ml\.MLClient, not str"):
        Client.from_ml_client("client", ENDPOINT)  # type: ignore[arg-type]


class TestInvoke:
    """``invoke=True``."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Temporary files go here, and none may stay."""
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return tmp_path

    def test_end_to_end(self, opened: Opener, azure: Azure, ml_client: Any, image: bytes, folder: Path) -> None:
        found = opened(lambda client: client.detect(image), ml_client, ENDPOINT, way="from_ml_client", invoke=True)
        assert found[0].label == "cat"
        assert azure.endpoint.seen[0].bearer == azure.manager.keys[0]
        assert azure.endpoint.seen[0].headers["user-agent"] != "automl-cv-client"  # it was azure-ai-ml that sent it
        assert not [*folder.iterdir()]

    def test_the_request_file_is_private(
        self, azure: Azure, ml_client: Any, image: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        modes: list[int] = []

        def look(request: Any) -> None:
            modes.extend(path.stat().st_mode & 0o777 for path in folder.iterdir())

        azure.endpoint.before = look
        with Client.from_ml_client(ml_client, ENDPOINT, invoke=True) as client:
            client.detect(image)
        assert modes == [0o700]

    def test_invoke_itself_leaks_the_deployment(self, azure: Azure, ml_client: Any, tmp_path: Path) -> None:
        """The fault we guard against, in azure-ai-ml 1.35: the second call names no deployment."""
        file = tmp_path / "request.json"
        file.write_text("{}")
        ml_client.online_endpoints.invoke(ENDPOINT, request_file=str(file), deployment_name="green")
        ml_client.online_endpoints.invoke(ENDPOINT, request_file=str(file))
        assert azure.endpoint.deployments == ["green", "green"]
        assert azure.manager.keys[0] in str(EndpointInvokeFields.DEFAULT_HEADER)
        with Client.from_ml_client(ml_client, ENDPOINT, invoke=True) as client:
            client.warm_up()
        assert azure.endpoint.deployments == ["green", "green", None]  # nor does it leak into ours

    def test_ours_does_not(self, opened: Opener, azure: Azure, ml_client: Any, image: bytes) -> None:
        def use(client: Any) -> Any:
            first = client.with_options(deployment="green")
            return [first.detect(image), client.detect(image)]

        before = EndpointInvokeFields.DEFAULT_HEADER
        opened(use, ml_client, ENDPOINT, way="from_ml_client", invoke=True)
        assert azure.endpoint.deployments == ["green", None]
        assert EndpointInvokeFields.DEFAULT_HEADER is before
        assert before == {"Content-Type": "application/json"}

    def test_threads_never_exchange_deployments(self, azure: Azure, ml_client: Any, image: bytes) -> None:
        with Client.from_ml_client(ml_client, ENDPOINT, invoke=True) as client, ThreadPoolExecutor(8) as pool:
            wanted = ["blue", "green", None] * 8
            copies = [client.with_options(deployment=name) for name in wanted]
            list(pool.map(lambda copy: copy.detect(image), copies))
        assert sorted(map(str, azure.endpoint.deployments)) == sorted(map(str, wanted))
        assert EndpointInvokeFields.DEFAULT_HEADER == {"Content-Type": "application/json"}

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [
            ((424, {"ms-azureml-model-error-statuscode": "500"}, {"message": "no"}), errors.ModelError, "status 500"),
            ((424, {"ms-azureml-model-error-statuscode": "400"}, b"plain"), errors.ModelError, "status 400"),
            ((424, {}, b""), errors.ModelError, "not told"),
            ((408, {}, {"error": {"message": "slow"}}), errors.StatusError, "request_timeout_ms"),
            ((413, {}, b""), errors.PayloadTooLarge, "larger"),
            ((401, {}, {"message": "bad"}), errors.AuthenticationFailed, "'key'"),
            ((200, {}, b"<html>"), errors.UnexpectedReply, "answered 200"),
        ],
    )
    def test_errors_are_ours(
        self, azure: Azure, ml_client: Any, image: bytes, folder: Path, answer: Any, kind: Any, words: str
    ) -> None:
        azure.endpoint.before = lambda request: answer
        with (
            Client.from_ml_client(ml_client, ENDPOINT, invoke=True, retry=ONCE) as client,
            pytest.raises(kind, match=words) as caught,
        ):
            client.detect(image)
        assert azure.manager.keys[0] not in repr(caught.value) + str(caught.value)
        assert not [*folder.iterdir()]
        assert EndpointInvokeFields.DEFAULT_HEADER == {"Content-Type": "application/json"}

    def test_an_unknown_deployment(self, azure: Azure, ml_client: Any, image: bytes) -> None:
        with (
            Client.from_ml_client(ml_client, ENDPOINT, invoke=True, deployment="gren") as client,
            pytest.raises(errors.EndpointNotFound, match="no deployment 'gren'"),
        ):
            client.detect(image)

    def test_the_control_plane_says_no(self, azure: Azure, ml_client: Any, image: bytes) -> None:
        with Client.from_ml_client(ml_client, ENDPOINT, invoke=True) as client:
            client.detect(image)
            azure.manager.forbidden = {"listKeys"}
            with pytest.raises(errors.PermissionDenied, match="Resource Manager answered 403"):
                client.detect(image)

    def test_the_time_of_a_call_is_bounded(self, opened: Opener, azure: Azure, ml_client: Any, image: bytes) -> None:
        free = threading.Event()

        def wait(request: Any) -> None:
            free.wait(60)

        azure.endpoint.before = wait

        def fail(watch: Stopwatch) -> None:
            with watch.running(), pytest.raises(errors.TransportError):
                opened(
                    lambda client: client.detect(image),
                    ml_client, ENDPOINT, way="from_ml_client", invoke=True, deadline=1.0,
                )  # fmt: skip

        is_within(1.5, fail, at_most=2.5)
        free.set()

    @pytest.mark.parametrize(("deployment", "questions"), [(None, 2), ("green", 3)])
    def test_what_a_image_costs(
        self, azure: Azure, ml_client: Any, image: bytes, deployment: str | None, questions: int
    ) -> None:
        """The reason not to score this way: control-plane calls for every image."""
        with Client.from_ml_client(ml_client, ENDPOINT, invoke=True, deployment=deployment) as client:
            client.detect(image)
            azure.manager.seen.clear()
            client.detect(image)
        assert len(azure.manager.asked) == questions

    def test_health_takes_the_plain_way(self, opened: Opener, azure: Azure, ml_client: Any) -> None:
        assert opened(lambda client: client.health(), ml_client, ENDPOINT, way="from_ml_client", invoke=True).ok
        assert azure.endpoint.seen[0].path == "/swagger.json"


def test_the_loop_goes_on_while_invoke_runs(azure: Azure, ml_client: Any, image: bytes) -> None:
    asked, answer = threading.Event(), threading.Event()
    told: list[bool] = []

    def wait(request: Any) -> None:
        asked.set()
        told.append(answer.wait(20))

    azure.endpoint.before = wait

    async def main() -> None:
        async with await AsyncClient.from_ml_client(ml_client, ENDPOINT, invoke=True) as client:
            scoring = asyncio.create_task(client.detect(image))
            await asyncio.to_thread(asked.wait, 60)
            answer.set()  # nobody sets it while the loop stands still
            await scoring

    asyncio.run(main())
    assert told == [True]


def test_names_are_the_workspaces(ml_client: Any) -> None:
    assert (ml_client.subscription_id, ml_client.resource_group_name, ml_client.workspace_name) == NAMES[:3]

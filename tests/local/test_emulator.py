"""The service's own behaviour, on demand: deployments, tokens, quotas, versions, faults, the control plane."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from automl_cv_client import Client, RetryPolicy, errors
from automl_cv_client.errors import InvalidInput, ModelError
from automl_cv_client.local import EndpointRules, LocalDeployment, LocalEndpoint, container
from automl_cv_client.local.faults import Faults, read_fault
from automl_cv_client.local.front_end import FrontEnd, Target
from automl_cv_client.local.images import read_image
from automl_cv_client.local.tokens import SCORING, WORKSPACE, Tokens
from tests.local.conftest import CLASSIFICATION, DETECTION, MULTILABEL, SEGMENTATION, Caller, encode, scoring, to_bytes
from tests.onnx_models import write_color_model, write_r_cnn_model, write_yolo_model

RED = encode(to_bytes(Image.new("RGB", (40, 30), "red"), "PNG"))
NO_IMAGE = encode(b"no image")
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_color_model(tmp_path_factory.mktemp("colors"), side=32, times=1)


def asked(endpoint: LocalEndpoint, body: Any = None, **headers: str) -> httpx.Response:
    caller = Caller(endpoint)
    with caller.http:
        return caller.post(scoring(RED) if body is None else body, endpoint.tasks[0], **headers)


def reason(reply: httpx.Response) -> tuple[int, str | None, str | None]:
    told = reply.headers
    return reply.status_code, told.get("ms-azureml-model-error-statuscode"), told.get("ms-azureml-model-error-reason")


# Deployments


def test_deployments_have_their_own_models(tmp_path: Path, colors: Path):
    (tmp_path / "green").mkdir()
    other = write_color_model(tmp_path / "green", side=32, names=["rot", "grün", "blau"])
    deployments = [LocalDeployment(name="blue"), LocalDeployment(name="green", model=other)]
    with LocalEndpoint(CLASSIFICATION, model=colors, deployments=deployments) as endpoint:
        assert asked(endpoint).json()[0]["labels"] == ["red", "green", "blue"]
        assert asked(endpoint, azureml_model_deployment="green").json()[0]["labels"] == ["rot", "grün", "blau"]


def test_traffic_is_shared_and_seeded(colors: Path):
    deployments = [LocalDeployment(name="blue", traffic=80), LocalDeployment(name="green", traffic=20)]
    runs = []
    for _ in range(2):
        with LocalEndpoint(
            CLASSIFICATION, model=colors, deployments=deployments, rules=EndpointRules(seed=3)
        ) as endpoint:
            caller = Caller(endpoint)
            with caller.http:
                runs.append([caller.post(b"{", CLASSIFICATION).headers["azureml-model-deployment"] for _ in range(60)])
    assert runs[0] == runs[1]
    assert 3 <= Counter(runs[0])["green"] <= 25


def test_404_without_traffic(colors: Path):
    deployments = [LocalDeployment(name="blue", traffic=0), LocalDeployment(name="green", traffic=0)]
    with LocalEndpoint(CLASSIFICATION, model=colors, deployments=deployments) as endpoint:
        assert asked(endpoint).status_code == 404
        assert asked(endpoint, azureml_model_deployment="green").status_code == 200


def test_mirrored_traffic_is_scored_unheard(colors: Path):
    deployments = [LocalDeployment(name="blue"), LocalDeployment(name="green", mirror=100)]
    with LocalEndpoint(CLASSIFICATION, model=colors, deployments=deployments) as endpoint:
        assert asked(endpoint).headers["azureml-model-deployment"] == "blue"
        page = httpx.get(endpoint.status_uri).text
    green = page[page.index('<th scope="row">green') :].partition("</tr>")[0]
    assert green.endswith("<td>1</td>")  # in the column of mirrored requests


@pytest.mark.parametrize(
    "wrong",
    [
        {"traffic": 101},
        {"traffic": 50},
        {"mirror": -1},
        {"instances": -1},
        {"concurrency": 0},
        {"request_timeout": 200},
        {"wire": "1.0"},
        {"name": ""},
    ],
    ids=str,
)
def test_wrong_deployments(wrong: dict[str, Any]):
    with pytest.raises(InvalidInput):
        LocalEndpoint(DETECTION, deployments=[LocalDeployment(**{"name": "blue", **wrong})])


def test_two_deployments_of_a_name():
    with pytest.raises(InvalidInput, match="the same name"):
        LocalEndpoint(DETECTION, deployments=["blue", "blue"])


# Who gets in


def front_end(auth: Any = "key", now: list[float] | None = None, **rules: Any) -> tuple[FrontEnd, Tokens]:
    clock = now or [0.0]
    tokens = Tokens(100, lambda: clock[0])
    rules_kept = EndpointRules(auth=auth, **rules)
    deployment = rules.pop("deployment", LocalDeployment(name="blue", concurrency=3, instances=2))
    return FrontEnd(["first", "second"], [deployment], rules_kept, tokens, clock=lambda: clock[0]), tokens


def admitted(guard: FrontEnd, token: str, counted: bool = True) -> int:
    answer = guard.admit({"authorization": f"Bearer {token}"}, counted=counted)
    return 200 if isinstance(answer, Target) else answer.status


def test_both_keys_let_in():
    guard, tokens = front_end()
    assert [admitted(guard, key) for key in ("first", "second", "third", "")] == [200, 200, 401, 401]
    assert admitted(guard, tokens.issue(SCORING).token) == 401


@pytest.mark.parametrize(
    ("auth", "right", "wrong"), [("aml_token", WORKSPACE, SCORING), ("aad_token", SCORING, WORKSPACE)]
)
def test_tokens_let_in_until_they_expire(auth: str, right: str, wrong: str):
    now = [0.0]
    guard, tokens = front_end(auth, now)
    token = tokens.issue(right)
    assert (token.expires_on, token.refresh_after) == (100, 80)
    assert [admitted(guard, text) for text in (token.token, "unknown", "first")] == [200, 401, 401]
    assert admitted(guard, tokens.issue(wrong).token) == 403
    now[0] = 100
    assert admitted(guard, token.token) == 401


def test_429_above_two_times_concurrency_times_instances():
    guard, _ = front_end()
    answers = [guard.admit({"authorization": "Bearer first"}, counted=True) for _ in range(13)]
    assert [isinstance(answer, Target) for answer in answers] == [True] * 12 + [False]
    assert guard.in_flight == {"blue": 12}
    assert isinstance(answers[0], Target)
    guard.leave(answers[0])
    assert admitted(guard, "first") == 200


def test_quotas_of_requests_and_bytes():
    now = [0.0]
    guard, _ = front_end(now=now, requests_per_second=2, bytes_per_second=1000, max_body_bytes=5000)
    assert [admitted(guard, "first") for _ in range(3)] == [200, 200, 429]
    now[0] = 0.5
    assert [admitted(guard, "first") for _ in range(2)] == [200, 429]
    assert guard.weigh(600) is None
    refused = [guard.weigh(600), guard.weigh(5001)]
    assert [answer.status for answer in refused if answer] == [429, 413]
    now[0] = 10
    assert guard.weigh(4000) is None  # larger than a second's worth: once the bucket is full
    now[0] = 12
    assert guard.weigh(1) is not None  # and then the debt is paid first


def test_408_for_what_takes_too_long(colors: Path):
    """Scoring in its own time: the model is quick, so the fault makes it late, in the front end; here the container."""
    deployment = LocalDeployment(name="blue", request_timeout=0.000_001)
    with LocalEndpoint(CLASSIFICATION, model=colors, deployments=[deployment]) as endpoint:
        assert asked(endpoint).status_code == 408
        with (
            Client(endpoint.scoring_uri, endpoint.key, retry=ONCE) as client,
            pytest.raises(errors.StatusError) as caught,
        ):
            client.classify(Image.new("RGB", (9, 9)))
    assert caught.value.status == 408


def test_a_cold_start_and_no_instances(colors: Path):
    cold = [LocalDeployment(name="blue", cold_start=60), LocalDeployment(name="green", instances=0)]
    with LocalEndpoint(CLASSIFICATION, model=colors, deployments=cold) as endpoint:
        assert reason(asked(endpoint)) == (424, "503", "model_not_ready")
        assert reason(asked(endpoint, azureml_model_deployment="green")) == (424, "503", "too_few_model_instance")


def test_a_bare_container_answers_in_its_own_words(colors: Path):
    """As in Docker: no key, and 500 where the front end says 424."""
    with LocalEndpoint(CLASSIFICATION, model=colors, rules=EndpointRules(front_end=False)) as endpoint:
        replies = [
            httpx.post(endpoint.scoring_uri, json=body) for body in (scoring(RED), scoring(RED, "A"), {}, scoring())
        ]
        assert [reply.status_code for reply in replies] == [200, 500, 400, 500]
        assert [reply.headers["x-ms-run-function-failed"] for reply in replies] == ["False", "True", "False", "True"]
        assert httpx.get(endpoint.scoring_uri).status_code == 400
        assert httpx.options(endpoint.scoring_uri).status_code == 200
        assert httpx.post(endpoint.scoring_uri + "/").status_code == 404
        assert httpx.put(endpoint.scoring_uri).status_code == 405
        assert httpx.post(endpoint.scoring_uri, content=b"x").status_code == 415
        told = httpx.post(endpoint.scoring_uri, json=scoring(RED), headers={"x-ms-client-request-id": "mine"}).headers
        assert (told["x-ms-client-request-id"], told["x-ms-request-id"]) == ("mine", "mine")
        with Client(endpoint.scoring_uri, "any") as client:
            assert client.classify(Image.new("RGB", (9, 9), "red")).label == "red"


# Versions of the server


def said(colors: Path, wire: Any, body: Any = None, task: str = CLASSIFICATION, **headers: str) -> Any:
    deployment = LocalDeployment(name="blue", wire=wire)
    with LocalEndpoint(task, model=colors, deployments=[deployment]) as endpoint:
        reply = asked(endpoint, body, **headers)
        assert reply.status_code == 200, reply.text
        return reply


def test_a_filename_until_1_51_and_nulls_of_1_47(colors: Path):
    (today,) = said(colors, "1.62").json()
    (older,) = said(colors, "1.51").json()
    (oldest,) = said(colors, "1.47").json()
    assert list(today) == ["probs", "labels"]
    assert list(older) == ["filename", "probs", "labels"]
    assert older["filename"].startswith("/server/temporary/tmp")
    assert list(oldest) == ["filename", "probs", "labels", "visualizations", "attributions"]
    assert oldest["visualizations"] is oldest["attributions"] is None


def test_the_legacy_script(colors: Path):
    """A body is an image, or an object with one; the reply is a bare object, as text; nothing for no image."""
    raw = base64.b64decode(RED)
    for body in (raw, {"image": RED}, {"image": RED, "model_explainability": False}):
        reply = said(colors, "legacy", body)
        assert reply.headers["content-type"].startswith("text/html")
        assert reply.text.endswith("}\n")
        assert list(reply.json())[:3] == ["filename", "probs", "labels"]
    assert said(colors, "legacy", b"no image").content == b""
    assert list(said(colors, "legacy", {"image": RED, "model_explainability": True}).json())[-1] == "attributions"


def test_hugging_face(colors: Path):
    (row,) = said(colors, "huggingface", {"input_data": [RED]}).json()
    assert list(row) == ["0", "1", "2"]
    assert row["0"]["label"] == "red"
    assert row["0"]["score"] > row["1"]["score"]
    ((best, *_),) = said(colors, "catalogue-huggingface").json()
    assert best["label"] == "red"


def test_mm_detection_fails_a_request_for_one_image(tmp_path: Path):
    model = write_yolo_model(tmp_path, [[320, 320, 320, 320, 1.0, 0.9, 0.1]])
    deployment = LocalDeployment(name="blue", wire="mmdetection")
    with LocalEndpoint(DETECTION, model=model, deployments=[deployment]) as endpoint:
        assert len(asked(endpoint, scoring(RED, RED)).json()) == 2
        assert reason(asked(endpoint, scoring(RED, NO_IMAGE)))[:2] == (424, "500")


def test_among_many_only_the_image_at_fault_fails_behind_mm_detection(monkeypatch: pytest.MonkeyPatch):
    """An image that is fine here and not there fails its whole request; its neighbours are sent again by themselves."""

    def picky(encoded: bytes, reader: Any) -> Any:
        image = read_image(encoded, reader)
        return None if image is not None and image.size == (33, 33) else image

    monkeypatch.setattr(container, "read_image", picky)
    images = [Image.new("RGB", (side, side)) for side in (50, 33, 60)]
    deployment = LocalDeployment(name="blue", wire="mmdetection")
    with (
        LocalEndpoint(DETECTION, deployments=[deployment]) as endpoint,
        Client(endpoint.scoring_uri, endpoint.key) as client,
    ):
        assert [outcome.ok for outcome in client.detect_many(images, per_request=3)] == [True, False, True]
        with pytest.raises(ModelError):
            client.score(images, DETECTION)


def test_a_reply_that_is_encoded_twice(colors: Path):
    assert isinstance(said(colors, "doubly-encoded").json(), str)


@pytest.mark.parametrize(
    "wire", ["1.62", "1.51", "1.47", "huggingface", "catalogue-huggingface", "doubly-encoded", "legacy"]
)
def test_the_client_reads_every_version(colors: Path, wire: Any):
    dialect: Any = {"legacy": "legacy", "huggingface": "huggingface"}.get(wire, "automl")
    deployment = LocalDeployment(name="blue", wire=wire)
    with (
        LocalEndpoint(CLASSIFICATION, model=colors, deployments=[deployment]) as endpoint,
        Client(endpoint.scoring_uri, endpoint.key, dialect=dialect) as client,
    ):
        assert client.classify(Image.new("RGB", (9, 9), "red")).label == "red"


@pytest.mark.parametrize(
    ("wire", "task"),
    [("huggingface", DETECTION), ("catalogue-huggingface", SEGMENTATION), ("mmdetection", MULTILABEL)],
)
def test_a_version_without_the_task_is_refused(wire: Any, task: str):
    with pytest.raises(InvalidInput, match=f"the {wire} flavour is for"):
        LocalEndpoint(task, deployments=[LocalDeployment(name="blue", wire=wire)])


# Faults


def test_faults_are_drawn_by_their_shares_and_again_alike():
    texts = ["status=503:0.3", "latency=0.1-0.5:0.5", "truncate:0.1", "reset:0.05"]
    runs = [
        [faults.draw() for _ in range(2000)] for faults in (Faults([read_fault(t) for t in texts], 7) for _ in "ab")
    ]
    assert runs[0] == runs[1]
    assert 0.25 < sum(drawn.status == 503 for drawn in runs[0]) / 2000 < 0.35
    late = [drawn.seconds for drawn in runs[0] if drawn.seconds]
    assert 0.45 < len(late) / 2000 < 0.55
    assert 0.1 <= min(late) < 0.12 < 0.48 < max(late) <= 0.5
    assert 0.03 < sum(drawn.broken == "before" for drawn in runs[0]) / 2000 < 0.07
    means = Faults([read_fault("latency=exp0.3")], 1)
    assert sum(means.draw().seconds for _ in range(4000)) / 4000 == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize(
    "text", ["", "status", "status=200", "status=x", "lateness=1", "reset=1", "drop=0.5", "status=503:2", "latency=x"]
)
def test_a_text_that_is_no_fault(text: str):
    with pytest.raises(InvalidInput):
        EndpointRules(faults=[text or "?"])


FAULTS = {
    "status=503": (503, None, None),
    "status=429": (429, None, None),
    "container=500": (424, "500", "model_error"),
    "drop=1": (200, None, None),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_request_brings_its_own_fault(colors: Path, fault: str):
    with LocalEndpoint(CLASSIFICATION, model=colors) as endpoint:
        reply = asked(endpoint, scoring(RED, RED), x_automl_cv_fault=fault)
        assert reason(reply) == FAULTS[fault]
        if fault == "drop=1":
            assert len(reply.json()) == 1
        assert reason(asked(endpoint)) == (200, None, None)
        assert asked(endpoint, x_automl_cv_fault="nonsense").status_code == 400


@pytest.mark.parametrize("fault", ["truncate", "reset"])
def test_connections_break(colors: Path, fault: str):
    with LocalEndpoint(CLASSIFICATION, model=colors, rules=EndpointRules(faults=[fault])) as endpoint:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            asked(endpoint)
        with Client(endpoint.scoring_uri, endpoint.key, retry=ONCE) as client, pytest.raises(errors.ConnectionFailed):
            client.classify(Image.new("RGB", (9, 9)))


def test_the_client_gets_through_a_third_of_faults(colors: Path):
    rules = EndpointRules(faults=["status=503:0.2", "reset:0.05", "truncate:0.05"], seed=5)
    retry = RetryPolicy(attempts=8, backoff=0.001)
    with (
        LocalEndpoint(CLASSIFICATION, model=colors, rules=rules) as endpoint,
        Client(endpoint.scoring_uri, endpoint.key, retry=retry) as client,
    ):
        results = [client.classify(Image.new("RGB", (9, 9), "red")) for _ in range(30)]
    assert {result.label for result in results} == {"red"}
    assert max(result.call.attempts for result in results) > 1


# The control plane


@pytest.fixture
def managed(colors: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEndpoint]:
    deployments = [
        LocalDeployment(name="blue", instances=3, concurrency=4, request_timeout=30),
        LocalDeployment(name="green"),
    ]
    with LocalEndpoint(CLASSIFICATION, model=colors, deployments=deployments, control_plane=True) as endpoint:
        for name, value in endpoint.variables.items():
            monkeypatch.setenv(name, value)
        yield endpoint


def test_from_env_by_way_of_the_workspace(managed: LocalEndpoint):
    """azure-identity's own DefaultAzureCredential, asked as in an App Service."""
    pytest.importorskip("azure.identity")
    with Client.from_env() as client:
        assert client.classify(Image.new("RGB", (9, 9), "red")).label == "red"
        blue, green = client.deployments()
    assert (blue.name, blue.traffic, blue.state) == ("blue", 100, "Succeeded")
    assert (blue.instances, blue.requests_at_once, blue.request_timeout) == (3, 24, 30)
    assert (green.name, green.traffic) == ("green", 0)


@pytest.mark.parametrize("auth", ["key", "aml_token", "aad_token"])
def test_every_mode_of_authentication(colors: Path, monkeypatch: pytest.MonkeyPatch, auth: Any):
    pytest.importorskip("azure.identity")
    with LocalEndpoint(CLASSIFICATION, model=colors, rules=EndpointRules(auth=auth), control_plane=True) as endpoint:
        for name, value in endpoint.variables.items():
            monkeypatch.setenv(name, value)
        with Client.from_env() as client:
            assert client.classify(Image.new("RGB", (9, 9), "red")).label == "red"


def test_what_resource_manager_refuses(managed: LocalEndpoint):
    variables = managed.variables
    base = variables["AUTOML_CV_RESOURCE_MANAGER"]
    path = (
        f"{base}/subscriptions/{variables['AUTOML_CV_SUBSCRIPTION_ID']}/resourceGroups/local/providers/"
        "Microsoft.MachineLearningServices/workspaces/local/onlineEndpoints/local"
    )
    identity = httpx.get(
        variables["IDENTITY_ENDPOINT"],
        params={"resource": base},
        headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]},
    ).json()
    right = {"authorization": f"Bearer {identity['access_token']}"}
    wrong = {"authorization": f"Bearer {managed.token()}"}
    assert httpx.get(path, headers=right).json()["properties"]["traffic"] == {"blue": 100, "green": 0}
    assert httpx.get(path, headers=wrong).status_code == 401
    assert httpx.get(path + "x/y", headers=right).status_code == 404
    assert httpx.post(path + "/token", headers=right).status_code == 400  # this endpoint has keys
    assert httpx.get(variables["IDENTITY_ENDPOINT"], headers={"X-IDENTITY-HEADER": "wrong"}).status_code == 401
    assert managed.key not in json.dumps(variables)


def test_without_a_control_plane_there_are_no_variables():
    with LocalEndpoint(DETECTION) as endpoint, pytest.raises(InvalidInput, match="control_plane=True"):
        _ = endpoint.variables


# The page for people, and staying up


def test_the_status_page(tmp_path: Path):
    mask = [[[[1.0] * 800] * 600]]
    model = write_r_cnn_model(tmp_path, [[80, 60, 400, 300]], [1], [0.9], mask, names=["--bg--", "<b>can</b>"])
    with LocalEndpoint(SEGMENTATION, model=model) as endpoint:
        assert httpx.get(endpoint.status_uri.split("?")[0]).status_code == 401
        assert "No image was scored yet" in httpx.get(endpoint.status_uri).text
        asked(endpoint)
        asked(endpoint, b"{")
        page = httpx.get(endpoint.status_uri).text
    assert "1 × 200, 1 × 400" in page
    assert "&lt;b&gt;can&lt;/b&gt; 0.90" in page
    assert "<b>can" not in page
    assert page.count("<rect ") == 1
    assert 'fill-rule="evenodd"' in page
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page
    assert endpoint.key not in page


def test_it_stays_up_under_64_clients_and_malformed_requests(colors: Path):
    failures: list[object] = []
    with LocalEndpoint(CLASSIFICATION, model=colors) as endpoint:
        address = httpx.URL(endpoint.scoring_uri)

        def ask(number: int) -> None:
            body: Any = (
                scoring(RED) if number % 4 else [b"", b"\x00" * 999, b'{"input_data": ' + b"[" * 5000][number % 3]
            )
            try:
                for _ in range(3):
                    status = asked(endpoint, body).status_code
                    if status != (200 if number % 4 else 424):
                        failures.append(status)
            except Exception as error:  # noqa: BLE001  whatever it is, it is told
                failures.append(error)

        slow = [socket.create_connection((address.host, address.port or 0)) for _ in range(20)]
        for number, connection in enumerate(slow):  # half a request, then silence; or no HTTP at all
            connection.sendall(
                b"POST /score HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf" if number % 2 else b"\x16\x03\x01\x00"
            )
        callers = [threading.Thread(target=ask, args=(number,)) for number in range(64)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(120)
        assert failures == []
        assert asked(endpoint).status_code == 200
        for connection in slow:
            connection.close()


def test_the_server_adds_little_to_the_model(colors: Path):
    """A generous guard: benchmarks measure it. One request costs the server's own thread well under 20 ms of CPU."""
    with LocalEndpoint(CLASSIFICATION, model=colors) as endpoint:
        caller = Caller(endpoint)
        with caller.http:
            caller.post(scoring(RED), CLASSIFICATION)
            before = time.process_time()
            for _ in range(50):
                caller.post(scoring(RED), CLASSIFICATION)
            assert (time.process_time() - before) / 50 < 0.02

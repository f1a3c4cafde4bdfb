"""Who gets in, which headers a reply carries, and how refusals look (contract, §6)."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from automl_cv_client.local import EndpointRules, LocalEndpoint
from automl_cv_client.local.detection import Detector
from tests.local.conftest import DETECTION, Caller, encode, scoring


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x", "Bearer é"])
def test_401_without_the_key(caller: Caller, value: str):
    header = value.format(key=caller.endpoint.key).encode()
    reply = httpx.post(caller.endpoint.scoring_uri_of(DETECTION), headers={b"Authorization": header}, json={})
    assert reply.status_code == 401
    assert list(reply.json()) == ["message"]
    assert caller.endpoint.key not in reply.text
    assert "x-ms-request-id" in reply.headers


def test_the_deployment_with_the_traffic_answers(caller: Caller):
    assert caller.post(scoring("AAAA")).headers["azureml-model-deployment"] == "blue"


def test_a_deployment_can_be_forced(caller: Caller):
    reply = caller.post(scoring("AAAA"), azureml_model_deployment="green")
    assert (reply.status_code, reply.headers["azureml-model-deployment"]) == (200, "green")


def test_404_for_an_unknown_deployment(caller: Caller):
    reply = caller.post(scoring("AAAA"), azureml_model_deployment="red")
    assert (reply.status_code, list(reply.json())) == (404, ["message"])


def test_404_for_an_unknown_path(caller: Caller):
    uri = caller.endpoint.scoring_uri_of(DETECTION).replace("image-object", "image-subject")
    assert caller.http.post(uri, json={}).status_code == 404


def test_headers_of_a_reply(caller: Caller, cat: bytes):
    reply = caller.post(scoring(encode(cat)))
    assert reply.headers["x-ms-request-id"] == reply.headers["x-request-id"]
    assert float(reply.headers["x-ms-run-fn-exec-ms"]) > 0
    assert float(reply.headers["ms-azureml-model-time"]) > 0
    assert "x-ms-client-request-id" not in reply.headers
    assert reply.headers["x-ms-request-id"] != caller.post(scoring("AAAA")).headers["x-ms-request-id"]


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [("my-Id_1", "my-Id_1"), ("a" * 50, "a" * 40), ("a b/c", "abc"), ("-" * 39 + "!xyz", "-" * 39 + "x")],
)
def test_the_client_request_id_comes_back(caller: Caller, sent: str, echoed: str):
    assert caller.post(scoring("AAAA"), x_ms_client_request_id=sent).headers["x-ms-client-request-id"] == echoed
    refused = caller.post(b"{", x_ms_client_request_id=sent)
    assert refused.headers["x-ms-client-request-id"] == echoed


def test_413_for_a_large_body():
    with LocalEndpoint(DETECTION, rules=EndpointRules(max_body_bytes=1000)) as endpoint:
        caller = Caller(endpoint)
        with caller.http:
            reply = caller.post(scoring("A" * 5_000_000))
            assert (reply.status_code, list(reply.json())) == (413, ["message"])
            assert caller.post(scoring("AAAA")).status_code == 200


def test_a_scorer_that_raises_is_a_model_error(caller: Caller, cat: bytes, monkeypatch: pytest.MonkeyPatch):
    def broken(self: Detector, images: list[Any]) -> list[dict[str, Any]]:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(Detector, "score", broken)
    reply = caller.post(scoring(encode(cat)))
    assert (reply.status_code, reply.headers["ms-azureml-model-error-statuscode"]) == (424, "500")
    assert "secret" not in reply.text


def test_429_above_the_number_in_flight(cat: bytes, monkeypatch: pytest.MonkeyPatch):
    scoring_began, go_on = threading.Event(), threading.Event()

    def held(self: Detector, images: list[Any]) -> list[dict[str, Any]]:
        scoring_began.set()
        go_on.wait(60)
        return [{"boxes": []} for _ in images]

    monkeypatch.setattr(Detector, "score", held)
    with LocalEndpoint(DETECTION, max_in_flight=1) as endpoint:
        caller = Caller(endpoint)
        replies: list[httpx.Response] = []
        first = threading.Thread(target=lambda: replies.append(caller.post(scoring(encode(cat)))))
        with caller.http:
            first.start()
            assert scoring_began.wait(60)
            refused = caller.post(scoring(encode(cat)))
            go_on.set()
            first.join()
            assert caller.post(scoring(encode(cat))).status_code == 200
    assert (refused.status_code, list(refused.json())) == (429, ["message"])
    assert "retry-after" not in refused.headers
    assert replies[0].status_code == 200


def test_liveness_needs_no_key(caller: Caller):
    root = caller.endpoint.scoring_uri_of(DETECTION).removesuffix(f"{DETECTION}/score")
    for address in (root, f"{root}{DETECTION}/"):
        reply = httpx.get(address)
        assert (reply.status_code, reply.text) == (200, "Healthy")


def test_swagger_needs_the_key(caller: Caller):
    address = caller.endpoint.scoring_uri_of(DETECTION).replace("/score", "/swagger.json")
    assert httpx.get(address).status_code == 401
    document = caller.http.get(address).json()
    assert document["swagger"] == "2.0"
    assert f"/{DETECTION}/score" in document["paths"]

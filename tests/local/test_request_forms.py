"""Which request bodies the endpoint takes and which it refuses, and with what (contract, §1)."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable

import pytest

from tests.local.conftest import Caller, encode, photo, scoring


def frame(**parts: object) -> dict[str, object]:
    return {"input_data": parts}


ACCEPTED: dict[str, Callable[[str], object]] = {
    "flat rows": lambda row: scoring(row, row),
    "one-element rows": lambda row: scoring([row], [row]),
    "index": lambda row: frame(columns=["image"], index=[0, 1], data=[row, row]),
    "index in another order": lambda row: frame(columns=["image"], index=[7, 0], data=[row, row]),
    "extra columns": lambda row: frame(columns=["id", "image"], data=[["a", row], ["b", row]]),
    "params beside the frame": lambda row: scoring(row, row) | {"params": {"x": 1}},
    "params in the frame": lambda row: frame(columns=["image"], data=[row, row], params={"x": 1}),
    "base64 with newlines": lambda row: scoring(*[base64.encodebytes(base64.b64decode(row)).decode()] * 2),
}


@pytest.mark.parametrize("form", ACCEPTED)
def test_accepted(caller: Caller, cat: bytes, form: str):
    reply = caller.post(ACCEPTED[form](encode(cat)))
    assert reply.status_code == 200
    assert [each["boxes"][0]["label"] for each in reply.json()] == ["cat", "cat"]


REFUSED = {
    "records": {"input_data": [{"image": "AAAA"}]},
    "a bare list": {"input_data": ["AAAA"]},
    "a string": {"input_data": "AAAA"},
    "no rows": frame(columns=["image"], data=[]),
    "data is no list": frame(columns=["image"], data="AAAA"),
    "no column": frame(columns=[], data=["AAAA"]),
    "no columns": frame(data=["AAAA"]),
    "another column": frame(columns=["photo"], data=["AAAA"]),
    "index without 0": frame(columns=["image"], index=[1, 2], data=["AAAA", "AAAA"]),
    "index too short": frame(columns=["image"], index=[0], data=["AAAA", "AAAA"]),
    "index of strings": frame(columns=["image"], index=["0"], data=["AAAA"]),
    "row too long": frame(columns=["image"], data=[["AAAA", "b"]]),
    "flat rows for two columns": frame(columns=["image", "id"], data=["AAAA"]),
    "a number for an image": scoring(7),
    "null for an image": scoring(None),
}


@pytest.mark.parametrize("form", REFUSED)
def test_a_form_the_scoring_script_fails_on(caller: Caller, form: str):
    reply = caller.post(REFUSED[form])
    assert reply.status_code == 424
    assert reply.headers["ms-azureml-model-error-statuscode"] == "500"
    assert reply.headers["ms-azureml-model-error-reason"] == "model_error"
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert list(reply.json()) == ["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'"x"',
        b"null",
        b"{}",
        b'{"data": ["AAAA"]}',
        b"\xff\xfe\xff",
        b"[" * 100_000,
        gzip.compress(json.dumps(scoring("AAAA")).encode()),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_request(caller: Caller, body: bytes):
    reply = caller.post(body)
    assert (reply.status_code, reply.headers["ms-azureml-model-error-statuscode"]) == (424, "400")
    assert "x-ms-run-function-failed" not in reply.headers
    assert list(reply.json()) == ["message"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/jsonp", ""])
def test_a_content_type_other_than_json(caller: Caller, content_type: str):
    reply = caller.post(json.dumps(scoring("AAAA")).encode(), content_type=content_type)
    assert (reply.status_code, reply.headers["ms-azureml-model-error-statuscode"]) == (424, "415")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_content_types_that_are_json(caller: Caller, cat: bytes, content_type: str):
    body = json.dumps(scoring(encode(cat))).encode()
    assert caller.post(body, content_type=content_type).status_code == 200


def test_many_images_in_one_request(caller: Caller, cat: bytes):
    found = caller.post(scoring(*[encode(cat)] * 20)).json()
    assert len(found) == 20
    assert all(each == found[0] for each in found)


def test_replies_keep_the_order_of_the_request(caller: Caller, cat: bytes):
    found = caller.post(scoring(photo("coffee.png"), encode(cat), photo("rocket.jpg"))).json()
    assert [[one["label"] for one in each["boxes"]] for each in found] == [["cup", "dining table"], ["cat"], []]

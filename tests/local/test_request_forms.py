"""Each request form of the contract, and what the real container answers to it (§1, §5, §11): one row a form.

The model names a color, so that the answer tells which rows survived.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator

import httpx
import pytest
from PIL import Image

from automl_cv_client.local import LocalEndpoint
from tests.local.conftest import CLASSIFICATION, MULTILABEL, Caller, encode, scoring, to_bytes
from tests.onnx_models import write_color_model

RED, GREEN, BLUE = (encode(to_bytes(Image.new("RGB", (40, 30), color), "PNG")) for color in ("red", "lime", "blue"))
NO_IMAGE = encode(b"no image at all")


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    model = write_color_model(tmp_path_factory.mktemp("colors"), side=32, times=1)
    with LocalEndpoint(CLASSIFICATION, model=model) as endpoint:
        caller = Caller(endpoint)
        with caller.http:
            yield caller


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    model = write_color_model(tmp_path_factory.mktemp("colors"), side=32, times=1)
    with LocalEndpoint(MULTILABEL, model=model) as endpoint:
        caller = Caller(endpoint)
        with caller.http:
            yield caller


def frame(**parts: object) -> dict[str, object]:
    return {"input_data": parts}


def xai(image: object = RED, wanted: object = True, parameters: object = None, **more: object) -> str:
    row = {"image_base64": image, "model_explainability": wanted, "xai_parameters": parameters, **more}
    return json.dumps({name: value for name, value in row.items() if value is not None})


def quiet(**parameters: object) -> str:
    """An explainability row that asks for no part, so that it is quick."""
    return xai(parameters={"visualizations": False, **parameters})


def answered(reply: httpx.Response) -> tuple[int, list[str]]:
    """The container's status, and the color of each row that survived."""
    if reply.status_code == 424:
        return int(reply.headers["ms-azureml-model-error-statuscode"]), []
    rows = reply.json()
    return reply.status_code, [max(zip(row["probs"], row["labels"], strict=True))[1] for row in rows]


TAKEN: dict[str, tuple[object, list[str]]] = {
    "flat rows": (scoring(RED, GREEN), ["red", "green"]),
    "one-element rows": (scoring([RED], [GREEN]), ["red", "green"]),
    "rows as objects": (scoring({"image": RED}, {"image": GREEN}), ["red", "green"]),
    "index": (frame(columns=["image"], index=[0, 1], data=[RED, BLUE]), ["red", "blue"]),
    "index in another order": (frame(columns=["image"], index=[7, 0], data=[RED, BLUE]), ["red", "blue"]),
    "a label other than 0 twice": (
        frame(columns=["image"], index=[0, 1, 1], data=[RED, RED, BLUE]),
        ["red", "red", "blue"],
    ),
    "columns as an object": (frame(columns={"image": 0}, data=[RED]), ["red"]),
    "index null": (frame(columns=["image"], index=None, data=[RED]), ["red"]),
    "extra columns": (frame(columns=["id", "image"], data=[["a", RED], ["b", BLUE]]), ["red", "blue"]),
    "params": (scoring(RED) | {"params": {"x": 1}}, ["red"]),
    "another key of the body": (scoring(RED) | {"surprise": 1}, ["red"]),
    "base64 with newlines": (scoring(base64.encodebytes(base64.b64decode(RED)).decode()), ["red"]),
    "90 images": (scoring(*[BLUE] * 90), ["blue"] * 90),
    "no image, dropped": (scoring(RED, NO_IMAGE, BLUE), ["red", "blue"]),
    "nothing, dropped": (scoring("", BLUE), ["blue"]),
    "cut off, dropped": (scoring(RED[:40], BLUE), ["blue"]),
    "all dropped": (scoring(NO_IMAGE, "AAAA"), []),
    "a URL of a possible length, dropped": (scoring("https://example.com/cat.jpg", BLUE), ["blue"]),
    "a jpeg data URI, dropped": (scoring("data:image/jpeg;base64," + RED, BLUE), ["blue"]),
    "an explainability row, plain": (scoring(xai(wanted=False)), ["red"]),
    "an explainability row without parameters": (scoring(xai(wanted=None)), ["red"]),
    "an explainability row of no image": (scoring(xai(RED, False), xai(NO_IMAGE, False)), ["red"]),
    "further keys in an explainability row": (scoring(xai(wanted=False, surprise=1)), ["red"]),
    **{
        f"model_explainability {value!r}": (scoring(xai(wanted=value, parameters={"visualizations": False})), ["red"])
        for value in (True, False, "true", "True", "yes", "y", "on", "1", "false", "no", "off", 0, 1)
    },
    "unknown parameters": (scoring(quiet(surprise=1)), ["red"]),
    "bad parameters nobody asked for": (scoring(xai(wanted=False, parameters={"n_steps": 1})), ["red"]),
    "a threshold in text": (scoring(quiet(confidence_score_threshold_multilabel="0.5")), ["red"]),
    "any threshold, which multi-class ignores": (scoring(quiet(confidence_score_threshold_multilabel="x")), ["red"]),
    "xrai_fast of any kind": (scoring(quiet(xrai_fast="x")), ["red"]),
    "algorithm null": (scoring(quiet(xai_algorithm=None)), ["red"]),
}

FAILED: dict[str, object] = {
    "records": {"input_data": [{"image": RED}]},
    "a bare list": {"input_data": [RED]},
    "a string": {"input_data": RED},
    "null": {"input_data": None},
    "no rows": frame(columns=["image"], data=[]),
    "no data": frame(columns=["image"]),
    "data is no list": frame(columns=["image"], data=RED),
    "no columns named": frame(columns=[], data=[RED]),
    "no columns": frame(data=[RED]),
    "another column": frame(columns=["picture"], data=[RED]),
    "Image, in capitals": frame(columns=["Image"], data=[RED]),
    "index without 0": frame(columns=["image"], index=[1, 2], data=[RED, RED]),
    "index too short": frame(columns=["image"], index=[0], data=[RED, RED]),
    "index of strings": frame(columns=["image"], index=["0"], data=[RED]),
    "index of truth values": frame(columns=["image"], index=[False, True], data=[RED, RED]),
    "a label twice": frame(columns=["image"], index=[0, 0], data=[RED, RED]),
    "a further key in input_data": frame(columns=["image"], data=[RED], params={}),
    "row too long": scoring([RED, "b"]),
    "an empty row": scoring([]),
    "an empty row beside a good one": scoring([RED], []),
    "flat rows for two columns": frame(columns=["image", "id"], data=[RED]),
    "bare and nested rows": scoring(RED, [RED]),
    "nested and bare rows": scoring([RED], RED),
    "a list for an image": scoring([[RED]]),
    "a number for an image": scoring(7),
    "null for an image": scoring(None),
    "null beside a good row": scoring(RED, None),
    "an object that is no row": scoring({"picture": RED}),
    "base64 of an impossible length": scoring(RED, "A"),
    "unpadded base64": scoring(RED, NO_IMAGE.rstrip("=")[:-1]),
    "letters outside ASCII": scoring(RED, "é" + RED),
    "a png data URI": scoring(RED, "data:image/png;base64," + RED),
    "a URL": scoring(RED, "https://example.com/a.jpg"),
    **{f"the row {row}": scoring(row) for row in ("1234", "null", "true", "[]", "{}", '"AAAA"', "NaN")},
    "an explainability row without image_base64": scoring(json.dumps({"image": RED})),
    "an image_base64 that is no text": scoring(xai(7, False)),
    "plain rows after an explainability row": scoring(xai(wanted=False), RED),
    "model_explainability null": scoring(json.dumps({"image_base64": RED, "model_explainability": None})),
    "model_explainability 2": scoring(xai(wanted=2)),
    "model_explainability maybe": scoring(xai(wanted="maybe")),
    "xai_parameters null": scoring(json.dumps({"image_base64": RED, "xai_parameters": None})),
    "xai_parameters a list": scoring(xai(wanted=False, parameters=[])),
    "device": scoring(xai(wanted=False, parameters={"device": "cpu"})),
    "an unknown algorithm": scoring(quiet(xai_algorithm="shap")),
    "visualizations in text": scoring(xai(parameters={"visualizations": "true"})),
    "attributions a number": scoring(quiet(attributions=1)),
    **{f"n_steps {value!r}": scoring(quiet(n_steps=value)) for value in (1, True, "50", 2.5, None)},
    "n_steps of an algorithm that takes none": scoring(quiet(n_steps=1, xai_algorithm="guided_gradcam")),
    "an unknown approximation": scoring(quiet(approximation_method="simpson")),
}

BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "cut off": (b"{", 400),
    "a list": (b"[1]", 400),
    "a text": (b'"x"', 400),
    "null": (b"null", 400),
    "no input_data": (b"{}", 400),
    "data alone": (b'{"data": ["AAAA"]}', 400),
    "two objects": (b"{}{}", 400),
    "an odd number of bytes of UTF-16": (b"\xff\xfe\xff", 500),
    "not UTF-8": (b'{"input_data": "\xe9"}', 500),
    "deeper than the parser goes": (b"[" * 100_000, 500),
    "gzip": (gzip.compress(json.dumps(scoring("AAAA")).encode()), 500),
    "a byte-order mark": (b"\xef\xbb\xbf" + json.dumps(scoring(RED)).encode(), 200),
    "UTF-16": (json.dumps(scoring(RED)).encode("utf-16"), 200),
}


@pytest.mark.parametrize("form", TAKEN)
def test_a_form_the_container_takes(colors: Caller, form: str):
    body, names = TAKEN[form]
    assert answered(colors.post(body, CLASSIFICATION)) == (200, names)


@pytest.mark.parametrize("form", FAILED)
def test_a_form_that_fails_the_whole_request(colors: Caller, form: str):
    reply = colors.post(FAILED[form], CLASSIFICATION)
    assert reply.status_code == 424
    assert reply.headers["ms-azureml-model-error-statuscode"] == "500"
    assert reply.headers["ms-azureml-model-error-reason"] == "model_error"
    assert reply.headers["x-ms-run-function-failed"] == "True"
    assert "x-ms-run-fn-exec-ms" not in reply.headers
    assert list(reply.json()) == ["message"]


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_request(colors: Caller, name: str):
    body, status = BODIES[name]
    reply = colors.post(body, CLASSIFICATION)
    assert answered(reply)[0] == status
    assert reply.headers["x-ms-run-function-failed"] == "False"  # the scoring script never ran, or ran well
    assert status == 200 or list(reply.json()) == ["message"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/vnd.api+json", 200),
        ("text/plain", 415),
        ("application/octet-stream", 415),
        ("application/jsonp", 415),
        ("text/json", 415),
        ("", 415),
    ],
)
def test_content_types(colors: Caller, content_type: str, status: int):
    body = json.dumps(scoring(RED)).encode()
    assert answered(colors.post(body, CLASSIFICATION, content_type=content_type))[0] == status


@pytest.mark.parametrize(("threshold", "status"), [("0.9", 200), (0.9, 200), ("x", 500), (None, 500), ([], 500)])
def test_the_multi_label_threshold(several: Caller, threshold: object, status: int):
    body = scoring(quiet(confidence_score_threshold_multilabel=threshold))
    assert answered(several.post(body, MULTILABEL))[0] == status


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("plain", RED),
        ("explained", xai()),
        ("integrated gradients", xai(parameters={"xai_algorithm": "integrated_gradients"})),
    ],
)
def test_detection_answers_explainability_rows_with_plain_scores(caller: Caller, name: str, row: str):
    reply = caller.post(scoring(row))
    assert (reply.status_code, reply.json()) == (200, [{"boxes": []}])


@pytest.mark.parametrize("parameters", [{"xai_algorithm": "guided_gradcam"}, {"n_steps": 1}, {"xai_algorithm": "x"}])
def test_detection_fails_on_some_methods(caller: Caller, parameters: dict[str, object]):
    assert answered(caller.post(scoring(xai(parameters=parameters))))[0] == 500


ROUTES: list[tuple[str, str, int]] = [
    ("GET", "/score", 400),
    ("OPTIONS", "/score", 200),
    ("HEAD", "/score", 405),
    ("PUT", "/score", 405),
    ("DELETE", "/score", 405),
    ("PATCH", "/score", 405),
    ("POST", "/score/", 404),
    ("POST", "/scores", 404),
    ("GET", "/nothing", 404),
    ("POST", "/", 405),
    ("POST", "/swagger.json", 405),
    ("GET", "/swagger.json", 200),
    ("GET", "/swagger.json?version=2", 200),
    ("GET", "/swagger.json?version=2.0", 200),
    ("GET", "/swagger.json?version=3", 200),
    ("GET", "/swagger.json?version=1", 404),
    ("GET", "/swagger.json?version=4", 404),
    ("GET", "/", 200),
]


@pytest.mark.parametrize(("method", "path", "status"), ROUTES)
def test_methods_and_paths(colors: Caller, method: str, path: str, status: int):
    uri = colors.endpoint.scoring_uri.removesuffix("/score") + path
    reply = colors.http.request(method, uri)
    found = reply.headers.get("ms-azureml-model-error-statuscode", str(reply.status_code))
    assert found == str(status)
    if status >= 400:
        assert reply.status_code == 424
        assert method == "HEAD" or list(reply.json()) == ["message"]


def test_the_openapi_documents(colors: Caller):
    uri = colors.endpoint.scoring_uri.replace("/score", "/swagger.json?version=")
    assert colors.http.get(uri + "2").json()["swagger"] == "2.0"
    assert colors.http.get(uri + "3").json()["openapi"].startswith("3.")


def test_a_request_in_a_query(colors: Caller):
    """The container reads a GET's parameters as JSON."""
    query = {"input_data": json.dumps(scoring(RED)["input_data"])}
    assert answered(colors.http.get(colors.endpoint.scoring_uri, params=query)) == (200, ["red"])


HEADERS: dict[str, tuple[dict[str, str], int]] = {
    "a client's id of 100 letters": ({"x-ms-client-request-id": "a" * 100}, 200),
    "a client's id of 101 letters": ({"x-ms-client-request-id": "a" * 101}, 431),
    "a request id of 101 letters": ({"x-request-id": "a" * 101}, 431),
    "an older request id of 101 letters": ({"x-ms-request-id": "a" * 101}, 431),
    "both request ids": ({"x-request-id": "a", "x-ms-request-id": "b"}, 400),
    "one request id": ({"x-ms-request-id": "b"}, 200),
}


@pytest.mark.parametrize("name", HEADERS)
def test_request_ids(colors: Caller, name: str):
    headers, status = HEADERS[name]
    reply = colors.http.post(colors.endpoint.scoring_uri, json=scoring(RED), headers=headers)
    assert answered(reply)[0] == status


def test_a_good_reply_says_that_nothing_failed(colors: Caller):
    reply = colors.post(scoring(RED), CLASSIFICATION)
    assert reply.headers["x-ms-run-function-failed"] == "False"
    assert float(reply.headers["x-ms-run-fn-exec-ms"]) >= 0


def test_replies_keep_the_order_of_the_request(colors: Caller):
    rows = [RED, BLUE, GREEN] * 5
    names = answered(colors.post(scoring(*rows), CLASSIFICATION))[1]
    assert names == ["red", "blue", "green"] * 5


@pytest.mark.parametrize("wanted", [True, False])
def test_the_keys_of_a_reply(colors: Caller, wanted: bool):
    """A version of today sends explanations only when they are asked for, and then a part nobody wanted as null."""
    (row,) = colors.post(scoring(xai(wanted=wanted, parameters={"visualizations": False})), CLASSIFICATION).json()
    assert list(row) == ["probs", "labels"] + ["visualizations", "attributions"] * wanted
    assert all(value is None for value in list(row.values())[2:])

"""Explainability rows: what they ask, how bad ones fail, and where an explainer joins (contract, §5)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from automl_cv_client.local.container import Call, Container
from automl_cv_client.local.images import Reader
from automl_cv_client.local.rows import Rows
from automl_cv_client.local.xai_request import XaiRequest, read_xai_rows
from automl_cv_client.task import Task
from tests.local.conftest import CLASSIFICATION, DETECTION, MULTILABEL, SEGMENTATION, Caller, encode, scoring

if TYPE_CHECKING:
    from PIL.Image import Image

JSON = {"content-type": "application/json"}


def row(image: str, wanted: Any = True, **parameters: Any) -> str:
    return json.dumps({"image_base64": image, "model_explainability": wanted, "xai_parameters": parameters})


@pytest.mark.parametrize(
    ("task", "wanted"),
    [
        (CLASSIFICATION, False),
        (MULTILABEL, False),
        (DETECTION, False),
        (DETECTION, True),
        (SEGMENTATION, True),
    ],
)
def test_plain_scores_come_back_where_nothing_is_explained(caller: Caller, cat: bytes, task: str, wanted: bool):
    image = encode(cat)
    assert caller.post(scoring(row(image, wanted)), task).json() == caller.post(scoring(image), task).json()


def test_the_row_labelled_0_decides_for_all():
    first = row("AAAA", True, n_steps=20, xai_algorithm="guided_gradcam")
    second = row("BBBB", False)
    images, request = read_xai_rows(Rows([second, first], first))
    assert images == ["BBBB", "AAAA"]
    assert request == XaiRequest(n_steps=20, xai_algorithm="guided_gradcam")


class _Model:
    name = "of a test"
    reader: Reader = "pillow"

    def score(self, images: list[Image]) -> list[dict[str, Any]]:
        return [{"scored": True} for _ in images]

    def explainer(self) -> _Explainer:
        return _Explainer()


class _Explainer:
    def method(self, request: XaiRequest) -> str:
        return "by heart"

    def explain(self, images: list[Image], request: XaiRequest) -> list[dict[str, Any]]:
        return [{"explained": request.xai_algorithm} for _ in images]


@pytest.mark.parametrize(("wanted", "answer"), [(True, [{"explained": "xrai"}] * 2), (False, [{"scored": True}] * 2)])
def test_an_explainer_is_asked_when_there_is_one(cat: bytes, wanted: bool, answer: list[dict[str, Any]]):
    body = json.dumps(scoring(*[row(encode(cat), wanted)] * 2)).encode()
    reply = Container(Task.CLASSIFICATION, _Model()).answer(Call(headers=JSON, body=body))
    assert (reply.status, json.loads(reply.body)) == (200, answer)
    assert reply.headers.get("x-automl-cv-explainer") == ("by heart" if wanted else None)

"""Bodies are what the service reads."""

from __future__ import annotations

import base64
import json
import os

import pytest

from automl_cv_client._protocol.requests import Dialect, scoring_body
from automl_cv_client.errors import InvalidInput


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 196607, 196608, 196609, 400001])
def test_the_body_is_the_one_json_would_write(length: int) -> None:
    image = os.urandom(length)
    text = base64.b64encode(image).decode()
    expected = {"input_data": {"columns": ["image"], "data": [text, "QQ=="]}}
    assert json.loads(scoring_body([image, b"A"])) == expected


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("automl", b'{"input_data":{"columns":["image"],"data":["QUJD"]}}'),
        ("huggingface", b'{"input_data":["QUJD"]}'),
        ("legacy", b'{"image":"QUJD"}'),
        ("legacy-raw", b"ABC"),
    ],
)
def test_each_dialect(dialect: Dialect, expected: bytes) -> None:
    assert scoring_body([b"ABC"], dialect) == expected


@pytest.mark.parametrize("dialect", ["legacy", "legacy-raw"])
def test_the_legacy_forms_take_one_image(dialect: Dialect) -> None:
    with pytest.raises(InvalidInput, match="one image a request, not 2"):
        scoring_body([b"a", b"b"], dialect)


def test_no_image_is_refused_here() -> None:
    with pytest.raises(InvalidInput, match="no image"):
        scoring_body([])


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(InvalidInput, match="automl, huggingface, legacy, legacy-raw"):
        scoring_body([b"a"], "klingon")  # type: ignore[arg-type]

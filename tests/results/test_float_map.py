"""Numbers from text, from JSON and from a pickle."""

from __future__ import annotations

import json
import math
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from automl_cv_client.errors import UnexpectedReply
from automl_cv_client.results._float_map import FloatMap


def array_of(text: str) -> np.ndarray:
    numbers = FloatMap.of_text(text.encode())
    return np.frombuffer(numbers.float32, "<f4").reshape(numbers.shape)


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=3, max_dims=3, max_side=6)))
def test_what_json_writes_comes_back_to_the_bit(array: np.ndarray) -> None:
    for text in (json.dumps(array.tolist()), json.dumps(array.tolist(), indent=2)):
        assert np.array_equal(array_of(text), array, equal_nan=True)


def test_odd_numbers() -> None:
    found = array_of("[[[NaN, null, Infinity, -1e99, 3, 1.6e-05]]]").tolist()[0][0]
    assert math.isnan(found[0])
    assert math.isnan(found[1])
    assert found[2:5] == [math.inf, -math.inf, 3.0]
    assert found[5] == struct.unpack("f", struct.pack("f", 1.6e-05))[0]


@pytest.mark.parametrize(
    "text",
    ["", "7", "[]", "[[]]", "[[[]]]", "[[1, 2]]", "[[[1, 2], [3]]]", "[[[1]], [[1], [2]]]", '[[["a"]]]', "[[[1, ]]]",
     "[[[[1]]]]", "[[[1]]", "[[[1], [2]], [[3]]]", "[[[{}]]]", "][0]]]"],
)  # fmt: skip
def test_anything_else_is_an_unexpected_reply(text: str) -> None:
    with pytest.raises(UnexpectedReply, match="not an array"):
        _ = FloatMap.of_text(text.encode()).shape


@given(st.text(alphabet="[]01.,- enul", max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        shape = FloatMap.of_text(text.encode()).shape
    except UnexpectedReply:
        return
    assert min(shape) >= 1


def test_equal_by_value_and_pickled_without_the_reply() -> None:
    a, b = FloatMap.of_text(b"[[[1, 2]]]"), FloatMap.of_text(b'{"x": [[[1.0,2.0]]]}', 6, 19)
    assert a == b
    assert hash(a) == hash(b)
    assert a != FloatMap.of_text(b"[[[1], [2]]]")
    assert pickle.loads(pickle.dumps(a)) == a
    assert FloatMap.read(json.loads(json.dumps(a.to_json()))) == a


@pytest.mark.parametrize(
    "value",
    ["x", {}, {"shape": [1, 1, 2], "float32": "AAAA"}, {"shape": [0, 1, 1], "float32": ""},
     {"shape": [1, 1], "float32": "AAAAAA=="}, {"shape": [1, 1, 1], "float32": "!"}],
)  # fmt: skip
def test_json_of_another_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        FloatMap.read(value)

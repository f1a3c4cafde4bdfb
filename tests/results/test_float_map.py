"""Numbers from text, from JSON and from a pickle."""

from __future__ import annotations

import json
import math
import pickle
import struct
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from automl_cv_client.errors import UnexpectedReply
from automl_cv_client.results._float_map import FloatMap, _by_simdjson


def array_of(text: str) -> np.ndarray:
    numbers = FloatMap.of_text(text.encode())
    return np.frombuffer(numbers.float32, "<f4").reshape(numbers.shape)


@pytest.fixture(params=["simdjson", "none"], autouse=True, scope="module")
def _library(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test with the optional library and without it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "none":
            patch.setitem(sys.modules, "simdjson", None)
        yield


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


_NUMBERS = st.one_of(
    st.floats().map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(["-0", "-0.0", "1e-320", "3.4028235e38", "3.4028235677973366e38", "5E-1", "null", "true", "01"]),
)
_ODD = st.sampled_from(["[1]", "{}", '"a"', "", "1, 2", "[]", "]", "["])


def _outcome(text: bytes) -> object:
    try:
        numbers = FloatMap.of_text(text)
        return numbers.shape, numbers.float32
    except UnexpectedReply as error:
        return str(error)


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4)),
    st.lists(_NUMBERS, min_size=36, max_size=36),
    st.none() | st.tuples(st.integers(0, 35), _ODD),
    st.sampled_from(["[[[{}]]]", " [[[{}]]]", "[[[{}]]] ", "[[[{}]]", "[[{}]]", "[[[{}]]]]"]),
    st.sampled_from([", ", ",", " ,\n"]),
)
def test_both_readers_say_the_same(
    shape: tuple[int, int, int], numbers: list[str], odd: tuple[int, str] | None, form: str, comma: str
) -> None:
    if odd is not None:
        numbers[odd[0]] = odd[1]
    channels, rows, columns = shape
    values = iter(numbers)
    written = f"]]{comma}[[".join(
        f"]{comma}[".join(comma.join(next(values) for _ in range(columns)) for _ in range(rows))
        for _ in range(channels)
    )
    text = form.replace("{}", written).encode()
    with_it = _outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "simdjson", None)
        assert _outcome(text) == with_it


def test_the_library_reads_what_a_service_sends() -> None:
    array = np.random.default_rng(0).normal(size=(3, 8, 8)).astype(np.float32)
    text = json.dumps(array.tolist()).encode()
    is_missing = "simdjson" in sys.modules and sys.modules["simdjson"] is None
    assert _by_simdjson(text, 0, len(text)) == (None if is_missing else ((3, 8, 8), array.tobytes()))


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

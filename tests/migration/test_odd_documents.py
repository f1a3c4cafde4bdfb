"""Whatever is read, the answer is a result or an error of ours; and nothing of it is said that should not be."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_cv_client.errors import AutoMLVisionError, UnexpectedReply
from automl_cv_client.migration import Feature, from_custom_vision, from_image_analysis, from_reply
from automl_cv_client.results import Result
from tests.migration.test_custom_vision import CLASSIFIED
from tests.migration.test_custom_vision import DETECTED as PREDICTION
from tests.migration.test_image_analysis import V3, V4
from tests.migration.test_replies import DETECTED

SIZE = (600, 400)
TASKS = ("classify", "classify_multilabel", "detect")
READERS: list[Callable[[Any], Result]] = [
    *(lambda document, task=task: from_custom_vision(document, task, SIZE) for task in TASKS),
    *(lambda document, task=task: from_reply(document, task, SIZE) for task in (*TASKS, "segment")),
    *(lambda document, feature=feature: from_image_analysis(document, feature) for feature in get_args(Feature)),
]
DOCUMENTS: list[Any] = [PREDICTION, CLASSIFIED, V3, V4, DETECTED]
ODD: list[Any] = [None, True, -1, 0, 2, 1e308, float("nan"), "", "0.5", [], {}, [[]], "²", {"a": [None]}, "x" * 9999]
NAMES = ("predictions", "tagName", "boundingBox", "objects", "tagsResult", "values", "metadata", "boxes", "0", "²")
VALUES = st.recursive(
    st.sampled_from([value for value in ODD if not isinstance(value, list | dict)]) | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner),
    max_leaves=8,
)


def read_by_all(document: Any) -> None:
    for read in READERS:
        try:
            result = read(document)
        except AutoMLVisionError:
            continue
        assert isinstance(result, Result)
        result.model_dump_json()


@given(VALUES)
def test_any_json_is_read_or_refused(document: Any) -> None:
    read_by_all(document)


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(document: str | bytes) -> None:
    read_by_all(document)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value inside a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_a_document_with_one_odd_value_is_read_or_refused(number: int) -> None:
    original = DOCUMENTS[number]
    chance = random.Random(number)
    for *path, key in places(original):
        for odd in (*chance.sample(ODD, 5), ...):
            document = copy.deepcopy(original)
            inner = document
            for step in path:
                inner = inner[step]
            if odd is ...:
                del inner[key]
            else:
                inner[key] = odd
            read_by_all(document)
            read_by_all(json.dumps(document))


def test_no_image_is_in_an_error() -> None:
    image = "iVBORw0KGgo" + "QUJD" * 5000
    with pytest.raises(UnexpectedReply) as caught:
        from_reply([{"visualizations": image}], "classify", SIZE)
    assert "QUJDQUJD" not in str(caught.value) + caught.value.excerpt
    with pytest.raises(UnexpectedReply) as caught:
        from_custom_vision({"predictions": [{"tagName": image}]}, "classify", SIZE)
    assert len(str(caught.value)) < 300

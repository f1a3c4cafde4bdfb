"""Classifications: every label with its probability."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from automl_cv_client import Classification, ImageInfo, MultilabelClassification, Size, Task
from automl_cv_client.testing.script import usual

SIZE = Size(300, 200)
INFO = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)


def classification(*probs: float) -> Classification:
    return Classification(probs=probs, labels=tuple("abcdef"[: len(probs)]), image=INFO)


def test_the_best_label() -> None:
    what = classification(0.2, 0.7, 0.1)
    assert (what.label, what.score) == ("b", 0.7)
    assert what.top(2) == (("b", 0.7), ("a", 0.2))
    assert what.as_dict() == {"a": 0.2, "b": 0.7, "c": 0.1}
    assert repr(what) == "Classification('b' 0.700, 3 labels)"


def test_not_a_number_is_never_the_best() -> None:
    what = classification(float("nan"), 0.1, 0.2)
    assert what.label == "c"
    assert [label for label, _ in what.top()] == ["c", "b", "a"]


def test_ties_go_to_the_first() -> None:
    assert classification(0.5, 0.5).label == classification(0.5, 0.5).top(1)[0].label == "a"


def test_multilabel_counts_strictly_above() -> None:
    what = MultilabelClassification(probs=(0.5, 0.9, 0.6), labels=("a", "b", "c"), image=INFO)
    assert what.threshold == 0.5
    assert [label for label, _ in what.above()] == ["b", "c"]
    assert [label for label, _ in what.above(0.7)] == ["b"]
    assert what.above(0.95) == ()
    assert repr(what) == "MultilabelClassification(['b' 0.900, 'c' 0.600] above 0.5, 3 labels)"


def test_probs_and_labels_belong_together() -> None:
    with pytest.raises(ValidationError, match="2 probs for 1 labels"):
        Classification(probs=(0.1, 0.9), labels=("a",), image=INFO)


def test_there_and_back() -> None:
    what = classification(0.2, 0.8)
    assert Classification.model_validate_json(what.model_dump_json()) == what == pickle.loads(pickle.dumps(what))
    assert hash(what) == hash(classification(0.2, 0.8))
    assert what != classification(0.3, 0.7)


@pytest.mark.parametrize("kind", [Classification, MultilabelClassification])
def test_it_draws_itself(kind: type[Classification | MultilabelClassification]) -> None:
    photo = Image.new("RGB", (300, 200), "white")
    drawn = kind(probs=(0.1, 0.9), labels=("a", "b"), image=INFO).draw(photo)
    assert np.asarray(drawn).min() < 255
    assert np.asarray(photo).min() == 255  # the caller's image is left as it is


def test_editors_offer_nothing_that_pydantic_advises_against():
    offered = set(dir(usual(Task.CLASSIFICATION)))
    assert {"label", "top", "as_dict", "draw", "model_dump_json"} <= offered
    assert not offered & {"parse_obj", "from_orm", "dict", "json", "copy", "schema", "construct"}

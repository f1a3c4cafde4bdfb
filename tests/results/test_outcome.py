"""What becomes of one image of many: a result or an error, told apart by ``ok``, by class, and by ``match``."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from automl_cv_client import Detections, Failed, Outcome, Scored, Task, errors
from automl_cv_client.testing.script import usual

FOUND: Any = usual(Task.DETECTION)
NO = errors.ImageError("the image is truncated")
SCORED: Scored[Detections] = Scored(3, "a.jpg", FOUND)
FAILED: Failed = Failed(4, b"secret pixels", error=NO)


def test_exactly_one_of_result_and_error_is_set() -> None:
    assert (SCORED.ok, SCORED.result, SCORED.error) == (True, FOUND, None)
    assert (FAILED.ok, FAILED.result, FAILED.error) == (False, None, NO)
    assert SCORED.unwrap() is FOUND
    with pytest.raises(errors.ImageError, match="truncated"):
        FAILED.unwrap()
    with pytest.raises(TypeError, match="needs an error"):
        Failed(0, "a.jpg")


def told(outcome: Outcome[Detections]) -> str:
    match outcome:
        case Scored(found):
            return found[0].label
        case Failed(error):
            return error.message


def test_match_tells_them_apart() -> None:
    assert told(SCORED) == "cat"
    assert told(FAILED) == "the image is truncated"


def test_the_name_outcome_stands_for_both_at_run_time() -> None:
    outcome: Any = Outcome
    assert isinstance(SCORED, outcome)
    assert isinstance(FAILED, outcome)
    assert outcome(3, "a.jpg", result=FOUND) == outcome(3, "a.jpg", FOUND) == SCORED
    assert outcome(4, b"secret pixels", error=NO) == outcome(4, b"secret pixels", None, NO) == FAILED
    assert {outcome[Detections], Scored[Detections, str]}


@pytest.mark.parametrize("outcome", [SCORED, FAILED], ids=["scored", "failed"])
def test_an_outcome_is_a_frozen_value(outcome: Outcome[Detections]) -> None:
    again = pickle.loads(pickle.dumps(outcome))
    assert (type(again), again.index, again.input, again.result) == (
        type(outcome), outcome.index, outcome.input, outcome.result)  # fmt: skip
    assert str(again.error) == str(outcome.error)
    assert copy.copy(outcome) == outcome
    assert dataclasses.replace(outcome, index=9).index == 9
    with pytest.raises(dataclasses.FrozenInstanceError):
        outcome.index = 5  # type: ignore[misc]


def test_no_content_of_an_image_is_shown() -> None:
    assert repr(SCORED) == "Scored(3, a.jpg, Detections(['cat' 0.900], 640x480 px))"
    assert repr(FAILED) == "Failed(4, <bytes, 13 bytes>, ImageError('the image is truncated'))"
    assert "secret" not in repr(Failed(0, "https://h/a.jpg?sig=secret", error=NO))

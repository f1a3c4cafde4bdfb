"""Explainability rows are what the service reads, and bad parameters never leave."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from pydantic import ValidationError

from automl_cv_client import XaiParameters
from automl_cv_client._protocol.xai import explaining_body
from automl_cv_client.errors import InvalidInput, UnsupportedTask
from automl_cv_client.task import Task

IMAGES = [os.urandom(100_001), b"A"]


@pytest.mark.parametrize("algorithm", ["xrai", "integrated_gradients", "guided_gradcam", "guided_backprop"])
@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.MULTILABEL])
def test_each_row_is_a_string_of_json(algorithm: Any, task: Task) -> None:
    body = json.loads(explaining_body(IMAGES, XaiParameters(algorithm=algorithm, attributions=True), task))
    assert body["input_data"]["columns"] == ["image"]
    for text, image in zip(body["input_data"]["data"], IMAGES, strict=True):
        row = json.loads(text)
        assert base64.b64decode(row.pop("image_base64")) == image
        parameters = row.pop("xai_parameters")
        assert row == {"model_explainability": True}
        expected: dict[str, Any] = {"xai_algorithm": algorithm, "visualizations": True, "attributions": True}
        if task is Task.MULTILABEL:
            expected["confidence_score_threshold_multilabel"] = 0.5
        if algorithm in ("xrai", "integrated_gradients"):
            expected["n_steps"] = 50
        if algorithm == "integrated_gradients":
            expected["approximation_method"] = "riemann_middle"
        if algorithm == "xrai":
            expected["xrai_fast"] = True
        assert parameters == expected


def test_the_legacy_form() -> None:
    row = json.loads(explaining_body([b"ABC"], XaiParameters(), Task.CLASSIFICATION, "legacy"))
    assert row["image"] == "QUJD"
    assert row["model_explainability"] is True
    assert row["xai_parameters"]["xai_algorithm"] == "xrai"
    with pytest.raises(InvalidInput, match="one image a request, not 2"):
        explaining_body(IMAGES, XaiParameters(), Task.CLASSIFICATION, "legacy")


@pytest.mark.parametrize("dialect", ["huggingface", "legacy-raw"])
def test_a_dialect_without_explanations_is_refused(dialect: Any) -> None:
    with pytest.raises(InvalidInput, match="cannot explain"):
        explaining_body([b"A"], XaiParameters(), Task.CLASSIFICATION, dialect)


@pytest.mark.parametrize("task", [Task.DETECTION, Task.SEGMENTATION])
def test_a_task_without_explanations_is_refused(task: Task) -> None:
    with pytest.raises(UnsupportedTask, match=f"use {task.method}"):
        explaining_body([b"A"], XaiParameters(), task)


def test_no_image_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no image"):
        explaining_body([], XaiParameters(), Task.CLASSIFICATION)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"algorithm": "shap"}, "'xrai', 'integrated_gradients', 'guided_gradcam' or 'guided_backprop'"),
        ({"visualizations": "true"}, "True or False"),
        ({"attributions": 1}, "True or False"),
        ({"xrai_fast": None}, "True or False"),
        ({"n_steps": 1}, "must be 2 or more, not 1"),
        ({"n_steps": 2.5}, "a whole number, not"),
        ({"n_steps": True}, "a whole number, not"),
        ({"approximation_method": "simpson"}, "'riemann_trapezoid' or 'gausslegendre'"),
        ({"confidence_score_threshold_multilabel": 1.01}, r"must be 1 or less, not 1\.01"),
        ({"confidence_score_threshold_multilabel": -0.01}, r"must be 0 or more, not -0\.01"),
        ({"confidence_score_threshold_multilabel": float("nan")}, "finite number"),
        ({"confidence_score_threshold_multilabel": True}, "a number, not True"),
        ({"xai_algorithm": "xrai"}, "did you mean 'algorithm'"),
    ],
    ids=str,
)
def test_a_bad_parameter_is_refused_with_what_is_allowed(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        XaiParameters(**parameters)


def test_parameters_are_frozen_and_by_keyword() -> None:
    parameters = XaiParameters(n_steps=2, confidence_score_threshold_multilabel=1)
    with pytest.raises(ValidationError, match="frozen"):
        parameters.n_steps = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        XaiParameters("xrai")  # type: ignore[call-arg]

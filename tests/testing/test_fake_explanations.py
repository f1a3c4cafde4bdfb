"""The fake endpoint explains what it is asked to, in the contract's shapes, and the same at every run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from automl_cv_client import Task, XaiParameters, errors
from automl_cv_client.testing import FakeEndpoint, classification, multilabel, scores
from tests.conftest import Caller

BOTH = XaiParameters(attributions=True)


def ask(call: Caller, fake: FakeEndpoint, method: str, *args: Any, **options: Any) -> Any:
    injected = fake.async_http_client() if call.awaited else fake.http_client()
    return call(fake.scoring_uri, method, *args, key=fake.key, http_client=injected, **options)


def test_the_best_class_is_explained(call: Caller, image: bytes) -> None:
    fake = FakeEndpoint(task=Task.CLASSIFICATION)
    found = ask(call, fake, "explain", image, BOTH)
    detection = found.explanation
    assert (found.label, detection.label, detection.score) == ("cat", "cat", 0.9)
    assert detection.attributions.shape == (3, 28, 28)
    assert detection.visualization.mode == "RGBA"
    assert detection.heatmap().max() == 1
    assert detection.overlay(image).size == found.size
    assert fake.last_request.xai_parameters is not None


@pytest.mark.parametrize(("visualizations", "attributions"), [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("method", ["explain", "explain_multilabel"])
def test_only_the_parts_that_were_asked_for(
    visualizations: bool, attributions: bool, method: str, call: Caller, image: bytes
) -> None:
    wanted = XaiParameters(visualizations=visualizations, attributions=attributions)
    task = Task.CLASSIFICATION if method == "explain" else Task.MULTILABEL
    found = ask(call, FakeEndpoint(task=task), method, image, wanted)
    explanation = found.explanation if method == "explain" else found.explanations[0]
    assert (explanation.visualization is not None, explanation.attributions is not None) == (
        visualizations,
        attributions,
    )


def test_every_class_above_the_threshold_in_class_order(call: Caller, image: bytes) -> None:
    fake = FakeEndpoint(multilabel({"cup": 0.6, "cat": 0.5, "dog": 0.9}), task=Task.MULTILABEL)
    found = ask(call, fake, "explain_multilabel", image, BOTH)
    assert [explanation.label for explanation in found.explanations] == ["cup", "dog"]
    first, second = (explanation.attributions for explanation in found.explanations)
    assert not np.array_equal(first, second)
    lower = XaiParameters(confidence_score_threshold_multilabel=0.4)
    assert len(ask(call, fake, "explain_multilabel", image, lower).explanations) == 3
    none = XaiParameters(confidence_score_threshold_multilabel=0.95)
    assert ask(call, fake, "explain_multilabel", image, none).explanations == ()


def test_it_is_the_same_at_every_run(image: bytes) -> None:
    first, other = (FakeEndpoint(task="image-classification").client().explain(image, BOTH) for _ in range(2))
    assert first == other


@pytest.mark.parametrize("version", ["today", "1.51", "1.47", "doubly-encoded"])
def test_other_versions_explain_too(version: Any, image: bytes) -> None:
    fake = FakeEndpoint(scores(classification({"a": 0.2, "b": 0.8}), version=version), task=Task.CLASSIFICATION)
    explanation = fake.client().explain(image, BOTH).explanation
    assert explanation is not None
    assert explanation.label == "b"


def test_the_legacy_script_explains(image: bytes) -> None:
    fake = FakeEndpoint(scores(classification({"a": 0.2, "b": 0.8}), version="legacy"), task=Task.CLASSIFICATION)
    assert fake.client(dialect="legacy").explain(image, BOTH).explanation
    parameters = fake.last_request.xai_parameters
    assert parameters is not None
    assert parameters["attributions"] is True


def test_hugging_face_models_answer_with_plain_scores(image: bytes) -> None:
    fake = FakeEndpoint(scores(classification({"a": 1.0}), version="huggingface"), task=Task.CLASSIFICATION)
    with pytest.raises(errors.UnexpectedReply, match="plain scores and no explanation"):
        fake.client().explain(image)


def test_plain_scoring_stays_plain(image: bytes) -> None:
    assert FakeEndpoint(task=Task.CLASSIFICATION).client().classify(image).explanation is None

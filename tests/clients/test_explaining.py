"""Explanations through both clients: what is sent, what comes back, what is refused before anything is sent."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import RetryPolicy, Task, XaiParameters, errors
from tests.conftest import PHOTOS, Caller, encoded
from tests.explanations import figure, numbers, reply, row
from tests.servers import Answer, ScriptedServer, boxes

CAT = PHOTOS / "chelsea.png"
BOTH = XaiParameters(attributions=True)
SMALL = numbers(0, (3, 224, 224))


def test_the_answer_is_mapped_to_the_upright_image(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(body=reply(row([0.1, 0.9], figure((30, 40)), SMALL.tolist())))]
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    turned = encoded(Image.new("RGB", (400, 200)), exif=exif)
    found = call(server.url, "explain", turned, BOTH)
    assert (found.label, found.explanation.label, found.explanation.score) == ("b", "b", 0.9)
    assert found.explanation.overlay(turned).size == (200, 400) == found.size
    assert found.explanation.visualization.size == (30, 40)
    assert found.call.attempts == 1
    (request,) = server.received
    sent = json.loads(request.images[0])
    assert sent["model_explainability"] is True
    assert sent["xai_parameters"]["attributions"] is True


def test_the_defaults_are_the_services(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(body=reply(row([0.1, 0.9], figure((30, 40)), None)))]
    found = call(server.url, "explain", CAT)
    assert found.explanation.attributions is None
    assert found.explanation.draw().size == (30, 40)
    assert json.loads(server.received[0].images[0])["xai_parameters"] == {
        "xai_algorithm": "xrai", "visualizations": True, "attributions": False, "n_steps": 50, "xrai_fast": True
    }  # fmt: skip


@pytest.mark.parametrize("task", [Task.DETECTION, Task.SEGMENTATION])
def test_detection_and_segmentation_are_refused_before_sending(
    task: Task, call: Caller, server: ScriptedServer
) -> None:
    with pytest.raises(errors.UnsupportedTask, match=task.method):
        call(server.url, "explain", CAT, BOTH, with_={"task": task.value})
    assert server.received == []


def test_the_task_may_be_a_value(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(body=reply(row([0.9, 0.1], ["AAAA"], None)))]
    explained = call(server.url, "explain", CAT, with_={"task": Task.MULTILABEL})
    assert explained == call(server.url, "explain_multilabel", CAT)
    assert [each.label for each in explained.explanations] == ["a"]


def test_other_parameters_are_refused(call: Caller, server: ScriptedServer) -> None:
    with pytest.raises(errors.InvalidInput, match="must be XaiParameters"):
        call(server.url, "explain", CAT, {"algorithm": "xrai"})
    assert server.received == []


@pytest.mark.parametrize("body", [reply(row([0.9, 0.1], None, None)), b'[{"probs": [1.0], "labels": ["a"]}]'])
def test_plain_scores_are_reported(body: bytes, call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(body=body)]
    with pytest.raises(errors.UnexpectedReply, match="plain scores and no explanation"):
        call(server.url, "explain", CAT)
    assert len(server.received) == 1


def test_boxes_are_reported(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(body=boxes("cat"))]
    with pytest.raises(errors.UnexpectedReply, match="use detect"):
        call(server.url, "explain", CAT)


def test_a_dropped_image(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(body=b"[]")]
    with pytest.raises(errors.ImageDropped):
        call(server.url, "explain", CAT)


def test_a_failing_model_names_the_deployment(call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(424, b"", {"ms-azureml-model-error-statuscode": "500"})]
    with pytest.raises(errors.ModelError):
        call(server.url, "explain", CAT, retry=RetryPolicy(attempts=1))


def test_the_deadline_holds_while_the_timeout_is_the_services(call: Caller, server: ScriptedServer) -> None:
    from tests.servers import Silence

    server.steps = [Silence()]
    with pytest.raises(errors.DeadlineExceeded):
        call(server.url, "explain", CAT, timeout=0.05, deadline=2)
    assert len(server.received) == 1  # a timeout of 0.05 s would have sent it again


def many(count: int) -> Answer:
    return Answer(body=reply(row([0.9] * count, ["AAAA"] * count, None)))


def told(call: Caller, url: str, **parameters: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(url, "explain_multilabel", CAT, XaiParameters(**parameters))
    return [
        str(caught_warning.message) for caught_warning in caught if caught_warning.category is errors.ManyClassesWarning
    ]


def test_many_classes_are_warned_of(call: Caller, server: ScriptedServer) -> None:
    server.steps = [many(5)]
    assert told(call, server.url) == []
    (words,) = told(call, server.url, confidence_score_threshold_multilabel=0.05)
    assert "nearly every class" in words
    server.steps = [many(6)]
    (words,) = told(call, server.url)
    assert "6 classes" in words
    assert "a higher threshold explains fewer classes" in words

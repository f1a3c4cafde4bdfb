"""Replies with explanations: each part belongs to its class, in every form a server may write it."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from automl_cv_client import Explanation, ImageInfo, Size, XaiParameters
from automl_cv_client._protocol.explained import explained_result, read_explained
from automl_cv_client._protocol.replies import WrongShape
from automl_cv_client.errors import UnexpectedReply
from automl_cv_client.results import CallInfo
from automl_cv_client.task import Task
from tests.explanations import figure, numbers, reply, row

SIZE = Size(400, 200)
IMAGE = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)
BOTH = XaiParameters(attributions=True)
SMALL = [numbers(i, (3, 4, 5)) for i in range(4)]
EMPTY: list[Any] = [None, []]
LISTS = [single.tolist() for single in SMALL]


def read(body: bytes, task: Task = Task.CLASSIFICATION, parameters: XaiParameters = BOTH, **options: Any) -> Any:
    (single,) = read_explained(body, task, parameters, **options)
    return explained_result(task, single, IMAGE, CallInfo(), parameters)


def multi(probs: list[float], figures: Any, arrays: Any, **parameters: Any) -> Any:
    return read(
        reply(row(probs, figures, arrays)),
        Task.MULTILABEL,
        XaiParameters(**{"attributions": True, **parameters}),
    )


FORMS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "as today": reply,
    "indented": lambda single: json.dumps([single], indent=1).encode(),
    "without blanks": lambda single: json.dumps([single], separators=(",", ":")).encode(),
    "a bare object": lambda single: json.dumps({"filename": "/tmp/x", **single}).encode(),
    "encoded twice": lambda single: json.dumps(json.dumps([single])).encode(),
    "encoded three times": lambda single: json.dumps(json.dumps(json.dumps([single]))).encode(),
    "with a mark": lambda single: b"\xef\xbb\xbf" + reply(single),
    "other order": lambda single: reply(dict(reversed(single.items()))),
    "slashes escaped": lambda single: reply(single).replace(b"/", b"\\/"),
    "a key escaped": lambda single: reply(single).replace(b'"visual', b'"\\u0076isual'),
    "keys as labels": lambda single: reply({**single, "labels": ["attributions", 'visualizations":']}),
    "keys further in": lambda single: reply({**single, "more": {"attributions": 7, "visualizations": "x"}}),
    "a key twice": lambda single: reply(single).replace(b'"probs"', b'"attributions": null, "probs"'),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_says_the_same(form: Any) -> None:
    result = read(form(row([0.3, 0.7], "iVBO/w==", LISTS[0])))
    assert type(result).__name__ == "Classification"
    assert (result.explanation.label, result.explanation.score) == (result.labels[1], 0.7)
    assert result.explanation.sent_visualization == b"iVBO/w=="
    assert np.array_equal(result.explanation.attributions, SMALL[0])
    assert result.explanation.attributions.dtype == np.float32
    assert set(result.extra) <= {"filename", "more"}


@pytest.mark.parametrize("name", [name for name in FORMS if "keys" not in name])
def test_every_form_of_several_classes(name: str) -> None:
    found = read(FORMS[name](row([0.6, 0.2, 0.9], ["iVBO/w==", "AAAA"], LISTS[:2])), Task.MULTILABEL)
    assert type(found).__name__ == "MultilabelClassification"
    assert [(explanation.label, explanation.score) for explanation in found.explanations] == [("a", 0.6), ("c", 0.9)]
    assert [explanation.sent_visualization for explanation in found.explanations] == [b"iVBO/w==", b"AAAA"]
    for detection, expected in zip(found.explanations, SMALL, strict=False):
        assert np.array_equal(detection.attributions, expected)


def test_rows_keep_their_parts_apart() -> None:
    body = reply(row([0.9], "AAAA", None), row([0.9], None, LISTS[1]), row([0.9], "BBBB", LISTS[2]))
    rows = read_explained(body, Task.CLASSIFICATION, BOTH)
    found = [explained_result(Task.CLASSIFICATION, single, IMAGE, CallInfo(), BOTH).explanation for single in rows]
    assert [single.sent_visualization for single in found] == [b"AAAA", None, b"BBBB"]
    assert found[0].attributions is None
    assert np.array_equal(found[1].attributions, SMALL[1])
    assert np.array_equal(found[2].attributions, SMALL[2])


def test_nothing_above_the_threshold() -> None:
    for empty in EMPTY:
        assert multi([0.5, 0.2], empty, empty).explanations == ()


def test_at_the_threshold_is_not_above() -> None:
    found = multi([0.5, 0.75, 0.6], ["AAAA", "BBBB"], LISTS[:2])
    assert [explanation.label for explanation in found.explanations] == ["b", "c"]
    assert found.threshold == 0.5


def test_the_server_decides_what_32_bits_cannot() -> None:
    at = float(np.float32(0.6))  # 0.6000000238: above 0.6 as a double, equal to it as a 32-bit number
    limit = {"confidence_score_threshold_multilabel": 0.6}
    assert [explanation.label for explanation in multi([at, 0.9], ["AAAA"], None, **limit).explanations] == ["b"]
    assert [explanation.label for explanation in multi([at, 0.9], ["AAAA", "BBBB"], None, **limit).explanations] == [
        "a",
        "b",
    ]


def test_only_visualizations() -> None:
    for missing in (None, [None, None]):
        found = multi([0.9, 0.8], ["AAAA", "BBBB"], missing, attributions=False).explanations
        assert [single.sent_visualization for single in found] == [b"AAAA", b"BBBB"]
        assert [explanation.attributions for explanation in found] == [None, None]


def test_only_attributions() -> None:
    for missing in (None, [None, None]):
        found = multi([0.9, 0.8], missing, LISTS[:2], visualizations=False).explanations
        assert [explanation.visualization for explanation in found] == [None, None]
        assert np.array_equal(found[1].attributions, SMALL[1])


def test_neither() -> None:
    for missing in (None, [None, None]):
        found = multi([0.9, 0.8], missing, missing, visualizations=False, attributions=False).explanations
        assert [(explanation.label, explanation.visualization, explanation.attributions) for explanation in found] == [
            ("a", None, None),
            ("b", None, None),
        ]
    explanation = read(reply(row([0.9], None, None)), parameters=XaiParameters(visualizations=False)).explanation
    assert (explanation.label, explanation.visualization, explanation.attributions) == ("a", None, None)


def test_one_of_several_may_be_missing() -> None:
    found = multi([0.9, 0.8], ["AAAA", None], [None, LISTS[1]]).explanations
    assert [single.sent_visualization for single in found] == [b"AAAA", None]
    assert found[0].attributions is None


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("part", ["visualizations", "attributions"])
def test_a_list_of_another_length_is_refused(part: str, count: int) -> None:
    parts = ["AAAA"] * count if part == "visualizations" else LISTS[:count]
    with pytest.raises(WrongShape, match=f"{count} explanations for 2 classes above the threshold 0.5"):
        read(reply({**row([0.9, 0.8], None, None), part: parts}), Task.MULTILABEL)


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.MULTILABEL])
def test_plain_scores_are_reported(task: Task) -> None:
    plain = row([0.9, 0.8], None, None)
    del plain["visualizations"], plain["attributions"]
    for single in (plain, row([0.9, 0.8], None, None), row([0.9, 0.8], [None, None], None)):
        if task is Task.MULTILABEL or not isinstance(single.get("visualizations"), list):
            with pytest.raises(WrongShape, match="plain scores and no explanation"):
                read(reply(single), task)


def test_a_multi_class_reply_points_to_explain() -> None:
    body = reply(row([0.3, 0.7], "iVBO/w==", None))
    with pytest.raises(WrongShape, match=r"this is a multi-class model, use explain$"):
        read(body, Task.MULTILABEL)


def test_a_multi_label_reply_points_to_explain_multilabel() -> None:
    body = reply(row([0.6, 0.7], ["iVBO/w==", "AAAA"], None))
    with pytest.raises(WrongShape, match=r"this is a multi-label model, use explain_multilabel$"):
        read(body, Task.CLASSIFICATION)


def test_boxes_are_reported() -> None:
    with pytest.raises(WrongShape, match="answers with boxes: use detect"):
        read(b'[{"boxes": []}]')


def test_the_old_documentations_sample() -> None:
    from tests.protocol.test_replies import SAMPLES

    body = (SAMPLES / "image-classification" / "xai-old-docs" / "reply.body").read_bytes()
    found = read(body).explanation
    assert found.label == "milk_bottle"
    assert found.attributions.shape == (1, 2, 3)
    with pytest.raises(UnexpectedReply, match="visualization cannot be read"):
        _ = found.visualization  # the documentation cut it short


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b'[{"probs": [1', b'"[', b'[{"visualizations": "AA', b'[{"attributions": [[[1', b"[[[[", b'"\\'],
)
def test_a_broken_body_is_a_wrong_shape(body: bytes) -> None:
    if not body:
        assert read_explained(body, Task.CLASSIFICATION, BOTH) == []
    else:
        with pytest.raises(WrongShape):
            read_explained(body, Task.CLASSIFICATION, BOTH)


def test_cut_anywhere_it_is_a_wrong_shape() -> None:
    body = reply(row([0.3, 0.7], "iVBO/w==", LISTS[0]), row([0.3, 0.7], ["iVBO/w==", None], [LISTS[0], None]))
    for end in range(1, len(body) - 1, 7):
        with pytest.raises(WrongShape):
            read_explained(body[:end], Task.CLASSIFICATION, BOTH)


@pytest.mark.parametrize("classes", [1, 5])
def test_a_reply_of_the_real_size_takes_less_than_twice_its_memory(classes: int) -> None:
    task = Task.MULTILABEL if classes > 1 else Task.CLASSIFICATION
    expected = [numbers(i) for i in range(classes)]
    images, arrays = [figure(noise=500)] * classes, [single.tolist() for single in expected]
    probs = [0.9] * classes
    body = reply(row(probs, images, arrays) if classes > 1 else row(probs, images[0], arrays[0]))
    del arrays
    assert len(body) > 5_000_000 * classes

    def decode() -> list[Any]:
        result = read(body, task)
        parts = [result.explanation] if classes == 1 else list(result.explanations)
        return [(part, part.attributions) for part in parts]

    tracemalloc.start()
    try:
        found: list[tuple[Explanation, Any]] = decode()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.9 * len(body)  # and with the body itself below twice its size
    for (explanation, array), right in zip(found, expected, strict=True):
        assert np.array_equal(array, right)
        figure_ = explanation.visualization
        assert figure_ is not None
        assert (figure_.size, figure_.mode) == ((1157, 1181), "RGBA")

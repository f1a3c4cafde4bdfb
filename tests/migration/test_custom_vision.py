"""Stored predictions of Custom Vision, in the shapes its documentation and its libraries show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import Classification, Detections, MultilabelClassification
from automl_cv_client.errors import InvalidInput, UnexpectedReply, UnsupportedTask
from automl_cv_client.migration import from_custom_vision
from automl_cv_client.task import Task

BOX = {"left": 0.25, "top": 0.1, "width": 0.5, "height": 0.6}


def prediction(*items: dict[str, Any], **keys: Any) -> dict[str, Any]:
    head = {"id": "9d7d", "project": "b2a1", "iteration": "77ce", "created": "2024-03-08T11:02:51.163Z"}
    return {**head, "predictions": list(items), **keys}


def tagged(name: str, probability: float, box: dict[str, float] | None = None) -> dict[str, Any]:
    item = {"probability": probability, "tagId": f"id-of-{name}", "tagName": name, "tagType": "Regular"}
    return item if box is None else {**item, "boundingBox": box}


DETECTED = prediction(tagged("fork", 0.93, BOX), tagged("spoon", 0.07, {**BOX, "left": -0.01}))
CLASSIFIED = prediction(tagged("hemlock", 0.97), tagged("cherry", 0.03))


def test_objects_come_in_pixels() -> None:
    found = from_custom_vision(DETECTED, "detect", (600, 400))
    assert type(found) is Detections
    assert [detection.label for detection in found] == ["fork", "spoon"]
    assert found[0].score == 0.93
    assert tuple(found[0].pixel_box) == pytest.approx((150, 40, 450, 280))
    assert found[1].box.left == -0.01  # as stored: it reaches beyond the edge
    assert found[0].extra == {"tagId": "id-of-fork", "tagType": "Regular"}
    assert found.extra["iteration"] == "77ce"
    assert found.call.answered_by == "Custom Vision"
    assert Detections.model_validate_json(found.model_dump_json()) == found


def test_a_classification_is_one_of_either_kind() -> None:
    one = from_custom_vision(CLASSIFIED, Task.CLASSIFICATION, (600, 400))
    assert type(one) is Classification
    assert (one.label, one.score) == ("hemlock", 0.97)
    several = from_custom_vision(CLASSIFIED, "image-classification-multilabel", (600, 400), threshold=0.02)
    assert type(several) is MultilabelClassification
    assert [label for label, _ in several.above()] == ["hemlock", "cherry"]
    assert several.threshold == 0.02


OLD_CLASSIFIED = {"Id": "1", "Predictions": [{"TagId": "a", "Tag": "hemlock", "Probability": 0.97}]}
EXPORTED = {
    "created": "2024-03-08T11:02:51.163",
    "predictions": [{"boundingBox": None, "probability": 0.97, "tagId": "", "tagName": "hemlock"}],
}


@pytest.mark.parametrize(
    "stored",
    [
        CLASSIFIED,
        OLD_CLASSIFIED,
        EXPORTED,
        json.dumps(CLASSIFIED),
        json.dumps(CLASSIFIED).encode("utf-16"),
        "\ufeff" + json.dumps(CLASSIFIED),
        json.dumps(json.dumps(CLASSIFIED)),
        str(CLASSIFIED),
    ],
)
def test_every_form_of_a_classification_is_read(stored: Any) -> None:
    assert from_custom_vision(stored, "classify", (60, 40)).label == "hemlock"


def test_what_the_python_library_gives_is_read() -> None:
    class Prediction:
        def as_dict(self) -> dict[str, Any]:
            return {"predictions": [{"tag_name": "fork", "probability": 0.9, "bounding_box": BOX, "tag_id": "x"}]}

    (fork,) = from_custom_vision(Prediction(), "detect", (600, 400))
    assert (fork.label, fork.box.right, fork.extra) == ("fork", 0.75, {"tag_id": "x"})


def test_nothing_found_is_a_result_of_a_detection_only() -> None:
    assert len(from_custom_vision(prediction(), "detect", (600, 400))) == 0
    with pytest.raises(UnexpectedReply, match="no predictions"):
        from_custom_vision(prediction(), "classify", (600, 400))


@pytest.mark.parametrize(
    ("stored", "task", "problem"),
    [
        (CLASSIFIED, "detect", r"at predictions\[0\]: it has no boundingBox"),
        (DETECTED, "classify", "an object detection project, task 'detect'"),
        (prediction(tagged("a", 0.9), tagged("a", 0.1)), "classify", "'a' comes twice"),
        (prediction(tagged("a", 93)), "classify", "'probability' must be 0 to 1, not 93"),
        (prediction({"tagName": "a"}), "classify", "'probability' must be a number, not None"),
        (prediction({"probability": 0.5}), "classify", "names no class: expected 'tagName'"),
        (prediction(tagged("a", float("nan"))), "classify", "must be a number, not nan"),
        (prediction(tagged("a", True)), "classify", "must be a number, not True"),
        (prediction(tagged("a", 0.9, {**BOX, "left": 150, "width": 300})), "detect", "look like pixels"),
        (prediction(tagged("a", 0.9, {**BOX, "width": -0.5})), "detect", "must not be below 0"),
        (prediction(tagged("a", 0.9, {"x": 0.1, "y": 0.1, "w": 0.1, "h": 0.1})), "detect", "'left' must be a number"),
        (prediction(tagged("a", 0.9, [0, 0, 1, 1])), "detect", r"predictions\[0\].boundingBox: expected an object"),  # type: ignore[arg-type]
        (prediction({**tagged("a", 0.9), "TagName": "b"}), "classify", "say different things"),
        ({"predictions": None}, "detect", "'predictions' must be a list"),
        ({"predictions": ["a"]}, "detect", r"at predictions\[0\]: expected an object"),
        ({"results": [DETECTED]}, "detect", "'predictions' must be a list"),
        ([DETECTED], "detect", "expected an object"),
        ("{}", "detect", "'predictions' must be a list"),
        ("not JSON", "detect", "the stored result of Custom Vision is not JSON"),
        ("", "detect", "not JSON"),
        (b"\xff\xfe\x00", "detect", "not JSON"),
        ("[" * 100_000, "detect", "not JSON"),
        (
            {"code": "BadRequestImageUrl", "message": "Invalid image url"},
            "detect",
            "stored an error.*Invalid image url",
        ),
        ({"statusCode": 429, "message": "Rate limit is exceeded."}, "classify", "Rate limit"),
        ({"error": {"code": "401", "message": "Access denied"}}, "classify", "Access denied"),
    ],
)
def test_what_is_no_prediction_of_the_task_says_what_it_is(stored: Any, task: str, problem: str) -> None:
    with pytest.raises(UnexpectedReply, match=problem):
        from_custom_vision(stored, task, (600, 400))


def test_arguments_that_cannot_be_are_refused() -> None:
    with pytest.raises(UnsupportedTask, match="boxes, not outlines"):
        from_custom_vision(DETECTED, "segment", (600, 400))
    with pytest.raises(InvalidInput, match="unknown task"):
        from_custom_vision(DETECTED, "find", (600, 400))
    with pytest.raises(InvalidInput, match=r"\(width, height\)"):
        from_custom_vision(DETECTED, "detect", (0, 400))
    with pytest.raises(InvalidInput, match="threshold"):
        from_custom_vision(CLASSIFIED, "classify_multilabel", (6, 4), threshold=2)
    with pytest.raises(InvalidInput, match="exif must be"):
        from_custom_vision(DETECTED, "detect", (6, 4), exif="perhaps")  # type: ignore[call-overload]


@pytest.fixture
def sideways(tmp_path: Path) -> Path:
    """A photo that is stored lying: 40x20 pixels, 20x40 upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    return tmp_path / "a.jpg"


def test_a_photo_that_lies_on_its_side_is_not_guessed(sideways: Path) -> None:
    with pytest.raises(InvalidInput, match=r"orientation 6.*exif='ignored'"):
        from_custom_vision(DETECTED, "detect", sideways)
    upright = from_custom_vision(DETECTED, "detect", sideways, exif="applied")
    assert upright.image.source == str(sideways)
    assert tuple(upright[0].pixel_box) == pytest.approx((5, 4, 15, 28))
    stored = from_custom_vision(DETECTED, "detect", sideways, exif="ignored")
    assert tuple(stored[0].box) == pytest.approx((1 - 0.7, 0.25, 1 - 0.1, 0.75))
    assert stored[0].box_in("raw") == pytest.approx((10, 2, 30, 14))
    assert from_custom_vision(CLASSIFIED, "classify", sideways).label == "hemlock"  # labels do not turn

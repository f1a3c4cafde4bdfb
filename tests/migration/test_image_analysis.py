"""Stored analyses of Azure AI Vision, versions 3.2 and 4.0, in the shapes its documentation shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import Detections, MultilabelClassification
from automl_cv_client.errors import InvalidInput, UnexpectedReply
from automl_cv_client.migration import from_image_analysis

V4 = {
    "modelVersion": "2023-10-01",
    "metadata": {"width": 1200, "height": 480},
    "tagsResult": {"values": [{"name": "computer", "confidence": 0.98}, {"name": "wall", "confidence": 0.31}]},
    "objectsResult": {
        "values": [
            {"boundingBox": {"x": 720, "y": 60, "w": 120, "h": 90}, "tags": [{"name": "laptop", "confidence": 0.81}]},
            {
                "boundingBox": {"x": 0, "y": 0, "w": 1200, "h": 480},
                "tags": [{"name": "desk", "confidence": 0.4}, {"name": "table", "confidence": 0.6}],
            },
        ]
    },
    "peopleResult": {"values": [{"boundingBox": {"x": 660, "y": 0, "w": 540, "h": 480}, "confidence": 0.97}]},
}
V3 = {
    "categories": [{"name": "outdoor_", "score": 0.01}],
    "tags": [{"name": "grass", "confidence": 0.99}, {"name": "dog", "confidence": 0.4, "hint": "animal"}],
    "objects": [
        {
            "rectangle": {"x": 20, "y": 40, "w": 200, "h": 120},
            "object": "dog",
            "confidence": 0.9,
            "parent": {"object": "mammal", "confidence": 0.92},
        }
    ],
    "brands": [{"name": "Contoso", "confidence": 0.7, "rectangle": {"x": 0, "y": 0, "w": 40, "h": 30}}],
    "requestId": "5f0c",
    "metadata": {"width": 400, "height": 300, "format": "Jpeg"},
    "modelVersion": "2021-05-01",
}


def test_objects_of_version_4() -> None:
    found = from_image_analysis(V4, "objects")
    assert type(found) is Detections
    assert found.size == (1200, 480)
    assert [(detection.label, detection.score) for detection in found] == [("laptop", 0.81), ("table", 0.6)]
    assert tuple(found[0].pixel_box) == pytest.approx((720, 60, 840, 150))
    assert found[0].extra is None
    assert found[1].extra == {"tags": [{"name": "desk", "confidence": 0.4}, {"name": "table", "confidence": 0.6}]}
    assert found.call.answered_by == "Image Analysis"
    assert set(found.extra) == {"modelVersion", "metadata", "tagsResult", "peopleResult"}


def test_people_are_persons() -> None:
    (person,) = from_image_analysis(V4, "people")
    assert (person.label, person.score) == ("person", 0.97)
    assert tuple(person.box) == pytest.approx((0.55, 0, 1, 1))


@pytest.mark.parametrize("stored", [V3, json.dumps(V3), json.dumps(V3).encode(), str(V3)])
def test_version_3(stored: Any) -> None:
    found = from_image_analysis(stored, "objects")
    assert tuple(found[0].pixel_box) == pytest.approx((20, 40, 220, 160))
    assert (found[0].label, found[0].score) == ("dog", 0.9)
    assert found[0].extra == {"parent": {"object": "mammal", "confidence": 0.92}}
    assert found.call.request_id == "5f0c"
    assert from_image_analysis(stored, "brands")[0].label == "Contoso"


def test_tags_are_a_multilabel_classification() -> None:
    for stored, labels in ((V4, ("computer", "wall")), (V3, ("grass", "dog"))):
        tags = from_image_analysis(stored, "tags", threshold=0.35)
        assert type(tags) is MultilabelClassification
        assert tags.labels == labels
        assert tags.threshold == 0.35
    assert len(from_image_analysis({**V4, "tagsResult": {"values": []}}, "tags").labels) == 0


def test_what_the_python_libraries_give_is_read() -> None:
    class Analysis:  # of version 3: its names are Python's
        def as_dict(self) -> dict[str, Any]:
            dog = {"rectangle": {"x": 20, "y": 40, "w": 200, "h": 120}, "object_property": "dog", "confidence": 0.9}
            metadata = {"width": 400, "height": 300}
            return {"objects": [dog], "request_id": "5f0c", "metadata": metadata, "model_version": "2021-05-01"}

    found = from_image_analysis(Analysis(), "objects")
    assert (found[0].label, found.call.request_id) == ("dog", "5f0c")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (400, 300)).save(tmp_path / "dog.jpg")
    return tmp_path / "dog.jpg"


def test_the_image_names_the_result_and_may_have_been_reduced(photo: Path) -> None:
    found = from_image_analysis(V3, "objects", photo)
    assert found.image.source == str(photo)
    assert found.draw().size == (400, 300)
    large = from_image_analysis(V3, "objects", (1600, 1200))
    assert tuple(large[0].pixel_box) == pytest.approx((80, 160, 880, 640))
    without = {key: value for key, value in V3.items() if key != "metadata"}
    assert from_image_analysis(without, "objects", photo) == found


def test_another_image_is_refused(photo: Path) -> None:
    with pytest.raises(InvalidInput, match=r"of 1200x480 pixels, and this one has 400x300"):
        from_image_analysis(V4, "objects", photo)
    with pytest.raises(InvalidInput, match="no metadata"):
        from_image_analysis({"objects": []}, "objects")


def lying(orientation: int, size: tuple[int, int], folder: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(folder / "a.jpg", exif=exif)
    return folder / "a.jpg"


def test_the_size_tells_what_was_done_with_a_photo_on_its_side(tmp_path: Path) -> None:
    path = lying(6, (400, 300), tmp_path)  # 300x400 upright
    stored = from_image_analysis(V3, "objects", path)
    assert stored[0].box_in("raw") == pytest.approx((20, 40, 220, 160))
    assert tuple(stored[0].pixel_box) == pytest.approx((140, 20, 260, 220))
    turned = {**V3, "metadata": {"width": 300, "height": 400}}
    assert tuple(from_image_analysis(turned, "objects", path)[0].pixel_box) == pytest.approx((20, 40, 220, 160))
    with pytest.raises(InvalidInput, match="exif is 'applied', but by its size"):
        from_image_analysis(V3, "objects", path, exif="applied")


def test_where_the_size_does_not_tell_nothing_is_guessed(tmp_path: Path) -> None:
    path = lying(3, (400, 300), tmp_path)  # upside down: of one size either way
    with pytest.raises(InvalidInput, match=r"orientation 3.*exif='ignored'"):
        from_image_analysis(V3, "objects", path)
    found = from_image_analysis(V3, "objects", path, exif="ignored")
    assert tuple(found[0].pixel_box) == pytest.approx((180, 140, 380, 260))
    assert from_image_analysis(V3, "tags", path).labels == ("grass", "dog")


def one_object(**values: Any) -> dict[str, Any]:
    item = {"rectangle": {"x": 20, "y": 40, "w": 200, "h": 120}, "object": "dog", "confidence": 0.9, **values}
    return {"objects": [item], "metadata": {"width": 400, "height": 300}}


@pytest.mark.parametrize(
    ("stored", "feature", "problem"),
    [
        (V3, "people", "'people' was not asked for: the analysis has brands, categories"),
        ({}, "tags", "the analysis has nothing"),
        ({**V4, "objects": []}, "objects", "both 'objects' and 'objectsResult'"),
        ({"metadata": {"width": 3, "height": 4}, "tagsResult": []}, "tags", "at tagsResult: expected an object"),
        (
            {"metadata": {"width": 3, "height": 4}, "tagsResult": {"tags": []}},
            "tags",
            "'tagsResult.values' must be a list",
        ),
        (one_object(rectangle=None), "objects", r"at objects\[0\].rectangle: expected an object, not None"),
        (one_object(rectangle={"x": 0.05, "y": 0.1, "w": 0.5, "h": 0.4}), "objects", "look like fractions"),
        (one_object(rectangle={"x": 300, "y": 40, "w": 200, "h": 9}), "objects", "not inside an image of 400x300"),
        (one_object(rectangle={"left": 1, "top": 2, "width": 3, "height": 4}), "objects", "'x' must be a number"),
        (one_object(rectangle={"x": 1, "y": 2, "w": 3}), "objects", "'h' must be a number, not None"),
        (one_object(rectangle={"x": 1, "y": 2, "w": -3, "h": 3}), "objects", "must not be below 0"),
        (one_object(object=None), "objects", "names no class"),
        (one_object(confidence="0.9"), "objects", "'confidence' must be a number, not '0.9'"),
        (one_object(tags=[]), "objects", "it has no tags"),
        ({**one_object(), "metadata": {"width": "400", "height": 300}}, "objects", "must be numbers of pixels"),
        ({**one_object(), "metadata": {"width": 0, "height": 300}}, "objects", "must be numbers of pixels"),
        ({**V3, "tags": [{"name": "a", "confidence": 0.5}] * 2}, "tags", "'a' comes twice"),
        ({"error": {"code": "InvalidImageSize", "message": "too large"}}, "objects", "stored an error.*too large"),
        ({"error": {"code": "x", "innererror": {"code": "y", "message": "bad url"}}}, "tags", "bad url"),
        ("<html>", "tags", "the stored result of Image Analysis is not JSON"),
    ],
)
def test_what_is_no_analysis_of_the_feature_says_what_it_is(stored: Any, feature: str, problem: str) -> None:
    with pytest.raises(UnexpectedReply, match=problem):
        from_image_analysis(stored, feature)  # type: ignore[call-overload]


def test_arguments_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidInput, match="unknown feature 'captions': use one of objects, people, brands, tags"):
        from_image_analysis(V4, "captions")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="threshold"):
        from_image_analysis(V4, "tags", threshold=-1)

"""What the four real models find on the photos, and in which shape (contract, §2)."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from automl_cv_client.geometry import even_odd_area
from tests.local.conftest import (
    CLASSIFICATION,
    DETECTION,
    MULTILABEL,
    SEGMENTATION,
    Caller,
    encode,
    photo,
    scoring,
    to_bytes,
)

SIZES = {"astronaut.png": (512, 512), "chelsea.png": (451, 300), "coffee.png": (600, 400), "rocket.jpg": (640, 427)}
FOUND = {
    "astronaut.png": [("person", 0.650, (27.1, 8.0, 368.2, 479.7))],
    "chelsea.png": [("cat", 0.939, (0.7, 2.8, 403.1, 297.6))],
    "coffee.png": [
        ("cup", 0.961, (173.5, 23.3, 415.4, 254.4)),
        ("dining table", 0.716, (-0.6, 3.1, 600.4, 395.5)),
    ],
    "rocket.jpg": [],
}


def score(caller: Caller, task: str, name: str) -> dict[str, Any]:
    reply = caller.post(scoring(photo(name)), task)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    (found,) = reply.json()
    assert isinstance(found, dict)
    return found


def corners(box: dict[str, float]) -> tuple[float, float, float, float]:
    return box["topX"], box["topY"], box["bottomX"], box["bottomY"]


def assert_objects(found: list[dict[str, Any]], name: str) -> None:
    width, height = SIZES[name]
    assert [detection["label"] for detection in found] == [label for label, _, _ in FOUND[name]]
    for detection, (_, wanted_score, wanted) in zip(found, FOUND[name], strict=True):
        box = corners(detection["box"])
        assert all(0 <= edge <= 1 for edge in box)
        pixels = [edge * size for edge, size in zip(box, (width, height) * 2, strict=True)]
        assert pixels == pytest.approx(wanted, abs=5)
        assert detection["score"] == pytest.approx(wanted_score, abs=0.02)


@pytest.mark.parametrize("name", FOUND)
def test_detection(caller: Caller, name: str):
    found = score(caller, DETECTION, name)
    assert list(found) == ["boxes"]
    assert all(set(row) == {"box", "label", "score"} for row in found["boxes"])
    assert_objects(found["boxes"], name)


@pytest.mark.parametrize("name", FOUND)
def test_segmentation(caller: Caller, name: str):
    found = score(caller, SEGMENTATION, name)
    assert list(found) == ["boxes"]
    assert_objects(found["boxes"], name)
    for detection in found["boxes"]:
        left, top, right, bottom = corners(detection["box"])
        assert detection["polygon"]
        for segment in detection["polygon"]:
            assert 8 <= len(segment) <= 200
            assert segment[:2] == segment[-2:]
            assert all(left <= x <= right for x in segment[0::2])
            assert all(top <= y <= bottom for y in segment[1::2])


@pytest.mark.parametrize(("name", "least", "most"), [("astronaut.png", 0.6, 0.75), ("chelsea.png", 0.55, 0.85)])
def test_the_outline_fills_its_part_of_the_box(caller: Caller, name: str, least: float, most: float):
    (detection,) = score(caller, SEGMENTATION, name)["boxes"]
    left, top, right, bottom = corners(detection["box"])
    assert least <= even_odd_area(detection["polygon"]) / ((right - left) * (bottom - top)) <= most


@pytest.mark.parametrize(
    ("name", "label", "probability"),
    [
        ("chelsea.png", "Egyptian cat", 0.714),
        ("coffee.png", "espresso", 0.992),
        ("rocket.jpg", "drilling platform", 0.354),
    ],
)
def test_classification(caller: Caller, name: str, label: str, probability: float):
    found = score(caller, CLASSIFICATION, name)
    assert list(found) == ["probs", "labels"]
    assert len(found["probs"]) == len(found["labels"]) == 1000
    assert sum(found["probs"]) == pytest.approx(1, abs=1e-4)
    assert max(zip(found["probs"], found["labels"], strict=True)) == (pytest.approx(probability, abs=0.005), label)


@pytest.mark.parametrize(
    ("name", "present"),
    [
        ("astronaut.png", {"person"}),
        ("chelsea.png", {"cat"}),
        ("coffee.png", {"cup", "dining table"}),
        ("rocket.jpg", set()),
    ],
)
def test_multilabel(caller: Caller, name: str, present: set[str]):
    found = score(caller, MULTILABEL, name)
    assert list(found) == ["probs", "labels"]
    assert len(found["probs"]) == len(set(found["labels"])) == 80
    assert {label for p, label in zip(found["probs"], found["labels"], strict=True) if p > 0.5} == present


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 3)])
@pytest.mark.parametrize("task", [CLASSIFICATION, MULTILABEL, DETECTION, SEGMENTATION])
def test_odd_sizes_are_scored(caller: Caller, task: str, size: tuple[int, int]):
    image = to_bytes(Image.new("RGB", size, "red"), "PNG")
    reply = caller.post(scoring(encode(image)), task)
    assert (reply.status_code, len(reply.json())) == (200, 1)

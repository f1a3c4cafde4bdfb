"""Detections and instances: sequences that know their image."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client import Box, Detection, Detections, ImageInfo, Instance, Instances, PixelBox, Size, errors
from automl_cv_client.testing import builders


def info(width: int = 400, height: int = 200, source: str | None = None) -> ImageInfo:
    size = Size(width, height)
    return ImageInfo(size=size, raw_size=size, sent_size=size, source=source)


def found(*objects: tuple[str, float, tuple[float, float, float, float]]) -> Detections:
    return Detections(
        objects=tuple(Detection(label=label, score=score, box=Box(*box)) for label, score, box in objects), image=info()
    )


@pytest.fixture
def three() -> Detections:
    return found(
        ("cat", 0.6, (0, 0, 0.5, 0.5)), ("dog", 0.9, (0.5, 0.5, 1, 1)), ("cat", 0.8, (0.02, 0, 0.5, 0.5))
    )  # fmt: skip


def labels(result: Detections | Instances) -> list[str]:
    return [detection.label for detection in result]


def test_it_is_a_sequence(three: Detections) -> None:
    assert len(three) == 3
    assert labels(three) == ["cat", "dog", "cat"]
    assert three[1].label == three[-2].label == "dog"
    assert labels(three[1:]) == ["dog", "cat"]
    assert labels(three[[True, False, True]]) == ["cat", "cat"]
    assert labels(three[np.array([False, True, False])]) == ["dog"]
    assert isinstance(three[:1], Detections)
    with pytest.raises(IndexError):
        three[3]
    with pytest.raises(errors.InvalidInput, match="a mask of 2 for 3 objects"):
        three[[True, False]]


def test_filters_return_the_same_kind(three: Detections) -> None:
    assert labels(three.above(0.6)) == ["dog", "cat"]  # strictly above
    assert labels(three.with_labels("cat")) == ["cat", "cat"]
    assert labels(three.with_labels("cat", "dog")) == ["cat", "dog", "cat"]
    assert [detection.score for detection in three.top(2)] == [0.9, 0.8]
    assert [detection.score for detection in three.nms(0.5)] == [0.9, 0.8]
    assert labels(three.filter(lambda detection: detection.box.left > 0.4)) == ["dog"]
    assert three.above(0.6).image == three.image


def test_not_a_number_is_never_the_best() -> None:
    odd = found(("a", float("nan"), (0, 0, 1, 1)), ("b", 0.1, (0, 0, 1, 1)))
    assert labels(odd.top(1)) == ["b"]
    assert labels(odd.above(0)) == ["b"]


def test_nms_is_per_label_and_keeps_order() -> None:
    same = found(("a", 0.5, (0, 0, 1, 1)), ("b", 0.6, (0, 0, 1, 1)), ("a", 0.7, (0, 0, 1, 0.9)))
    assert [(detection.label, detection.score) for detection in same.nms(0.5)] == [("b", 0.6), ("a", 0.7)]
    assert len(same.nms(0.95)) == 3


def test_pixels_need_no_arguments(three: Detections) -> None:
    assert three[1].pixel_box == PixelBox(200, 100, 400, 200)
    assert three[1].to_pixels((10, 10)) == (5, 5, 10, 10)
    assert three.to_pixels()[1] == three[1].pixel_box
    assert three.to_pixels((100, 100))[1] == (50, 50, 100, 100)
    assert three[1].pixel_box.area == 20_000
    assert (three[1].box.width, three[1].box.height, three[1].box.area) == (0.5, 0.5, 0.25)


def test_an_object_outside_a_result_has_no_pixels() -> None:
    alone = Detection(label="a", score=1, box=Box(0, 0, 1, 1))
    with pytest.raises(errors.InvalidInput, match="belongs to no image"):
        _ = alone.pixel_box
    other = Detections(objects=(alone,), image=info(10, 10))
    assert other[0].pixel_box == (0, 0, 10, 10)
    moved = Detections(objects=(other[0],), image=info(20, 20))
    assert moved[0].pixel_box == (0, 0, 20, 20)
    assert other[0].pixel_box == (0, 0, 10, 10)  # the first result keeps its own


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_equal_and_know_their_image(clone: Any, three: Detections) -> None:
    again = clone(three)
    assert again == three
    assert hash(again) == hash(three)
    assert again[1].pixel_box == three[1].pixel_box


def test_json_there_and_back(three: Detections) -> None:
    again = Detections.model_validate_json(three.model_dump_json())
    assert again == three
    assert again[1].pixel_box == three[1].pixel_box
    assert Detections.model_validate(three.model_dump()) == three
    assert three.model_dump(exclude_unset=True)["objects"][0]["label"] == "cat"


def test_equality_is_about_what_was_seen() -> None:
    first, other = found(("a", 0.5, (0, 0, 1, 1))), found(("a", 0.5, (0, 0, 1, 1)))
    assert first == other.model_copy(update={"image": info(source="elsewhere.png")})
    assert first != found(("a", 0.6, (0, 0, 1, 1)))
    assert first != other.model_copy(update={"image": info(401)})
    assert first != "a detection"


def test_results_are_frozen(three: Detections) -> None:
    with pytest.raises(ValueError, match="frozen"):
        three.objects = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        three[0].label = "x"  # type: ignore[misc]


RING = ((0, 0, 1, 0, 1, 1, 0, 1, 0, 0), (0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75, 0.25, 0.25))


def test_a_hole_is_a_hole() -> None:
    ring = Instances(objects=(Instance(label="ring", score=1, box=Box(0, 0, 1, 1), polygons=RING),), image=info(40, 40))
    assert ring[0].area == 1600 - 400
    assert ring[0].pixel_polygons[1][:4] == (10, 10, 30, 10)
    photo = np.asarray(ring.draw(Image.new("RGB", (40, 40), "white")))
    assert tuple(photo[20, 20]) == (255, 255, 255)
    assert tuple(photo[36, 36]) != (255, 255, 255)


def test_drawing_needs_a_image_or_a_file_that_is_still_there(tmp_path: Path, three: Detections) -> None:
    with pytest.raises(errors.InvalidInput, match=r"draw\(image\)"):
        three.draw()
    Image.new("RGB", (400, 200)).save(tmp_path / "a.png")
    from_file = three.model_copy(update={"image": info(source=str(tmp_path / "a.png"))})
    assert from_file.draw().size == (400, 200)
    (tmp_path / "a.png").unlink()
    with pytest.raises(errors.ImageError, match="no such file"):
        from_file.draw()


def test_repr_is_short_and_says_what_was_found(three: Detections) -> None:
    assert repr(three) == "Detections(['cat' 0.600, 'dog' 0.900, 'cat' 0.800], 400x200 px)"
    many = found(*[("a", 0.5, (0, 0, 1, 1))] * 9)
    assert repr(many).endswith("… 4 more], 400x200 px)")
    assert repr(found()) == "Detections([], 400x200 px)"


def test_an_object_prints_what_people_ask_for():
    """Label, score, and the box in whole pixels; no escape of a label reaches the terminal."""
    found = builders.detections(
        ("cup", 0.9612, (0.288, 0.0575, 0.6917, 0.635)), ("a\x1b[2J", 0.5, (0, 0, 1, 1)), size=(600, 400)
    )
    assert [str(detection) for detection in found] == [
        "cup 0.96 at (173, 23, 415, 254)",
        "a\\x1b[2J 0.50 at (0, 0, 600, 400)",
    ]
    alone = Detection(label="cup", score=0.5, box=Box(0.25, 0, 1, 1))
    assert str(alone) == "cup 0.50 at (0.250, 0.000, 1.000, 1.000)"

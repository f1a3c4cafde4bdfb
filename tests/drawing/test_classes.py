"""Score bars stand below wide images and beside tall ones, as long as the scores are high."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PIL import Image

from automl_cv_client.drawing import Style, draw_classes

BLUE = (0, 0, 200)


def test_below_a_wide_image():
    photo = draw_classes(Image.new("RGB", (640, 400), BLUE), [("cat", 0.9), ("dog", 0.1)], title="a cat")
    assert photo.width == 640
    assert photo.height > 400
    assert photo.crop((0, 0, 640, 400)).getcolors() == [(640 * 400, BLUE)]


def test_beside_a_tall_image():
    photo = draw_classes(Image.new("RGB", (400, 900), BLUE), [("cat", 0.9)])
    assert photo.height == 900
    assert photo.width > 700
    assert photo.crop((0, 0, 400, 900)).getcolors() == [(400 * 900, BLUE)]


def test_bars_are_as_long_as_scores_are_high():
    colors: dict[str, Any] = {"cat": (1, 2, 3), "dog": (4, 5, 6), "cow": (7, 8, 9), "owl": "#0a0b0c"}
    scores = [("cat", 0.8), ("dog", 0.4), ("cow", 0.0), ("owl", math.nan)]
    photo = draw_classes(Image.new("RGB", (640, 400)), scores, style=Style(colors=colors))
    counts = {color: count for count, color in photo.getcolors(1 << 20) or []}
    assert counts[1, 2, 3] / counts[4, 5, 6] == pytest.approx(2, rel=0.1)
    assert (7, 8, 9) not in counts
    assert (10, 11, 12) not in counts


def test_bars_have_one_color_and_many_labels_are_counted():
    def height(labels: int) -> int:
        scores = [(f"label {i}", 0.5) for i in range(labels)]
        photo = draw_classes(Image.new("RGB", (640, 400)), scores)
        counts: Any = photo.getcolors(1 << 20)
        saturated = {color for count, color in counts if count > 1000 and max(color) - min(color) > 50}
        assert len(saturated) == 1
        return photo.height

    assert height(9) < height(10) == height(11) == height(40), "the last of ten rows says how many more there are"


@pytest.mark.filterwarnings("ignore:no font here:UserWarning")
@pytest.mark.parametrize("size", [(1, 1), (30, 20), (20, 3000), (3000, 20)])
@pytest.mark.parametrize(
    "scores",
    [
        [],
        [("", 0.5)],
        [("猫\x1b\n", -3.0), ("\udc80", math.inf)],
        [("x" * 500, 2.0)] * 3,
        [(str(i), 0.5) for i in range(40)],
    ],
)
def test_odd_input(size, scores):
    image = Image.new("L", size, 9)
    before = image.tobytes()
    photo = draw_classes(image, scores, title="t\x00itle" * 40)
    assert photo.mode == "RGB"
    assert photo.width >= size[0]
    assert photo.height >= size[1]
    assert image.tobytes() == before


def test_no_scores_and_no_title_leave_the_image_alone():
    photo = draw_classes(Image.new("RGB", (640, 400), BLUE), [])
    assert photo.getcolors() == [(640 * 400, BLUE)]

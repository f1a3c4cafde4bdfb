"""Score bars stand below wide images and beside tall ones, as long as the scores are high."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from automl_cv_client.drawing import color_of, draw_classes

BLUE = (0, 0, 200)


def _pixels(photo: Image.Image, label: str) -> int:
    counts = {color: count for count, color in photo.getcolors(1 << 20) or []}
    return counts.get(color_of(label), 0)


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
    photo = draw_classes(Image.new("RGB", (640, 400)), [("cat", 0.8), ("dog", 0.4), ("cow", 0.0), ("owl", math.nan)])
    assert _pixels(photo, "cat") / _pixels(photo, "dog") == pytest.approx(2, rel=0.1)
    assert _pixels(photo, "cow") == _pixels(photo, "owl") == 0


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

"""Boxes, polygons and tags land where they should, and nothing odd stops a drawing."""

from __future__ import annotations

import math

import pytest
from PIL import Image, ImageChops

from automl_cv_client.drawing import ObjectMark, color_of, draw_objects
from automl_cv_client.drawing.labels import Tag, _places
from automl_cv_client.drawing.lettering import font_size

GREY = (128, 128, 128)
SIZE = (300, 200)


def canvas(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", size, GREY).convert(mode)


def square(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
    return (left, top, right, top, right, bottom, left, bottom, left, top)


def changed(photo: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(photo, canvas(photo.size)).getbbox()


def test_a_box_is_outlined_inside_its_bounds():
    photo = draw_objects(canvas(), [ObjectMark("cat", 0.9, (50, 60, 250, 160))])
    color = color_of("cat")
    for x, y in ((50, 100), (249, 100), (150, 159), (200, 60)):
        assert photo.getpixel((x, y)) == color
    assert photo.getpixel((150, 110)) == GREY
    assert photo.getpixel((47, 100)) == GREY
    assert photo.getpixel((252, 100)) == GREY


def test_the_input_is_never_changed():
    for mode in ("RGB", "L", "RGBA", "P"):
        image = canvas(mode=mode)
        before = image.tobytes()
        photo = draw_objects(image, [ObjectMark("cat", 0.9, (5, 6, 250, 160), [square(9, 9, 99, 99)])])
        assert (photo.mode, photo.size) == ("RGB", SIZE)
        assert image.tobytes() == before
        assert photo is not image


def test_nothing_to_draw_gives_a_copy():
    image = canvas()
    photo = draw_objects(image, [])
    assert photo is not image
    assert changed(photo) is None


def test_holes_stay_clear():
    polygons = [square(50, 50, 250, 180), square(100, 80, 200, 150), square(140, 100, 160, 130)]
    photo = draw_objects(canvas(), [ObjectMark("ring", 0.5, (50, 50, 250, 180), polygons)])
    assert photo.getpixel((120, 115)) == GREY, "inside two rings: a hole"
    filled, island = photo.getpixel((70, 120)), photo.getpixel((150, 115))
    assert filled == island != GREY
    assert filled != color_of("ring"), "translucent"


def test_separate_parts_are_all_filled():
    polygons = [square(10, 50, 60, 100), square(200, 50, 260, 100)]
    photo = draw_objects(canvas(), [ObjectMark("two", 0.5, (10, 50, 260, 100), polygons)])
    assert photo.getpixel((35, 75)) == photo.getpixel((230, 75)) != GREY
    assert photo.getpixel((130, 75)) == GREY


def test_a_polygon_fills_exactly_its_pixels():
    photo = draw_objects(canvas(), [ObjectMark("a", 0.5, (100, 100, 140, 140), [square(100, 100, 140, 140)])])
    inside = [photo.getpixel((x, 120)) != GREY for x in range(97, 144)]
    assert all(inside[3:-4])


def test_large_images_are_drawn_without_smoothing_alike():
    photo = draw_objects(canvas((2000, 1600)), [ObjectMark("a", 0.5, (0, 0, 1, 1), [square(100, 100, 1900, 1500)])])
    assert photo.getpixel((1000, 800)) != GREY
    assert photo.getpixel((50, 800)) == GREY


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30), (300, 200), (1200, 30)])
@pytest.mark.parametrize("label", ["cat", "a very long label " * 20, "", "猫\x1b[31m\n‮"])
def test_tags_stay_in_the_image(size, label):
    letters = font_size(size)
    for box in ((0, 0, size[0], size[1]), (size[0] - 1, 0, size[0], 1), (0, size[1] - 1, 1, size[1])):
        places = list(_places(Tag(label, box, (1, 2, 3)), size, letters))
        assert bool(places) is (label != "" and min(size) >= 30)
        for place in places:
            assert 0 <= place.left <= place.right <= size[0]
            assert 0 <= place.top <= place.bottom <= size[1]
        photo = draw_objects(canvas(size), [ObjectMark(label, 0.5, box)])
        assert photo.size == size


def test_tags_avoid_each_other():
    boxes = [(50.0, 60.0, 120.0, 150.0), (52.0, 62.0, 122.0, 152.0), (51.0, 61.0, 121.0, 151.0)]
    photo = draw_objects(canvas(), [ObjectMark(f"{i}{i}{i}", 0.9, box) for i, box in enumerate(boxes)])
    colors = {color_of(f"{i}{i}{i}") for i in range(3)}
    counts = {color: count for count, color in photo.getcolors(1 << 16) or []}
    assert all(counts.get(color, 0) > 150 for color in colors)


def test_high_scores_are_on_top():
    box = (50, 60, 250, 160)
    marks = [ObjectMark("high", 0.9, box), ObjectMark("low", 0.1, box), ObjectMark("odd", math.nan, box)]
    for order in (marks, marks[::-1]):
        assert draw_objects(canvas(), order).getpixel((51, 120)) == color_of("high")


ODD = [
    (math.nan, 0, 10, 10),
    (0, 0, math.inf, 10),
    (-math.inf, 0, 10, 10),
    (400, 400, 500, 500),
    (-50, -50, -10, -10),
    (1, 2, 3),
    (),
]


@pytest.mark.parametrize("box", ODD)
def test_boxes_that_cannot_be_seen_are_left_out(box):
    assert changed(draw_objects(canvas(), [ObjectMark("x", 0.5, box)])) is None


DRAWN = [
    (250, 160, 50, 60),  # corners exchanged
    (100, 100, 100, 100),  # empty
    (-1e300, -1e300, 1e300, 1e300),
    (299.9, 199.9, 300, 200),
    (-20, -20, 5, 5),
]


@pytest.mark.parametrize("box", DRAWN)
def test_odd_boxes_are_drawn(box):
    assert changed(draw_objects(canvas(), [ObjectMark("x", 0.5, box)])) is not None


@pytest.mark.parametrize(
    "polygons",
    [
        [()],
        [(1, 2)],
        [(1, 2, 3, 4, 1, 2)],
        [(1, 2, 3)],
        [(math.nan, 2, 3, 4, 5, 6)],
        [(1, math.inf, 3, 4, 5, 6)],
        [(1e300, 2, 3, -1e300, 5, 6)],
        [square(1000, 1000, 1100, 1100)],
        [square(-500, -500, -400, -400)],
    ],
)
def test_odd_polygons(polygons):
    photo = draw_objects(canvas(), [ObjectMark("x", 0.5, (50, 60, 250, 160), polygons)])
    assert photo.getpixel((50, 120)) != GREY


def test_without_a_box_the_polygons_are_named():
    nowhere = (math.nan,) * 4
    photo = draw_objects(canvas(), [ObjectMark("x", 0.5, nowhere, [square(100, 100, 140, 140)])])
    bounds = changed(photo)
    assert bounds is not None
    assert bounds[0] >= 95
    assert photo.getpixel((120, 120)) != GREY


@pytest.mark.parametrize("score", [math.nan, math.inf, -1.0, 2.0])
def test_odd_scores(score):
    drawn = draw_objects(canvas(), [ObjectMark("x", score, (5, 6, 50, 60))])
    assert drawn.tobytes() != canvas().tobytes()  # the box is there, whatever its score


def test_an_empty_image():
    assert draw_objects(Image.new("RGB", (0, 0)), [ObjectMark("x", 0.5, (0, 0, 1, 1))]).size == (0, 0)

"""Boxes, polygons and tags land where they should, and nothing odd stops a drawing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PIL import Image, ImageChops

from automl_cv_client import Detections, ImageInfo
from automl_cv_client.annotations import AnnotatedImage, Annotation
from automl_cv_client.drawing import Look, Style, color_of, draw, draw_objects
from automl_cv_client.drawing.labels import Tag, placed_tags
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Box
from automl_cv_client.results import Detection
from automl_cv_client.task import Task

GREY = (128, 128, 128)
SIZE = (300, 200)


def canvas(size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", size, GREY).convert(mode)


def mark(label: str, score: float, pixel_box: Any, polygons: Any = None, size: tuple[int, int] = SIZE) -> Annotation:
    """An annotation by its pixels."""
    width, height = size
    box = Box(*(value / (width, height)[i % 2] for i, value in enumerate(pixel_box)))
    if polygons is None:
        return Annotation(label, score, box)
    scaled = (tuple(value / (width, height)[i % 2] for i, value in enumerate(segment)) for segment in polygons)
    return Annotation(label, score, box, tuple(scaled))


def square(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
    return (left, top, right, top, right, bottom, left, bottom, left, top)


def changed(photo: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(photo, canvas(photo.size)).getbbox()


def test_a_box_is_outlined_inside_its_bounds():
    photo = draw_objects(canvas(), [mark("cat", 0.9, (50, 60, 250, 160))])
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
        photo = draw_objects(image, [mark("cat", 0.9, (5, 6, 250, 160), [square(9, 9, 99, 99)])])
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
    photo = draw_objects(canvas(), [mark("ring", 0.5, (50, 50, 250, 180), polygons)])
    assert photo.getpixel((120, 115)) == GREY, "inside two rings: a hole"
    filled, island = photo.getpixel((70, 120)), photo.getpixel((150, 115))
    assert filled == island != GREY
    assert filled != color_of("ring"), "translucent"


def test_separate_parts_are_all_filled():
    polygons = [square(10, 50, 60, 100), square(200, 50, 260, 100)]
    photo = draw_objects(canvas(), [mark("two", 0.5, (10, 50, 260, 100), polygons)])
    assert photo.getpixel((35, 75)) == photo.getpixel((230, 75)) != GREY
    assert photo.getpixel((130, 75)) == GREY


def test_a_polygon_fills_exactly_its_pixels():
    photo = draw_objects(canvas(), [mark("a", 0.5, (100, 100, 140, 140), [square(100, 100, 140, 140)])])
    inside = [photo.getpixel((x, 120)) != GREY for x in range(97, 144)]
    assert all(inside[3:-4])


def test_large_images_are_drawn_without_smoothing_alike():
    photo = draw_objects(
        canvas((2000, 1600)), [mark("a", 0.5, (0, 0, 1, 1), [square(100, 100, 1900, 1500)], (2000, 1600))]
    )
    assert photo.getpixel((1000, 800)) != GREY
    assert photo.getpixel((50, 800)) == GREY


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (40, 30), (300, 200), (1200, 30)])
@pytest.mark.filterwarnings("ignore:no font here:UserWarning")
@pytest.mark.parametrize("label", ["cat", "a very long label " * 20, "", "猫\x1b[31m\n‮"])
def test_tags_stay_in_the_image(size, label):
    for box in ((0, 0, size[0], size[1]), (size[0] - 1, 0, size[0], 1), (0, size[1] - 1, 1, size[1])):
        placed = placed_tags([Tag((label,), box, (1, 2, 3))], size)
        assert bool(placed) is (label != "" and min(size) >= 30)
        for place in placed:
            assert 0 <= place.left <= place.right <= size[0]
            assert 0 <= place.top <= place.bottom <= size[1]
        photo = draw_objects(canvas(size), [mark(label, 0.5, box, size=size)])
        assert photo.size == size


def test_tags_avoid_each_other():
    boxes = [(50.0, 60.0, 120.0, 150.0), (52.0, 62.0, 122.0, 152.0), (51.0, 61.0, 121.0, 151.0)]
    photo = draw_objects(canvas(), [mark(f"{i}{i}{i}", 0.9, box) for i, box in enumerate(boxes)])
    colors = {color_of(f"{i}{i}{i}") for i in range(3)}
    counts = {color: count for count, color in photo.getcolors(1 << 16) or []}
    assert all(counts.get(color, 0) > 150 for color in colors)


def test_high_scores_are_on_top():
    box = (50, 60, 250, 160)
    marks = [mark("high", 0.9, box), mark("low", 0.1, box), mark("odd", math.nan, box)]
    for order in (marks, marks[::-1]):
        assert draw_objects(canvas(), order).getpixel((51, 120)) == color_of("high")


ODD = [
    (math.nan, 0, 10, 10),
    (0, 0, math.inf, 10),
    (-math.inf, 0, 10, 10),
    (400, 400, 500, 500),
    (-50, -50, -10, -10),
]


@pytest.mark.parametrize("box", ODD)
def test_boxes_that_cannot_be_seen_are_left_out(box):
    assert changed(draw_objects(canvas(), [mark("x", 0.5, box)])) is None


DRAWN = [
    (250, 160, 50, 60),  # corners exchanged
    (100, 100, 100, 100),  # empty
    (-1e300, -1e300, 1e300, 1e300),
    (299.9, 199.9, 300, 200),
    (-20, -20, 5, 5),
]


@pytest.mark.parametrize("box", DRAWN)
def test_odd_boxes_are_drawn(box):
    assert changed(draw_objects(canvas(), [mark("x", 0.5, box)])) is not None


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
    photo = draw_objects(canvas(), [mark("x", 0.5, (50, 60, 250, 160), polygons)])
    assert photo.getpixel((50, 120)) != GREY


def test_without_a_box_the_polygons_are_named():
    nowhere = (math.nan,) * 4
    photo = draw_objects(canvas(), [mark("x", 0.5, nowhere, [square(100, 100, 140, 140)])])
    bounds = changed(photo)
    assert bounds is not None
    assert bounds[0] >= 95
    assert photo.getpixel((120, 120)) != GREY


@pytest.mark.parametrize("score", [math.nan, math.inf, -1.0, 2.0])
def test_odd_scores(score):
    drawn = draw_objects(canvas(), [mark("x", score, (5, 6, 50, 60))])
    assert drawn.tobytes() != canvas().tobytes()  # the box is there, whatever its score


def test_an_empty_image():
    assert draw_objects(Image.new("RGB", (0, 0)), [mark("x", 0.5, (0, 0, 1, 1))]).size == (0, 0)


CROWDED = [
    mark(
        f"label {i % 12}", 0.9 - i / 100, (20 + 9 * (i % 25), 10 + 15 * (i % 11), 60 + 9 * (i % 25), 50 + 15 * (i % 11))
    )
    for i in range(60)
]


def test_small_objects_of_many_lose_the_score_first_then_the_label():
    tags = [Tag(("cat 97%", "cat"), (10.0 * i, 100.0, 10.0 * i + side, 100.0 + side), (1, 2, 3)) for i, side in
            enumerate([3] * 3 + [25] * 3 + [60] * 3)]  # fmt: skip
    written = {
        placed.tag.box: "".join(text for text, _ in placed.line.runs) for placed in placed_tags(tags, (4000, 900))
    }
    sides = {round(box[2] - box[0]): text for box, text in written.items()}
    assert 3 not in sides
    large = [tag._replace(box=scaled(tag.box, 8)) for tag in tags]
    assert len(placed_tags(large, (4000, 900))) > len(written), "larger objects keep theirs"
    few = placed_tags(tags[:3], (4000, 900))
    assert [placed.line.runs[0][0] for placed in few] == ["cat 97%"] * 3, "of few each is named"


def scaled(box: Any, factor: float) -> Any:
    return tuple(factor * edge for edge in box)


def test_a_crowd_keeps_its_letters_apart_and_small():
    tags = [Tag((item.label,), item.box.to_pixels((1200, 800)), (1, 2, 3)) for item in CROWDED]
    placed = placed_tags(tags, (1200, 800))
    rectangles = [place[2:] for place in placed]
    covered = sum(overlap(a, b) for n, a in enumerate(rectangles) for b in rectangles[:n])
    assert len(placed) > 40
    assert covered < 0.02 * sum(overlap(each, each) for each in rectangles)
    assert placed[0].line.size < placed_tags(tags[:1], (1200, 800))[0].line.size


def overlap(a: Any, b: Any) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return float(max(0, width) * max(0, height)) if width > 0 and height > 0 else 0.0


def test_tags_cover_each_other_no_more_than_those_of_supervision():
    """The same 60 objects, letters of the same height, its smart positions against ours: measured on the tags alone."""
    supervision = pytest.importorskip("supervision")
    import numpy as np
    from supervision.detection.utils.boxes import spread_out_boxes

    size = (1200, 800)
    boxes = np.array([item.box.to_pixels(size) for item in CROWDED])
    placed = placed_tags(
        [Tag((item.label,), tuple(box), (1, 2, 3)) for item, box in zip(CROWDED, boxes, strict=True)], size
    )
    ours = [place[2:] for place in placed]
    widths = [place.right - place.left for place in placed]
    height = placed[0].bottom - placed[0].top
    first = np.array(
        [[box[0], box[1] - height, box[0] + width, box[1]] for box, width in zip(boxes, widths, strict=False)]
    )
    theirs = spread_out_boxes(first.clip(0), max_iterations=100)
    assert len(ours) >= 55
    sums = [sum(overlap(a, b) for n, a in enumerate(side) for b in side[:n]) for side in (ours, theirs.tolist())]
    assert sums[0] <= sums[1], sums
    assert supervision.__version__


def test_each_option_does_what_it_says():
    item = mark("cat", 0.97, (50, 60, 250, 160), [square(60, 70, 240, 150)])
    whole = draw_objects(canvas(), [item])
    for style, inside, edge in (
        (Style(masks=False), GREY, color_of("cat")),
        (Style(boxes=False, labels=False, scores=False), whole.getpixel((150, 110)), GREY),
        (Style(line=9), whole.getpixel((150, 110)), color_of("cat")),
    ):
        drawn = draw_objects(canvas(), [item], style)
        assert drawn.getpixel((150, 110)) == inside
        assert drawn.getpixel((50, 130)) == edge
    bare = draw_objects(canvas(), [item], Style(labels=False, scores=False))
    tags = ImageChops.difference(bare, whole).getbbox()
    assert tags is not None
    small = ImageChops.difference(bare, draw_objects(canvas(), [item], Style(text=9))).getbbox()
    short = ImageChops.difference(bare, draw_objects(canvas(), [item], Style(scores=False))).getbbox()
    assert small is not None
    assert short is not None
    assert small[3] - small[1] < tags[3] - tags[1]
    assert short[2] - short[0] < tags[2] - tags[0]
    red = draw_objects(canvas(), [item], Style(colors={"cat": "#f00"}))
    assert red.getpixel((50, 130)) == (255, 0, 0)
    with pytest.raises(InvalidInput, match="unknown color 'reddish'"):
        draw_objects(canvas(), [item], Style(colors={"cat": "reddish"}))


def test_what_is_blurred_cannot_be_recognised():
    noise = Image.effect_noise((300, 200), 90).convert("RGB")
    style = Style(labels=False, scores=False, boxes=False, masks=False, blur=True)
    drawn = draw_objects(noise, [mark("face", 0.9, (50, 60, 250, 160), [square(60, 70, 240, 150)])], style)
    assert changed_between(drawn, noise) == pytest.approx((60, 70, 240, 150), abs=1)
    colors = drawn.crop((65, 75, 235, 145)).convert("L").getextrema()
    assert colors[1] - colors[0] < 100  # type: ignore[operator]


def changed_between(before: Image.Image, other: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(before, other).getbbox()


def test_dashes_and_words_tell_what_a_report_means():
    item = mark("cat", 0.9, (50, 60, 250, 160))
    drawn = draw_objects(canvas(), [item], looks=[Look((1, 2, 3), dashed=True, word="missed")])
    column = [drawn.getpixel((50, y)) == (1, 2, 3) for y in range(60, 160)]
    assert any(column)
    assert not all(column)


def test_a_threshold_and_a_note():
    objects = (mark("cat", 0.9, (50, 60, 250, 160)), mark("dog", 0.4, (150, 60, 280, 160)))
    content = AnnotatedImage(Task.DETECTION, None, None, objects=objects)
    above = draw(canvas(), content, Style(threshold=0.5))
    assert above.tobytes() == draw_objects(canvas(), objects[:1]).tobytes()
    assert changed(draw(canvas(), content, Style(threshold=0.95))) is None
    assert changed(draw(canvas(), content, Style(threshold=0.95, note=True))) is not None
    for style in (Style(threshold=7), Style(line=0), Style(text=2.5)):  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="must be"):
            draw(canvas(), content, style)


def test_a_result_takes_the_options(tmp_path):
    image = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)  # type: ignore[arg-type]
    found = Detections(image=image, objects=(Detection(label="cat", score=0.9, box=Box(0.1, 0.3, 0.8, 0.8)),))
    drawn = found.draw(canvas(), labels=False, scores=False, colors={"cat": (1, 2, 3)}, line=5)
    assert drawn.getpixel((30, 100)) == (1, 2, 3)
    path = found.save(tmp_path / "a.png", canvas(), labels=False, scores=False, colors={"cat": (1, 2, 3)}, line=5)
    assert Image.open(path).tobytes() == drawn.tobytes()

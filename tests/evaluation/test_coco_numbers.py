"""Average precision equals pycocotools to 1e-9, on random objects with crowds, empty images and many classes."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from automl_cv_client.evaluation import evaluate
from automl_cv_client.evaluation.coco import mask_of
from automl_cv_client.geometry import scale_segment
from tests.evaluation.made import (
    boxes_row,
    detections,
    instances,
    outline,
    polygons_row,
    random_box,
    shaken,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools' own

STATS = ("mAP", "AP50", "AP75", "AP small", "AP medium", "AP large")
RECALLS = {"AR": 8, "AR small": 9, "AR medium": 10, "AR large": 11}


def by_pycocotools(images: list[dict[str, Any]], truth: list[Any], found: list[Any], kind: str) -> COCOeval:
    """The reference; ``truth`` and ``found`` are annotations without ids."""
    labels = sorted({detection["label"] for detection in (*truth, *found)})
    sides = []
    for side in (truth, found):
        coco = COCO()
        annotations = [
            detection | {"id": i, "category_id": labels.index(detection["label"]) + 1}
            for i, detection in enumerate(side, 1)
        ]
        coco.dataset = {
            "images": images,
            "categories": [{"id": i, "name": label} for i, label in enumerate(labels, 1)],
            "annotations": annotations,
        }
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
        sides.append(coco)
    reference = COCOeval(*sides, kind)
    with contextlib.redirect_stdout(io.StringIO()):
        reference.evaluate()
        reference.accumulate()
        reference.summarize()
    reference.labels = labels
    return reference


def reference_mask(polygons: Any, size: tuple[int, int]) -> Any:
    """Even-odd, by pycocotools' own rasteriser."""
    odd = np.zeros((size[1], size[0]), dtype=np.uint8)
    for polygon in polygons:
        odd ^= coco_mask.decode(coco_mask.frPyObjects([list(scale_segment(polygon, size))], size[1], size[0])[0])
    return coco_mask.encode(np.asfortranarray(odd))


class Random:
    """Random images as rows and results, and the same as COCO annotations."""

    def __init__(self, seed: int, masks: bool, images: int, classes: int, most: int) -> None:
        self.random = np.random.default_rng(seed)
        self.masks, self.classes = masks, classes
        self.images: list[dict[str, Any]] = []
        self.truth: list[Any] = []
        self.found: list[Any] = []
        self.rows: list[Any] = []
        self.results: dict[str, Any] = {}
        for number in range(images):
            self.add(number, most)

    def add(self, number: int, most: int) -> None:
        size = (int(self.random.integers(60, 260)), int(self.random.integers(60, 260)))
        self.images.append({"id": number + 1, "width": size[0], "height": size[1]})
        labelled: list[Any] = []
        found: list[Any] = []
        for _ in range(int(self.random.integers(0, most)) if self.random.random() < 0.8 else 0):
            box, label = random_box(self.random), self.label()
            crowd = ("crowd",) if self.random.random() < 0.15 else ()
            labelled.append((label, outline(box, self.random) if self.masks else box, *crowd))
            for _ in range(int(self.random.integers(0, 3))):
                near = shaken(box, self.random)
                again = label if self.random.random() < 0.85 else self.label()
                found.append((again, self.score(), outline(near, self.random) if self.masks else near))
        for _ in range(int(self.random.integers(0, 4))):
            box = random_box(self.random)
            found.append((self.label(), self.score(), outline(box, self.random) if self.masks else box))
        url = f"images/{number}.jpg"
        self.rows.append((polygons_row if self.masks else boxes_row)(url, *labelled))
        self.results[url] = (instances if self.masks else detections)(*found, size=size)
        self.truth += [
            self.annotation(each[0], each[1], size, number) | {"iscrowd": int(len(each) > 2)} for each in labelled
        ]
        self.found += [self.annotation(label, where, size, number) | {"score": score} for label, score, where in found]

    def label(self) -> str:
        return f"class {self.random.integers(self.classes)}"

    def score(self) -> float:
        return float(np.round(self.random.random(), 2))  # rounded, so that scores tie

    def annotation(self, label: str, where: Any, size: tuple[int, int], number: int) -> dict[str, Any]:
        if self.masks:
            mask = reference_mask(where, size)
            values = {"segmentation": mask, "area": float(coco_mask.area(mask)), "bbox": list(coco_mask.toBbox(mask))}
        else:
            left, top = where[0] * size[0], where[1] * size[1]
            width, height = where[2] * size[0] - left, where[3] * size[1] - top
            values = {"bbox": [left, top, width, height], "area": width * height}
        return {"label": label, "image_id": number + 1, **values}


@pytest.mark.parametrize("masks", [False, True], ids=["boxes", "masks"])
@pytest.mark.parametrize(("images", "classes", "most"), [(40, 3, 8), (25, 40, 12), (3, 1, 60), (12, 2, 2)])
def test_numbers_equal_pycocotools(masks, images, classes, most):
    for seed in range(3):
        made = Random(seed, masks, images, classes, most)
        report = evaluate(made.results, made.rows)
        reference = by_pycocotools(made.images, made.truth, made.found, "segm" if masks else "bbox")
        for number, name in enumerate(STATS):
            assert same(report[name], reference.stats[number]), name
        for name, number in RECALLS.items():
            assert same(report[name], reference.stats[number]), name
        for i, label in enumerate(reference.labels):
            (scores,) = [each for each in report.classes if each.label == label]
            assert same(scores.values["AP"], mean(reference.eval["precision"][:, :, i, 0, 2])), label
            assert same(scores.values["AP50"], mean(reference.eval["precision"][0, :, i, 0, 2])), label


def mean(values: Any) -> float:
    return float(values[values > -1].mean()) if (values > -1).any() else -1.0


def same(ours: float | None, theirs: float) -> bool:
    return theirs == -1 if ours is None else abs(ours - theirs) < 1e-9


@pytest.mark.parametrize("masks", [False, True], ids=["boxes", "masks"])
def test_perfect_predictions_score_one(masks):
    made = Random(7, masks, 20, 5, 8)
    perfect: dict[str, Any] = {}
    for row, image in zip(made.rows, made.images, strict=True):
        size = (image["width"], image["height"])
        if masks:
            found = [(detection.label, 0.9, detection.segments) for detection in row.label if detection.segments]
            perfect[row.image_url] = instances(*found, size=size)
        else:
            perfect[row.image_url] = detections(
                *((detection.label, 0.9, detection.box) for detection in row.label), size=size
            )
    rows = [row for row in made.rows if not masks or all(each.segments for each in row.label)]
    report = evaluate({row.image_url: perfect[row.image_url] for row in rows}, rows)
    for name in ("mAP", "AP50", "AP75", "AR", "F1"):
        assert report[name] == pytest.approx(1.0, abs=1e-12), name
    assert report.mistakes == ()


def test_a_hole_is_no_part_of_the_mask():
    square, hole = (0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9), (0.3, 0.3, 0.7, 0.3, 0.7, 0.7, 0.3, 0.7)
    mask = coco_mask.decode(mask_of([square, hole], (100, 100)))
    assert mask[50, 50] == 0
    assert mask[20, 50] == 1
    assert mask.sum() == pytest.approx(80 * 80 - 40 * 40, rel=0.02)


@pytest.mark.parametrize("masks", [False, True])
def test_a_weighted_draw_is_what_pycocotools_makes_of_repeated_images(masks):
    """The bootstrap matches once and weighs; the reference is given each image as often as the draw has it."""
    from automl_cv_client.evaluation.objects import ObjectScores
    from automl_cv_client.evaluation.pairs import pair_up

    made = Random(3, masks, 15, 4, 6)
    scores = ObjectScores(pair_up(made.results, made.rows).answered, 0.5, for_draws=True)
    random = np.random.default_rng(1)
    weights = np.array([np.ones(15, int), *(np.bincount(random.integers(0, 15, 15), minlength=15) for _ in range(12))])
    weights = np.vstack([weights, [0] * 14 + [3], [0] * 15])
    drawn = scores.coco.drawn(weights)
    whole = scores.metrics()
    assert {name: values[0] for name, values in drawn.items()} == pytest.approx({n: whole[n] for n in drawn})
    for draw, counts in enumerate(weights[:-1]):
        chosen = [image for image, count in enumerate(counts) for _ in range(count)]
        images = [made.images[n] | {"id": i + 1} for i, n in enumerate(chosen)]
        truth = [x | {"image_id": i + 1} for i, n in enumerate(chosen) for x in made.truth if x["image_id"] == n + 1]
        found = [x | {"image_id": i + 1} for i, n in enumerate(chosen) for x in made.found if x["image_id"] == n + 1]
        stats = by_pycocotools(images, truth, found, "segm" if masks else "bbox").stats
        for name, expected in zip(("mAP", "AP50", "AP75"), stats, strict=False):
            value = drawn[name][draw]
            assert value == pytest.approx(expected, abs=1e-9) or (expected == -1 and np.isnan(value))
    assert all(np.isnan(values[-1]) for values in drawn.values()), "a draw without labels has no precision"


def test_classes_measured_some_at_a_time_are_measured_as_at_once(monkeypatch):
    from automl_cv_client.evaluation import coco, evaluate

    made = Random(5, True, 23, 4, 6)
    at_once = evaluate(made.results, made.rows).metrics
    monkeypatch.setattr(coco, "_RECORDS_AT_ONCE", 30)
    assert evaluate(made.results, made.rows).metrics == at_once

"""What a result writes, the readers of `dataset` read: the same boxes, outlines, labels and sizes, for each format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client import Classification, Detections, Instance, Instances, MultilabelClassification
from automl_cv_client.dataset import (
    DetectionRow,
    SegmentationRow,
    from_coco,
    from_csv,
    from_voc,
    from_yolo,
    read_jsonl,
    to_coco,
    to_csv,
    to_voc,
    to_yolo,
    write_jsonl,
)
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats import coco_of, cvat_of, fiftyone_of, label_studio_of, rows_of, voc_of, write_files
from automl_cv_client.geometry import Box, Rle, scale_segment
from automl_cv_client.testing import detections as built
from tests.formats.results import classification, info, instances, multilabel

SIZE = (640, 480)
BOXES = [(64.0, 96.0, 320.0, 480.0), (0.0, 0.0, 640.0, 480.0), (639.0, 479.0, 640.0, 480.0), (1.0, 2.0, 3.0, 4.0)]


def found() -> Detections:
    fractions = [Box(left / 640, top / 480, right / 640, bottom / 480) for left, top, right, bottom in BOXES]
    objects = [
        (f"cat {number}", 0.5, (box.left, box.top, box.right, box.bottom)) for number, box in enumerate(fractions)
    ]
    result = built(*objects)
    image = result.image.model_copy(update={"size": SIZE, "raw_size": SIZE, "sent_size": SIZE, "source": "a/1.png"})
    return Detections.model_validate({**result.model_dump(), "image": image.model_dump()})


def pixels_of(row: DetectionRow) -> list[tuple[float, ...]]:
    return [tuple(label.box.to_pixels(SIZE)) for label in row.label]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", SIZE).save(folder / "1.png")
    return folder


def through_coco(images: list[Any], folder: Path, photos: Path, task: str) -> Any:
    to_coco(images, folder / "coco.json")
    return list(from_coco(folder / "coco.json", task))


def through_voc(images: list[Any], folder: Path, photos: Path, task: str) -> Any:
    to_voc(images, folder / "voc")
    return list(from_voc(folder / "voc"))


def through_yolo(images: list[Any], folder: Path, photos: Path, task: str) -> Any:
    to_yolo(images, folder / "yolo")
    return list(from_yolo(photos, folder / "yolo", folder / "yolo" / "classes.txt", task))


def through_training(images: list[Any], folder: Path, photos: Path, task: str) -> Any:
    rows = [image.to_training_row("1.png") if hasattr(image, "to_training_row") else image for image in images]
    write_jsonl(rows, folder / "train.jsonl")
    return list(read_jsonl(folder / "train.jsonl", task=task, strict=True))


WAYS = [through_coco, through_voc, through_yolo, through_training]


@pytest.mark.parametrize("way", WAYS)
def test_a_box_comes_back_at_its_pixels(way, tmp_path, photos):
    """From a result, and once more from the row that was read."""
    (row,) = way([found()], tmp_path, photos, "image-object-detection")
    (again,) = way([row], tmp_path, photos, "image-object-detection")
    for read in (row, again):
        assert isinstance(read, DetectionRow)
        assert [label.label for label in read.label] == ["cat 0", "cat 1", "cat 2", "cat 3"]
        assert np.allclose(pixels_of(read), BOXES, atol=1e-3)
        assert read.annotated().size == SIZE
        assert read.image_url.endswith("1.png")


@pytest.mark.filterwarnings("ignore::automl_cv_client.errors.PassedOverWarning")  # the one without an outline
@pytest.mark.parametrize("way", [through_coco, through_yolo, through_training])
def test_an_outline_comes_back_with_its_hole(way, tmp_path, photos):
    result = instances("photos/1.png")
    (row,) = way([result], tmp_path, photos, "image-instance-segmentation")
    assert isinstance(row, SegmentationRow)
    size = result.size
    for label, instance in zip(row.label, result, strict=False):
        segments = [scale_segment(segment, size) for segment in label.polygon]
        assert np.allclose(np.subtract(*masks(segments, instance, size)), 0)


def masks(segments: Any, instance: Instance, size: tuple[int, int]) -> tuple[Any, Any]:
    read = np.frombuffer(Rle.of_polygon(segments, size).column_bytes(), bool).reshape(size).T
    return read.astype(int), instance.mask().astype(int)


def test_labels_come_back(tmp_path):
    rows = [classification("cat", "dog").to_training_row("1.png"), classification("cow").to_training_row("2.png")]
    write_jsonl(rows, tmp_path / "classes.jsonl")
    read = list(read_jsonl(tmp_path / "classes.jsonl"))
    assert [row.classes() for row in read] == [["cat"], ["cow"]]
    write_jsonl([multilabel("cat", "dog").to_training_row("1.png")], tmp_path / "labels.jsonl")
    (several,) = read_jsonl(tmp_path / "labels.jsonl")
    to_csv([several], tmp_path / "labels.csv", separator=";")
    (again,) = from_csv(tmp_path / "labels.csv", separator=";")
    assert several.classes() == again.classes() == ["cat", "dog"]


@pytest.mark.parametrize("result", [found(), instances(), classification("cat", "dog"), multilabel("cat", "dog")])
def test_a_row_is_written_as_its_result_is_but_for_the_score(result, tmp_path):
    """One writer for both."""
    write_jsonl([result.to_training_row("a/1.png")], tmp_path / "1.jsonl")
    (row,) = read_jsonl(tmp_path / "1.jsonl", task=result.task)
    row_image, result_image = row.annotated(), result.annotated()
    assert row_image.task is result_image.task
    assert row_image.size == result_image.size
    assert [pair[0] for pair in row_image.present()] == [pair[0] for pair in result_image.present()]
    if not isinstance(result, Classification | MultilabelClassification):
        written = len([item for item in result_image.inside().objects if item.polygons != ()])
        assert len(row_image.objects) == len(rows_of([row])) == len(coco_of([row])["annotations"]) == written
        assert "score" not in coco_of([row])["annotations"][0]
        assert "<score>" not in voc_of(row)
        assert 'source="manual"' in cvat_of([row])
        assert "confidence" not in json.dumps(fiftyone_of(row))
    assert "score" not in json.dumps(label_studio_of(row, "u"))
    assert "annotations" in label_studio_of(row, "u")


def test_no_line_of_yolo_reaches_beyond_the_image(tmp_path):
    """Trainers and augmenters refuse 1.0000005; their sums are in float64 or float32."""
    random = np.random.default_rng(5)
    boxes = []
    for _ in range(4000):
        edges = np.sort(random.random((2, 2)) * random.choice([1, 1e-3, 1e-8]), axis=0)
        if random.random() < 0.7:
            edges = np.sort(1 - edges, axis=0)
        if random.random() < 0.3:
            edges[1] = 1.0 + random.choice([0, 1e-9, 0.2])
        boxes.append(("cat", 0.5, (*edges[0], *edges[1])))
    lines = built(*boxes).to_yolo(["cat"]).splitlines()
    assert len(lines) > 3900
    values = np.array([line.split()[1:] for line in lines], dtype=np.float64)
    low, high = values[:, :2] - values[:, 2:] / 2, values[:, :2] + values[:, 2:] / 2
    assert low.min() >= 0
    assert high.max() <= 1
    assert values.min() > 0
    assert values.astype(np.float32).max() <= 1


def test_a_row_whose_numbers_are_pixels_is_refused(tmp_path):
    """Else its labels would be cut away without a word."""
    row = {"image_url": "1.png", "image_details": {"width": 90, "height": 60}, "label": []}
    label = {"label": "cat", "topX": 10, "topY": 20, "bottomX": 30, "bottomY": 40}
    swapped = {"label": "cat", "topX": 0.5, "topY": 0.2, "bottomX": 0.3, "bottomY": 0.4}
    for wrong in (label, swapped):
        (read,) = read_jsonl([json.dumps({**row, "label": [wrong]})])
        for write in (coco_of, lambda rows: write_files(rows, tmp_path, "yolo"), cvat_of):
            with pytest.raises(InvalidInput, match=r"'1\.png': the box of 'cat'.*fractions of the image"):
                write([read])


def test_what_holds_objects_takes_no_labels_of_whole_images(tmp_path):
    whole = classification("cat")
    for write in (
        lambda: coco_of([whole]),
        lambda: voc_of(whole),
        lambda: write_files([whole], tmp_path, "yolo"),
        lambda: cvat_of([whole]),
    ):
        with pytest.raises(InvalidInput, match="hold objects"):
            write()


def test_objects_beyond_the_image_are_cut_and_those_outside_left_out():
    image = info("1.png")
    polygon = (-0.5, 0.2, 0.5, 0.2, 0.5, 0.8, -0.5, 0.8)
    cut = Instance(label="cut", score=0.9, box=Box(-0.5, 0.2, 0.5, 0.8), polygons=(polygon,))
    gone = Instance(label="gone", score=0.9, box=Box(1.2, 0.2, 1.5, 0.8), polygons=())
    result = Instances(image=image, objects=(cut, gone))
    (annotation,) = coco_of([result])["annotations"]
    assert annotation["bbox"] == [0, 20, 100, 60]
    assert annotation["area"] == pytest.approx(6000)
    assert min(annotation["segmentation"][0]) >= 0
    assert [row["label"] for row in rows_of(result)] == ["cut", "gone"], "tables keep all"

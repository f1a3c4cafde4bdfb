"""Other libraries read what is written here, and write what is read here: class by class, to 1e-6 of the image.

datumaro and globox are large, or of another license, and are asked where they are installed.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from automl_cv_client.dataset import Row, from_coco, from_voc, from_yolo, row_of, to_coco, to_voc, to_yolo
from automl_cv_client.geometry import Rle, scale_segment
from automl_cv_client.task import Task

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of pycocotools' own
    pytest.mark.filterwarnings("ignore:OpenCV:UserWarning"),  # supervision does without it
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of these libraries
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

NAMES = ["cat", "big dog", "猫 é", "a/b", "x, y", "="]
Boxes = dict[str, list[tuple[str, tuple[float, ...]]]]


def made(seed: int, crowds: bool = False) -> list[Row]:
    """Rows of random boxes; some images have none."""
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(12):
        width, height = (int(side) for side in chance.integers(40, 900, 2))
        labels = []
        for _ in range(int(chance.integers(0, 5))):
            (left, right), (top, bottom) = (np.sort(chance.random(2) * 0.9 + [0, 0.1]).tolist() for _ in range(2))
            name = NAMES[int(chance.integers(len(NAMES)))]
            crowd = crowds and chance.random() < 0.2
            labels.append(
                {"label": name, "topX": left, "topY": top, "bottomX": right, "bottomY": bottom, "isCrowd": crowd}
            )
        details = {"format": "png", "width": width, "height": height}
        values = {"image_url": f"{number}.png", "image_details": details, "label": labels}
        rows.append(row_of(values, Task.DETECTION))
    return rows


def boxes_of(rows: Any) -> Boxes:
    images = [row.annotated() for row in rows]
    return {
        str(image.source).rpartition("/")[2]: sorted((item.label, tuple(item.box)) for item in image.objects)
        for image in images
    }


def same(read: Boxes, expected: Boxes, tolerance: float = 1e-6) -> None:
    """Images without objects may be missing: some libraries leave them out."""
    for name in {*read, *expected}:
        ours, others = expected.get(name, []), read.get(name, [])
        assert [label for label, _ in others] == [label for label, _ in ours]
        for (_, box), (_, other) in zip(ours, others, strict=True):
            assert np.allclose(box, other, atol=tolerance)


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    """With their images, as supervision and datumaro look at them."""
    several = made(7)
    for row in several:
        Image.new("L", row.annotated().pixels).save(tmp_path / row.image_url)
    return several


def of_supervision(data: Any) -> Boxes:
    found: Boxes = {}
    for path, image, detections in data:
        scale = np.array([image.shape[1], image.shape[0]] * 2, float)
        names = [data.classes[number] for number in detections.class_id if number is not None]
        boxes = (np.asarray(detections.xyxy, float) / scale).tolist()
        found[Path(path).name] = sorted((name, tuple(box)) for name, box in zip(names, boxes, strict=True))
    return found


def test_pycocotools_reads_what_is_written(tmp_path):
    several = made(1, crowds=True)
    to_coco(several, tmp_path / "coco.json")
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(tmp_path / "coco.json"))
    found: Boxes = {image["file_name"]: [] for image in data.imgs.values()}
    for annotation in data.anns.values():
        image = data.imgs[annotation["image_id"]]
        left, top, width, height = annotation["bbox"]
        box = np.array([left, top, left + width, top + height]) / ([image["width"], image["height"]] * 2)
        found[image["file_name"]].append((data.cats[annotation["category_id"]]["name"], tuple(box)))
    same({name: sorted(boxes) for name, boxes in found.items()}, boxes_of(several))
    assert sum(annotation["iscrowd"] for annotation in data.anns.values()) == sum(
        item.crowd for row in several for item in row.annotated().objects
    )
    same(boxes_of(from_coco(tmp_path / "coco.json")), boxes_of(several))


@pytest.mark.parametrize("seed", range(4))
def test_outlines_cover_the_pixels_that_pycocotools_covers(tmp_path, seed):
    """Holes, several segments, crowds: written, and read back."""
    chance = np.random.default_rng(seed)
    labels: list[dict[str, Any]] = []
    for number in range(6):
        x, y = chance.random(2) * 0.5
        outer = [x, y, x + 0.4, y, x + 0.4, y + 0.4, x, y + 0.4]
        hole = [x + 0.1, y + 0.1, x + 0.3, y + 0.1, x + 0.3, y + 0.3]
        apart = [0.91, 0.91, 0.99, 0.91, 0.99, 0.99]
        polygon = [[outer], [outer, hole], [outer, apart], [outer, hole, apart]][number % 4]
        labels.append({"label": "cat", "isCrowd": number == 5, "polygon": polygon})
    size = (int(chance.integers(60, 300)), int(chance.integers(60, 300)))
    details = {"width": size[0], "height": size[1]}
    row = row_of({"image_url": "1.png", "image_details": details, "label": labels})
    to_coco([row], tmp_path / "coco.json")
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(tmp_path / "coco.json"))
    (again,) = from_coco(tmp_path / "coco.json", Task.SEGMENTATION)
    for annotation, item, written in zip(
        data.anns.values(), again.annotated().objects, row.annotated().objects, strict=True
    ):
        theirs = np.asarray(data.annToMask(annotation)).astype(bool)
        for polygons in (item.polygons, written.polygons):
            mask = Rle.of_polygon([scale_segment(segment, size) for segment in polygons or ()], size)
            ours = np.frombuffer(mask.column_bytes(), bool).reshape(size).T
            assert np.array_equal(ours, theirs)


def test_supervision_reads_and_writes_the_same(tmp_path, rows):
    supervision = pytest.importorskip("supervision")
    dataset, expected = supervision.DetectionDataset, boxes_of(rows)
    to_coco(rows, tmp_path / "coco.json")
    data = dataset.from_coco(str(tmp_path), str(tmp_path / "coco.json"))
    same(of_supervision(data), expected)
    data.as_coco(annotations_path=str(tmp_path / "theirs.json"))
    same(boxes_of(from_coco(tmp_path / "theirs.json")), expected)

    names = to_yolo(rows, tmp_path / "labels")
    (tmp_path / "data.yaml").write_text(json.dumps({"nc": len(names), "names": names}))
    data = dataset.from_yolo(str(tmp_path), str(tmp_path / "labels"), str(tmp_path / "data.yaml"))
    same(of_supervision(data), expected)
    data.as_yolo(annotations_directory_path=str(tmp_path / "theirs"), data_yaml_path=str(tmp_path / "theirs.yaml"))
    same(boxes_of(from_yolo(tmp_path, tmp_path / "theirs", tmp_path / "theirs.yaml")), expected, 2e-5)  # five digits

    to_voc(rows, tmp_path / "voc")
    data = dataset.from_pascal_voc(str(tmp_path), str(tmp_path / "voc"))
    same(of_supervision(data), boxes_of(from_voc(tmp_path / "voc")))


def test_datumaro_reads_and_writes_the_same(tmp_path, rows):
    datumaro = pytest.importorskip("datumaro", reason="180 MB; not asked where it is not installed")
    (tmp_path / "ours" / "annotations").mkdir(parents=True)
    (tmp_path / "ours" / "images" / "train").mkdir(parents=True)  # where it looks for them
    for row in rows:
        shutil.copy(tmp_path / row.image_url, tmp_path / "ours" / "images" / "train")
    to_coco(rows, tmp_path / "ours" / "annotations" / "instances_train.json")
    data = datumaro.Dataset.import_from(str(tmp_path / "ours"), "coco_instances")
    labels = data.categories()[datumaro.AnnotationType.label]
    sizes = {row.image_url: row.annotated().pixels for row in rows}
    found: Boxes = {}
    for item in data:
        width, height = sizes[f"{item.id}.png"]
        boxes = [(labels[box.label].name, box) for box in item.annotations if box.type.name == "bbox"]
        edges = [(name, (box.x, box.y, box.x + box.w, box.y + box.h)) for name, box in boxes]
        found[f"{item.id}.png"] = sorted((name, tuple(np.array(box) / ([width, height] * 2))) for name, box in edges)
    same(found, boxes_of(rows), 1e-4)  # datumaro rounds to two digits of a pixel
    data.export(str(tmp_path / "theirs"), "coco_instances")
    (written,) = (tmp_path / "theirs" / "annotations").glob("*.json")
    same(boxes_of(from_coco(written)), boxes_of(rows), 1e-4)


def test_globox_reads_and_writes_the_same(tmp_path, rows):
    globox = pytest.importorskip("globox", reason="not asked where it is not installed")
    to_coco(rows, tmp_path / "coco.json")
    data = globox.AnnotationSet.from_coco(tmp_path / "coco.json")
    found: Boxes = {}
    for annotation in data:
        scale = [*annotation.image_size, *annotation.image_size]
        edges = [(box.label, (box.xmin, box.ymin, box.xmax, box.ymax)) for box in annotation.boxes]
        found[annotation.image_id] = sorted((label, tuple(np.array(box) / scale)) for label, box in edges)
    same(found, boxes_of(rows))
    data.save_coco(tmp_path / "theirs.json", auto_ids=True)
    same(boxes_of(from_coco(tmp_path / "theirs.json")), boxes_of(rows))

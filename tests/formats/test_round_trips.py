"""COCO, YOLO, VOC, CVAT and the others read back by what reads them: pycocotools, XML and JSON parsers, shapely."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import shapely
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from automl_cv_client import Instance, Instances
from automl_cv_client.dataset import faults_of, row_of
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats import coco_of, cvat_of, write_files
from automl_cv_client.geometry import Box
from automl_cv_client.testing import detections as built
from tests.formats.results import classification, detections, instances, multilabel

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' own


def loaded(dataset: dict[str, Any]) -> COCO:
    coco = COCO()
    coco.dataset = json.loads(json.dumps(dataset))
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def test_coco_detections():
    found = detections("cat", "dog", "cat")
    coco = loaded(found.to_coco(image_id=7))
    names = {category["id"]: category["name"] for category in coco.loadCats(coco.getCatIds())}
    assert names == {1: "cat", 2: "dog"}
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[7]))
    for detection, written in zip(found, annotations, strict=True):
        left, top, width, height = written["bbox"]
        assert (left, top, left + width, top + height) == pytest.approx(detection.pixel_box, abs=1e-9)
        assert (names[written["category_id"]], written["score"]) == (detection.label, detection.score)
    (image,) = coco.loadImgs([7])
    assert (image["width"], image["height"], image["file_name"]) == (200, 100, "photos/street.png")


def test_coco_outlines_give_our_masks():
    found = instances()
    coco = loaded(found.to_coco())
    for detection, written in zip(found, coco.loadAnns(coco.getAnnIds()), strict=True):
        assert written["area"] == pytest.approx(detection.area)
        if detection.label == "line":
            assert not coco_mask.decode(written["segmentation"]).any()
        else:
            assert np.array_equal(coco.annToMask(written), detection.mask())


def test_coco_of_several_with_a_models_own_numbers():
    dataset = coco_of([detections("cat"), detections("ant", "dog")], first_image_id=5, categories={"dog": 18})
    assert [image["id"] for image in dataset["images"]] == [5, 6]
    assert [item["image_id"] for item in dataset["annotations"]] == [5, 6, 6]
    assert [item["id"] for item in dataset["annotations"]] == [1, 2, 3]
    assert {item["name"]: item["id"] for item in dataset["categories"]} == {"dog": 18, "ant": 19, "cat": 20}


def test_yolo_boxes():
    found = detections("dog", "cat")
    for line, detection in zip(found.to_yolo(["cat", "dog"], scores=True).splitlines(), found, strict=True):
        number, x, y, width, height, score = (float(part) for part in line.split())
        assert ["cat", "dog"][int(number)] == detection.label
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        assert box == pytest.approx(detection.box, abs=1e-8)
        assert score == pytest.approx(detection.score)


def test_yolo_outlines_keep_their_holes():
    found = instances()
    lines = found.to_yolo(["line", "ring", "triangle"]).splitlines()
    assert [line.split()[0] for line in lines] == ["1", "2"], "the line encloses nothing"
    for line, item in zip(lines, found, strict=False):
        ring = [float(value) for value in line.split()[1:]]
        pixels = [value * (200, 100)[i % 2] for i, value in enumerate(ring)]
        single = item.model_copy(update={"polygons": (tuple(ring),)})
        assert single.area == pytest.approx(item.area)
        assert max(pixels) <= 200
        assert np.array_equal(single.mask((200, 100)), item.mask())


def test_yolo_needs_every_class():
    with pytest.raises(InvalidInput, match=r"names lacks the labels \['dog'\]"):
        detections("cat", "dog").to_yolo(["cat"])


def test_voc():
    found = detections("cat", "dog <&>")
    root = ET.fromstring(found.to_voc())
    assert root.findtext("filename") == "street.png"
    assert (root.findtext("size/width"), root.findtext("size/height")) == ("200", "100")
    for element, detection in zip(root.iter("object"), found, strict=True):
        xmin, ymin, xmax, ymax = (
            int(element.findtext(f"bndbox/{name}", "")) for name in ("xmin", "ymin", "xmax", "ymax")
        )
        assert (xmin - 1, ymin - 1, xmax, ymax) == pytest.approx(detection.pixel_box, abs=0.5)
        assert element.findtext("name") == detection.label


def test_cvat():
    found = instances()
    root = ET.fromstring(cvat_of([detections("cat"), found]))
    first, second = root.iter("image")
    box = first.find("box")
    assert box is not None
    assert [float(box.get(name, "")) for name in ("xtl", "ytl", "xbr", "ybr")] == [20, 0, 70, 20]
    mask = second.find("mask")
    assert mask is not None
    left, top, width, height = (int(mask.get(name, "")) for name in ("left", "top", "width", "height"))
    counts = [int(value) for value in mask.get("rle", "").split(",")]
    part = np.repeat(np.arange(len(counts)) % 2, counts).reshape(height, width)
    whole = np.zeros((100, 200), int)
    whole[top : top + height, left : left + width] = part
    assert np.array_equal(whole, found[0].mask())
    polygon = second.find("polygon")
    assert polygon is not None
    corners = [tuple(map(float, corner.split(","))) for corner in polygon.get("points", "").split(";")]
    assert corners == [(140, 50), (180, 50), (160, 95)]


def test_label_studio():
    task = detections("cat").to_label_studio("https://example.org/1.png")
    (region,) = task["predictions"][0]["result"]
    assert region["type"] == "rectanglelabels"
    assert region["value"]["rectanglelabels"] == ["cat"]
    assert (region["original_width"], region["original_height"]) == (200, 100)
    assert [region["value"][name] for name in ("x", "y", "width", "height")] == pytest.approx([10, 0, 25, 20])
    rings = instances().to_label_studio("x")["predictions"][0]["result"]
    assert [ring["type"] for ring in rings] == ["polygonlabels", "polygonlabels", "rectanglelabels"]
    assert shapely.Polygon(rings[1]["value"]["points"]).area / 1e4 * 200 * 100 == pytest.approx(instances()[1].area)
    choices = classification("cat", "dog").to_label_studio("x")["predictions"][0]["result"][0]
    assert choices["value"] == {"choices": ["cat"]}
    json.dumps(task, allow_nan=False)


def test_fiftyone():
    assert detections("cat").to_fiftyone()["detections"][0]["bounding_box"] == pytest.approx([0.1, 0, 0.25, 0.2])
    polylines = instances().to_fiftyone()["polylines"]
    assert [detection["label"] for detection in polylines] == ["ring", "triangle", "line"]
    assert [len(polyline["points"]) for polyline in polylines] == [1, 1, 0]
    assert classification("cat", "dog").to_fiftyone() == {"_cls": "Classification", "label": "cat", "confidence": 0.5}
    assert len(multilabel("cat", "dog").to_fiftyone()["classifications"]) == 2


def test_training_rows():
    row = detections("cat").to_training_row("azureml://x")
    assert row == {
        "image_url": "azureml://x",
        "image_details": {"format": "png", "width": "200px", "height": "100px"},
        "label": [{"label": "cat", "topX": 0.1, "topY": 0.0, "bottomX": 0.35, "bottomY": 0.2, "isCrowd": 0}],
    }
    outlines = instances().to_training_row("azureml://x")["label"]
    assert [(detection["label"], len(detection["polygon"])) for detection in outlines] == [("ring", 2), ("triangle", 1)]
    assert all(0 <= value <= 1 for outline in outlines for segment in outline["polygon"] for value in segment)
    assert classification("cat", "dog").to_training_row("u")["label"] == "cat"
    assert multilabel("cat", "dog").to_training_row("u")["label"] == ["cat", "dog"]


def test_training_rows_have_no_box_that_the_check_calls_an_error():
    """Models find things beyond the edge; of those nothing is left once they are cut."""
    inside, beyond = (0.1, 0.1, 0.5, 0.5), (1.02, 0.1, 1.3, 0.5)
    row = built(("cat", 0.9, inside), ("dog", 0.8, beyond)).to_training_row("1.jpg")
    assert [detection["label"] for detection in row["label"]] == ["cat"]
    assert faults_of(row_of(row)) == []


def test_objects_without_a_place_are_left_out():
    """A server may send NaN and infinity."""
    found = instances()
    nan, huge = float("nan"), 1e308
    lost = (
        Instance(label="nan", score=nan, box=Box(nan, 0, 1, 1), polygons=((nan, 0.0, 1.0, 0.0, 1.0, 1.0),)),
        Instance(label="inf", score=0.1, box=Box(0, 0, float("inf"), 1), polygons=()),
        Instance(label="huge", score=0.1, box=Box(0, 0, 1, 1), polygons=((0.0, 0.0, huge, 0.0, huge, huge),)),
    )
    odd = Instances(image=found.image, objects=(*found.objects, *lost))
    assert [item.area for item in odd[3:]] == [0, 0, 0]
    assert not any(item.mask().any() for item in odd[3:])
    assert [item.simplified().polygons for item in odd[3:]] == [(), (), ()]
    assert len(list(ET.fromstring(odd.to_voc()).iter("object"))) == 4
    json.dumps([odd.to_coco(), odd.to_label_studio("x"), odd.to_fiftyone(), odd.to_training_row("x")], allow_nan=False)
    names = ["ring", "triangle", "line", "nan", "inf", "huge"]
    assert "nan" not in odd.to_yolo(names) + odd.to_cvat().replace('"nan"', "")
    assert len(odd.to_rows()) == len(odd.to_csv().splitlines()) - 1 == 6
    assert "ring" in odd._repr_html_()
    assert len(odd.clipped()) == len(odd.to_shapely()) == 6


def test_supervision():
    supervision = pytest.importorskip("supervision")
    found = instances()
    theirs = found.to_supervision()
    assert isinstance(theirs, supervision.Detections)
    assert theirs.xyxy.tolist() == [pytest.approx(list(detection.pixel_box)) for detection in found]
    assert theirs.data["class_name"].tolist() == ["ring", "triangle", "line"]
    assert theirs.class_id.tolist() == [1, 2, 0]
    assert theirs.mask.shape == (3, 100, 200)
    assert np.array_equal(theirs.mask[0], found[0].mask())
    assert len(detections().to_supervision()) == 0
    assert detections("cat").to_supervision(names=["dog", "cat"]).class_id.tolist() == [1]


def test_shapely():
    ring, triangle, line = instances().to_shapely()
    assert ring.is_valid
    assert (ring.area, triangle.area, line.area) == pytest.approx([instance.area for instance in instances()])
    assert not ring.contains(shapely.Point(0.3 * 200, 0.5 * 100))
    assert detections("cat").to_shapely()[0].bounds == pytest.approx((20, 0, 70, 20))


def test_tables():
    pandas = pytest.importorskip("pandas")
    found = instances()
    frame = found.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["label"].tolist() == ["ring", "triangle", "line"]
    assert frame["area"].tolist() == pytest.approx([item.area for item in found])
    assert list(detections().to_pandas().columns)[-1] == "height"
    assert classification("cat", "dog").to_pandas()["score"].tolist() == [0.5, 0.25]


def test_a_library_that_is_not_there(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ModuleNotFoundError, match="pip install polars"):
        detections("cat").to_polars()


def test_files(tmp_path):
    several = [detections("cat"), detections("dog", source="other/street.png"), detections(source=None)]
    paths = write_files(several, tmp_path / "labels", "yolo")
    assert [path.name for path in paths] == ["street.txt", "street-2.txt", "image-2.txt"]
    assert (tmp_path / "labels" / "classes.txt").read_text() == "cat\ndog\n"
    assert paths[1].read_text().startswith("1 ")
    voc = write_files(several, tmp_path, "voc")
    assert ET.parse(voc[0]).findtext("object/name") == "cat"

"""Sources as people and programs write them: read as meant, or reported with the place and the reason."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client.dataset import (
    Conversion,
    LocalImages,
    convert,
    from_coco,
    from_csv,
    from_cvat,
    from_folders,
    from_label_studio,
    from_labelme,
    from_via,
    from_voc,
    from_yolo,
    recognise,
    rows_from,
)
from automl_cv_client.errors import InvalidInput, PassedOverWarning
from automl_cv_client.geometry import Rle, scale_segment
from automl_cv_client.task import Task
from tests.cli.conftest import run

DETECTION, SEGMENTATION = Task.DETECTION, Task.SEGMENTATION
IMAGE = {"id": 1, "file_name": "a.jpg", "width": 90, "height": 60}
RING = [9, 6, 54, 6, 54, 36]
SHAPE = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [9, 6, 45, 30], "segmentation": [RING], "iscrowd": 0}
CAT = {"id": 1, "name": "cat"}
BOX = (0.1, 0.1, 0.6, 0.6)


def coco(*annotations: dict[str, Any], images: Any = (IMAGE,), categories: Any = (CAT,)) -> dict[str, Any]:
    filled = [SHAPE | {"id": number} | values for number, values in enumerate(annotations, 1)]
    return {"images": list(images), "annotations": filled, "categories": list(categories)}


def read(conversion: Conversion[Any]) -> list[Any]:
    """The rows, without the warning; the report is looked at by the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PassedOverWarning)
        return list(conversion)


def boxes_of(row: Any) -> list[Any]:
    return [pytest.approx(label.box, abs=1e-9) for label in row.label]


# --- COCO


@pytest.mark.parametrize(
    "content",
    [
        coco({}, images=[IMAGE | {"id": "1"}]),
        coco({"image_id": "1"}),
        coco({"image_id": 1.0}, images=[IMAGE | {"id": " 1 "}]),
        coco({"category_id": "1"}),
        coco({"image_id": np.int64(1), "category_id": np.float64(1.0), "bbox": np.array([9, 6, 45, 30])}),
        coco({"bbox": ["9", "6.0", 45, "30,0"]}),
        coco({"iscrowd": None}),
        coco({"iscrowd": "0"}),
        coco({"iscrowd": float("nan")}),
        coco({"bbox": np.array([]), "segmentation": np.array([RING])}),
        coco({"bbox": None}),
        coco({"bbox": []}),
        coco({"bbox": (9, 6, 45, 30)}, images=[IMAGE | {"width": "90px", "height": 60.0}]),
        coco({}, images=[IMAGE, IMAGE]),
        coco({}, categories=[CAT, CAT]),
    ],
)
def test_ids_and_numbers_of_any_kind_are_read_as_meant(content):
    (row,) = read(from_coco(content))
    assert boxes_of(row) == [BOX]
    assert row.label[0].label == "cat"


def test_an_id_as_text_and_one_as_number_are_two_where_both_are_there():
    images = [IMAGE | {"id": "1", "file_name": "text.jpg"}, IMAGE]
    text, number = read(from_coco(coco({}, {"image_id": "1", "bbox": [0, 0, 90, 60]}, images=images)))
    assert (text.image_url, boxes_of(text)) == ("text.jpg", [(0, 0, 1, 1)])
    assert (number.image_url, boxes_of(number)) == ("a.jpg", [BOX])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (coco({"image_id": 99}), r"annotation 1: no image has the id 99 \(image_id\)"),
        (
            coco({}, images=[IMAGE, IMAGE | {"file_name": "b.jpg"}]),
            "image id 1 is there twice, for 'a.jpg' and 'b.jpg'",
        ),
        (coco({}, categories=[CAT, {"id": 1, "name": "dog"}]), "category id 1 is there twice, for 'cat' and 'dog'"),
        (coco({}, categories=[{"id": 1, "name": None}]), "annotation 1: the category 1 has no name"),
        (coco({"segments_info": []}), "panoptic"),
        ({"categories": [CAT]}, "it has no images; it holds categories"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_id(content, says):
    with pytest.raises(InvalidInput, match=says):
        list(from_coco(content))


@pytest.mark.parametrize(
    ("odd", "task", "reason"),
    [
        ({"bbox": None, "segmentation": None}, DETECTION, "bbox-wrong"),
        ({"bbox": [float("nan"), 1, 2, 3]}, DETECTION, "bbox-wrong"),
        ({"bbox": [9, 6, 45]}, DETECTION, "bbox-wrong"),
        ({"bbox": np.array([9, 6, 45])}, DETECTION, "bbox-wrong"),
        ({"bbox": [9, 6, -45, 30]}, DETECTION, "box-swapped"),
        ({"bbox": [9, 6, 0, 30]}, DETECTION, "box-empty"),
        ({"bbox": [100, 6, 10, 10]}, DETECTION, "box-outside"),
        ({"bbox": [9, 6, 4500, 30]}, DETECTION, "far-outside"),
        ({"bbox": [0.25, 0.5, 0.25, 0.25]}, DETECTION, "unit-unclear"),
        ({"category_id": None}, DETECTION, "category-unknown"),
        ({"category_id": 7}, DETECTION, "category-unknown"),
        ({"iscrowd": 2}, DETECTION, "crowd-unknown"),
        ({"image_id": None}, DETECTION, "image-unknown"),
        ({"segmentation": [[]]}, SEGMENTATION, "outline-empty"),
        ({"segmentation": []}, SEGMENTATION, "outline-missing"),
        ({"segmentation": None}, SEGMENTATION, "outline-missing"),
        ({"segmentation": "x"}, SEGMENTATION, "outline-wrong"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, SEGMENTATION, "outline-odd"),
        ({"segmentation": {"size": [60, 90], "counts": [1]}}, SEGMENTATION, "mask-damaged"),
        ({"segmentation": {"size": [90, 60], "counts": [5400]}}, SEGMENTATION, "mask-size"),
    ],
)
def test_one_odd_annotation_does_not_end_a_conversion(odd, task, reason):
    content = coco({}, odd, {"bbox": [0, 0, 90, 60]})
    conversion = from_coco(content, task)
    (row,) = read(conversion)
    assert len(row.label) == 2
    assert conversion.report.counts == {("annotation", reason): 1}
    (entry,) = conversion.report.passed_over
    assert "annotation 2" in entry.where
    assert f"[{reason}]" in conversion.report.text()
    with pytest.raises(InvalidInput, match="annotation 2"):
        list(from_coco(content, task, strict=True))
    with pytest.warns(PassedOverWarning, match="passed over 1 annotation"):
        list(from_coco(content, task))


@pytest.mark.parametrize(
    "shape",
    [
        RING,
        [[], RING],
        [[9, 6], [54, 6], [54, 36]],
        [[[9, 6], [54, 6], [54, 36]]],
        [np.array(RING)],
        [list(map(str, RING))],
        [[*RING, 9, 6]],
    ],
)
def test_outlines_are_read_however_they_are_nested(shape):
    (row,) = read(from_coco(coco({"segmentation": shape}), SEGMENTATION))
    assert np.allclose(row.label[0].polygon, [[0.1, 0.1, 0.6, 0.1, 0.6, 0.6, 0.1, 0.1]])


def test_masks_in_a_list_are_read_and_overlapping_parts_united():
    mask = Rle.of_polygon([RING], (90, 60))
    told = {"size": [60, 90], "counts": mask.text()}
    part = [20, 2, 80, 2, 80, 20, 20, 20]
    conversion = from_coco(coco({"segmentation": [told]}, {"segmentation": [RING, part]}), SEGMENTATION)
    (row,) = read(conversion)
    alone, both = (
        Rle.of_polygon([scale_segment(ring, (90, 60)) for ring in label.polygon], (90, 60)) for label in row.label
    )
    other = Rle.of_polygon([part], (90, 60))
    assert alone == mask
    covered = [a | b for a, b in zip(mask.column_bytes(), other.column_bytes(), strict=True)]
    assert list(both.column_bytes()) == covered
    assert any("annotation 2: its outlines overlap" in note for note in conversion.report.notes)


def test_fractions_and_pixels_are_told_apart_by_the_whole_file():
    size = {"width": 800.0, "height": 400.0}
    shares = coco(
        {"bbox": [0.25, 0.5, 0.25, 0.25]},
        {"bbox": [0, 0, 1, 1], "image_id": 2},
        images=[IMAGE | size, {**IMAGE, "id": 2}],
    )
    first, second = read(conversion := from_coco(shares))
    assert (boxes_of(first), boxes_of(second)) == ([(0.25, 0.5, 0.5, 0.75)], [(0, 0, 1, 1)])
    assert any("fractions" in note for note in conversion.report.notes)
    tiny = coco({"bbox": [400.0, 200.0, 0.8, 0.4]}, {"bbox": [0, 0, 1, 1]}, images=[IMAGE | size])
    (row,) = read(from_coco(tiny))
    assert boxes_of(row) == [(0.5, 0.5, 0.501, 0.501), (0, 0, 1 / 800, 1 / 400)]


def test_what_reaches_beyond_the_image_is_cut_and_noted():
    conversion = from_coco(coco({"bbox": [-20, 6, 65, 30]}, {"bbox": [-0.5, 0, 90.7, 60.2]}))
    (row,) = read(conversion)
    assert boxes_of(row) == [(0, 0.1, 0.5, 0.6), (0, 0, 1, 1)]
    assert len(conversion.report.notes) == 1
    assert "annotation 1: the box reaches beyond the image" in conversion.report.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("write", ["json", "csv", "xml", "txt"])
def test_files_in_any_unicode_encoding_are_read(tmp_path, encoding, write):
    if write == "json":
        (tmp_path / "a.json").write_text(json.dumps(coco({})), encoding=encoding)
        rows = rows_from(tmp_path / "a.json")
    elif write == "csv":
        (tmp_path / "a.csv").write_text("image,labels\n1.jpg,cat\n", encoding=encoding)
        rows = rows_from(tmp_path / "a.csv")
    elif write == "xml":
        (tmp_path / "a.xml").write_text(voc(), encoding=encoding)
        rows = rows_from(tmp_path / "a.xml", form="voc")
    else:
        (tmp_path / "images").mkdir()
        Image.new("RGB", (90, 60)).save(tmp_path / "images" / "a.jpg")
        (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n", encoding=encoding)
        rows = from_yolo(tmp_path / "images", tmp_path, ["cat"])
    (row,) = read(rows)
    assert row.classes() == ["cat"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_rows_in_any_unicode_encoding_are_read(tmp_path, encoding):
    rows = [{"image_url": f"{name}.jpg", "label": name} for name in ("cat", "猫")]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "rows.jsonl").write_text(text, encoding=encoding)
    assert [row.classes() for row in rows_from(tmp_path / "rows.jsonl")] == [["cat"], ["猫"]]


def test_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "a.csv").write_bytes("image,labels\n1.jpg,cat\n2.jpg,façade\n".encode("latin-1"))
    with pytest.raises(InvalidInput, match=r"a\.csv: line 3 is not UTF-8"):
        list(from_csv(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"images": [', "it is not JSON: .* in line 1, column"),
        ('{"images": [], "images": []}', "has the key 'images' twice"),
        ("[" * 100_000, "nested too deep"),
        ('[{"image_id": 1, "score": 0.5}]', "a list of predictions, which names no images"),
    ],
)
def test_what_is_no_coco_json_is_named(tmp_path, text, says):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidInput, match=says):
        list(from_coco(tmp_path / "a.json"))


# --- sizes, endings and paths


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    Image.new("RGB", (90, 60)).save(folder / "a.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (60, 90)).save(folder / "deep" / "turned.jpg", exif=turned)
    return folder


def voc(size: str = "<width>90</width><height>60</height>", name: str = "a.jpg", *edges: str) -> str:
    corners = edges or ("10", "7", "54", "36")
    told = "".join(
        f"<{tag}>{edge}</{tag}>" for tag, edge in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    )
    return (
        f"<annotation><filename>{name}</filename><size>{size}</size><object><name>cat</name><bndbox>{told}</bndbox>"
        "</object></annotation>"
    )


@pytest.mark.parametrize(
    ("size", "name"),
    [
        ("<width>0</width><height>0</height>", "a.jpg"),
        ("", "a.jpg"),
        ("<width>90</width><height>60</height>", "a"),
        ("", "a"),
        ("", "A.JPG"),
        ("", "C:\\data\\a.jpg"),
        ("", "../photos/a.jpg"),
    ],
)
def test_sizes_and_endings_come_from_the_images(tmp_path, photos, size, name):
    (tmp_path / "xml").mkdir()
    (tmp_path / "xml" / "a.xml").write_text(voc(size, name))
    if ".." not in name:
        (row,) = read(from_voc(tmp_path / "xml", images=photos))
        assert boxes_of(row) == [BOX]
        assert (row.image_details.width, row.image_details.height) == (90, 60)
        assert row.image_url.lower().endswith("a.jpg")
    if not size.startswith("<width>9") or name == "a":
        with pytest.raises(InvalidInput, match=r"a\.xml: .*--images DIR"):
            list(from_voc(tmp_path / "xml"))


def test_coco_without_sizes_needs_the_images(photos):
    content = coco({}, images=[{"id": 1, "file_name": "a.jpg"}])
    (row,) = read(from_coco(content, images=photos))
    assert boxes_of(row) == [BOX]
    with pytest.raises(InvalidInput, match=r"image 1: width and height must be pixels.*--images DIR"):
        list(from_coco(content))


def test_the_size_of_a_turned_image_is_that_of_the_upright_one(photos):
    content = coco({}, images=[{"id": 1, "file_name": "turned.jpg"}])
    (row,) = read(conversion := from_coco(content, images=photos))
    assert (row.image_details.width, row.image_details.height) == (90, 60)
    assert any("EXIF" in note for note in conversion.report.notes)


def test_images_are_found_by_the_longest_common_end(tmp_path):
    for path in (
        "1.jpg",
        "x/1.jpg",
        "z/x/1.jpg",
        "y/2.jpg",
        "y/deep/3.jpg",
        "caf\u00e9 1.jpg",
        ".git/4.jpg",
        "@eaDir/5.jpg",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    images = LocalImages(tmp_path)
    base = "azureml://datastores/d/paths/"
    for url, path in {
        "1.jpg": "1.jpg",
        "x/1.jpg": "x/1.jpg",
        "q/x/1.jpg": "x/1.jpg",
        "z/x/1.jpg": "z/x/1.jpg",
        "2.jpg": "y/2.jpg",
        "cafe\u0301%201.jpg": "caf\u00e9 1.jpg",
        "caf%C3%A9%201.jpg": "caf\u00e9 1.jpg",
    }.items():
        assert images.need(base + url) == tmp_path / path
    for url in ("q/2.jpg", "4.jpg", "5.jpg", "y/1.jpeg"):
        assert images.find(base + url) is None
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "2.jpg").touch()
    with pytest.raises(InvalidInput, match=r"two files could be '2\.jpg': 'y/2\.jpg' and 'w/2\.jpg'"):
        LocalImages(tmp_path).find("2.jpg")


# --- VOC


@pytest.mark.parametrize(
    ("edges", "box", "note"),
    [
        (("10", "7", "54", "36"), BOX, "count from 1"),
        (("0", "6", "54", "36"), (0, 0.1, 0.6, 0.6), "count from 0"),
        (("9.0", "6.0", "54.0", "36.0"), BOX, "count from 0"),
        (("9,0", "6,0", "54,0", "36,0"), BOX, "count from 0"),
        (("0.1", "0.1", "0.6", "0.6"), BOX, "fractions"),
        (("54", "36", "10", "7"), BOX, "swapped"),
    ],
)
def test_what_the_numbers_of_voc_mean_is_decided_and_noted(tmp_path, edges, box, note):
    (tmp_path / "a.xml").write_text(voc("<width>90</width><height>60</height>", "a.jpg", *edges))
    (row,) = read(conversion := from_voc(tmp_path))
    if note != "swapped":
        assert boxes_of(row) == [box]
    assert any(note in told for told in conversion.report.notes)


def test_xml_in_the_encoding_it_declares_is_read(tmp_path):
    text = '<?xml version="1.0" encoding="gb2312"?>' + voc().replace("cat", "猫")
    (tmp_path / "a.xml").write_bytes(text.encode("gb2312"))
    (row,) = read(from_voc(tmp_path))
    assert row.classes() == ["猫"]


# --- YOLO


@pytest.fixture
def yolo(tmp_path: Path, photos: Path) -> Path:
    """A data set as Roboflow lays it out; its description is the test's."""
    (tmp_path / "set" / "train" / "images").mkdir(parents=True)
    (tmp_path / "set" / "train" / "labels").mkdir()
    Image.new("RGB", (90, 60)).save(tmp_path / "set" / "train" / "images" / "a.jpg")
    (tmp_path / "set" / "train" / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n1 0.2 0.2 0.1 0.1\n")
    return tmp_path / "set"


@pytest.mark.parametrize(
    "names",
    [
        "names: ['cat', 'big dog']",
        'names: [cat, "big dog"]  # two',
        "names: [cat,\n  'big dog',\n]",
        "names:\n  - cat\n  - big dog",
        "names:\n- 'cat'\n- big dog",
        "names:\n  0: cat\n  1: big dog",
        "names:\n  1: big dog\n  0: cat",
        "names: {0: cat, 1: 'big dog'}",
        "nc: 2\nnames: [cat, big dog]\nroboflow:\n  names: [x]\ndownload: |\n  names: [y]\n",
    ],
)
def test_class_names_are_read_from_data_yaml(yolo, names):
    (yolo / "data.yaml").write_text(f"# a comment\ntrain: ../train/images\nval: ../valid/images\n\n{names}\n")
    for rows in (
        rows_from(yolo),
        from_yolo(yolo / "data.yaml"),
        from_yolo(yolo / "train" / "images", yolo / "train" / "labels", yolo / "data.yaml"),
        from_yolo(yolo / "train" / "images", yolo / "train" / "labels"),
    ):
        (row,) = read(rows)
        assert row.classes() == ["cat", "big dog"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("data.yaml", "train: ../train/images\nnc: 3\nnames: [cat, dog]\n", "nc is '3', and there are 2 names"),
        ("data.yaml", "train: ../train/images\n", "it names no classes"),
        ("data.yaml", "train: ../train/images\nnames: [cat, dog\n", "line 2: names: the . is never closed"),
        ("data.yaml", "train: ../train/images\nnames: [cat, '']\n", "the class 1 has no name"),
        ("data.yaml", "train: train/images\nkpt_shape: [17, 3]\nnames: [cat, dog]\n", "keypoints"),
        ("classes.txt", "cat\n\ndog\n", "line 2: it is empty"),
        ("classes.txt", "", "no class names"),
        ("obj.data", "classes = 2\ntrain = train.txt\nnames = data/obj.names\n", "there is no such file"),
    ],
)
def test_class_names_that_cannot_be_meant_are_refused(yolo, name, text, says):
    (yolo / name).write_text(text)
    whole = from_yolo(yolo / name)
    with pytest.raises(InvalidInput, match=says):
        list(whole if "kpt" in text else from_yolo(yolo / "train" / "images", yolo / "train" / "labels", yolo / name))


def test_lines_of_yaml_are_no_classes_whatever_the_file_is_called(yolo):
    (yolo / "classes.txt").write_text("train: ../train/images\nnames: [cat, dog]\n")
    (row,) = read(from_yolo(yolo / "train" / "images", yolo / "train" / "labels", yolo / "classes.txt"))
    assert row.classes() == ["cat", "dog"]


YOLO_BOX = (0.4, 0.3, 0.6, 0.7)


@pytest.mark.parametrize(
    "line",
    [
        "0 0.5 0.5 0.2 0.4",
        "0.000000000000000000e+00 5.0e-01 5.0e-01 2.0e-01 4.0e-01",
        "0 0.5 0.5 0.2 0.4 0.93",
        "0 0.5 0.5 0.2 0.4 0.93 17",
        "# made by a program\n0 0.5 0.5 0.2 0.4",
        "0 0.5 0.5 0.2 0.4 # cat",
        "0\t0.5\t0.5\t0.2\t0.4\r",
        "0,0.5,0.5,0.2,0.4",
        "0 0,5 0,5 0,2 0,4",
        "0; 0.5; 0.5; 0.2; 0.4",
        "0 0.4 0.3 0.6 0.3 0.6 0.7 0.4 0.7",
    ],
)
def test_lines_of_yolo_are_read_as_programs_write_them(yolo, line):
    (yolo / "train" / "labels" / "a.txt").write_text(line + "\n")
    (row,) = read(from_yolo(yolo / "train" / "images", yolo / "train" / "labels", ["cat", "dog"]))
    assert boxes_of(row) == [YOLO_BOX]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0.5 0.5 0.5 0.2 0.4", "expected a class below 2"),
        ("2 0.5 0.5 0.2 0.4", "expected a class below 2"),
        ("0 0.5 0.5 0.2", "3 numbers after the class"),
        ("0 50 30 20 24", "looks like pixels"),
        ("0 nan 0.5 0.2 0.4", "expected a class below 2"),
        ("0 0.5 0.5 0 0.4", "no width"),
        ("0 0.5 0.5 0.2 0.4 0.4 0.3 0.6 0.9", "10 numbers|keypoints|8 numbers|confidence|beyond|class below"),
        ("0 0.5 0.5 0.2 0.4 0.45 0.5 2 0.45 0.5 2", "keypoints"),
    ],
)
def test_lines_of_yolo_that_cannot_be_meant_are_told_by_file_and_line(yolo, line, says):
    (yolo / "train" / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.2 0.4\n{line}\n")
    conversion = from_yolo(yolo / "train" / "images", yolo / "train" / "labels", ["cat", "dog"], SEGMENTATION)
    (row,) = read(conversion)
    if "0.9" not in line:
        assert len(row.label) == 1
        (entry,) = conversion.report.passed_over
        assert entry.where == "a.txt, line 2"
        assert says.split("|")[0] in entry.message


@pytest.mark.parametrize("points", [["0.45", "0.5", "2"], ["0.45", "0.5", "1"]])
@pytest.mark.parametrize("count", [1, 4, 17])
def test_keypoints_are_refused_by_name(yolo, points, count):
    line = " ".join(["0 0.5 0.5 0.2 0.4", *(points * count)])
    (yolo / "train" / "labels" / "a.txt").write_text(f"{line}\n" * 3)
    with pytest.raises(InvalidInput, match=r"a\.txt, line 1: a box with keypoints behind it"):
        list(from_yolo(yolo / "train" / "images", yolo / "train" / "labels", ["cat"], SEGMENTATION))


def test_labels_without_an_image_are_reported(yolo):
    (yolo / "train" / "labels" / "b.txt").write_text("0 0.5 0.5 0.2 0.4\n" * 3)
    conversion = from_yolo(yolo / "train" / "images", yolo / "train" / "labels", ["cat", "dog"])
    assert len(read(conversion)) == 1
    assert (conversion.report.count("image"), conversion.report.count("annotation")) == (1, 3)


# --- CSV and folders


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (
            "filename, cat, dog\n1.jpg, 1, 0\n2.jpg, 0, 1\n3.jpg, 1, 1\n4.jpg, 0, 0\n",
            [["cat"], ["dog"], ["cat", "dog"], []],
        ),
        ("filename;cat;dog\n1.jpg;1;0\n", [["cat"]]),
        ("filename\tcat\tdog\n1.jpg\tTrue\tFalse\n", [["cat"]]),
        ("cat,dog,filename\n1.0,0.0,1.jpg\n", [["cat"]]),
        ('"filename","big, cat","dog"\r\n"1.jpg","yes","no"\r\n', [["big, cat"]]),
        ('image,labels\n1.jpg,"cat,dog"\n2.jpg,\n', [["cat", "dog"], []]),
        ("1.jpg,cat\n2.jpg,dog\n", [["cat"], ["dog"]]),
        ("sep=;\nimage;labels\n1.jpg;cat\n", [["cat"]]),
        ("image,labels\n1.jpg,cat;dog\n2.jpg,dog\n", [["cat", "dog"], ["dog"]]),
        ("image,labels\n1.jpg,cat|dog\n2.jpg,cow\n", [["cat|dog"], ["cow"]]),
        ("image,label\n1.jpg,0\n2.jpg,1\n", [["0"], ["1"]]),
    ],
)
def test_csv_lists_and_columns_are_told_apart(tmp_path, text, labels):
    (tmp_path / "a.csv").write_text(text)
    assert [row.classes() for row in read(from_csv(tmp_path / "a.csv"))] == labels


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1.jpg,1,0\n2.jpg,0,1\n", "the head is missing"),
        ("image,cat,dog\n1.jpg,0.93,0.02\n2.jpg,0.2,0.7\n", "the column 'cat' holds numbers, and no labels"),
        ("1.jpg,64,48,cat,8,6,40,30\n", "column 2 holds numbers"),
        ("filename,file_size,region_shape_attributes\n1.jpg,2,{}\n", "CSV file of VIA"),
        ("", "it is empty"),
        ('image,labels\n"1.jpg,cat\n2.jpg,dog\n', r"a\.csv: line 3: unexpected end of data"),
        ('image,labels\n"1.jpg,cat\n2.jpg",dog\n', r"line 3: the name of its image goes over lines"),
    ],
)
def test_csv_that_cannot_be_meant_is_refused(tmp_path, text, says):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InvalidInput, match=says):
        list(from_csv(tmp_path / "a.csv"))


def test_one_odd_line_of_csv_is_told_with_its_number(tmp_path):
    (tmp_path / "a.csv").write_text("image,cat,dog\n1.jpg,1,0\n2.jpg,7,0\n3.jpg,1\n,1,0\n4.jpg,0,1\n")
    conversion = from_csv(tmp_path / "a.csv")
    assert [row.image_url for row in read(conversion)] == ["1.jpg", "4.jpg"]
    assert [entry.where for entry in conversion.report.passed_over] == [f"a.csv, line {n}" for n in (3, 4, 5)]


@pytest.fixture
def split_folders(tmp_path: Path) -> Path:
    root = tmp_path / "flowers"
    for name in ("train/cat/1.jpg", "train/dog/2.jpg", "valid/cat/3.jpg", "test/4.jpg", "train/cat/._1.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / name)
    (root / "train" / "@eaDir").mkdir()
    Image.new("RGB", (4, 4)).save(root / "train" / "@eaDir" / "1.jpg")
    (root / "README.txt").touch()
    return root


def test_parts_of_a_split_are_no_classes(split_folders):
    conversion = from_folders(split_folders)
    assert [(row.image_url, row.label) for row in read(conversion)] == [
        ("train/cat/1.jpg", "cat"),
        ("train/dog/2.jpg", "dog"),
        ("valid/cat/3.jpg", "cat"),
    ]
    report = conversion.report
    assert report.counts == {("image", "class-missing"): 1, ("file", "side-file"): 2, ("file", "no-image"): 1}
    assert any("the parts train (2), valid (1) are in one list" in note for note in report.notes)
    assert [row.label for row in read(from_folders(split_folders, split="train"))] == ["cat", "dog"]
    assert recognise(split_folders).form == "folders"


# --- other tools


def test_shapes_that_are_no_boxes_are_read_or_named(tmp_path, photos):
    """CVAT's turned boxes and masks, Label Studio's turned rectangles and ellipses, labelme's circles and groups."""
    cvat = tmp_path / "annotations.xml"
    cvat.write_text(
        '<annotations><image id="0" name="a.jpg" width="90" height="60">'
        '<box label="cat" xtl="30" ytl="20" xbr="60" ybr="40" rotation="90.0"/>'
        '<mask label="cat" rle="1, 2, 3" left="10" top="5" width="3" height="2"/>'
        '<polyline label="cat" points="1,1;2,2"/><ellipse label="cat" cx="5" cy="5" rx="1" ry="1"/>'
        '<tag label="cat"/></image><track id="7"/></annotations>'
    )
    (row,) = read(conversion := from_cvat(cvat))
    assert boxes_of(row)[0] == (35 / 90, 15 / 60, 55 / 90, 45 / 60)
    assert boxes_of(row)[1] == (11 / 90, 5 / 60, 13 / 90, 6 / 60)
    reasons = {reason: times for (_, reason), times in conversion.report.counts.items()}
    assert reasons == {"shape-unknown": 2, "tags-not-wanted": 1, "track": 1}

    labelme = tmp_path / "a.json"
    shapes = [
        {"label": "cat", "points": [[30, 30], [40, 30]], "shape_type": "circle"},
        {"label": "dog", "points": [[0, 0], [9, 0], [9, 6]], "shape_type": "polygon", "group_id": 1},
        {"label": "dog", "points": [[45, 30], [54, 30], [54, 36]], "shape_type": "polygon", "group_id": 1},
        {"label": "cat", "points": [[1, 1]], "shape_type": "point"},
    ]
    labelme.write_text(
        json.dumps({"imagePath": "..\\photos\\a.jpg", "imageWidth": 90, "imageHeight": 60, "shapes": shapes})
    )
    (row,) = read(conversion := from_labelme(labelme, SEGMENTATION))
    assert row.image_url == "photos/a.jpg"
    assert [len(label.polygon) for label in row.label] == [1, 2]
    assert boxes_of(row)[0] == (20 / 90, 20 / 60, 40 / 90, 40 / 60)
    assert conversion.report.count("annotation") == 1


def test_label_studio_says_which_tasks_are_left_out(tmp_path):
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["cat"]}
    region = {"id": "r", "type": "rectanglelabels", "original_width": 90, "original_height": 60, "value": value}
    made = {"result": [region]}
    tasks = [
        {"id": 1, "data": {"image": "/data/local-files/?d=photos%2Fa.jpg"}, "annotations": [made]},
        {"id": 2, "data": {"image": "s3://bucket/b.jpg"}, "annotations": []},
        {"id": 3, "data": {"image": "c.jpg"}, "annotations": [made | {"was_cancelled": True}]},
        {"id": 4, "data": {"image": "d.jpg"}, "annotations": [made, made]},
        {"id": 5, "data": {"image": "e.jpg"}, "annotations": [{"result": [region | {"type": "keypointlabels"}]}]},
    ]
    (tmp_path / "a.json").write_text(json.dumps(tasks))
    conversion = from_label_studio(tmp_path / "a.json")
    rows = read(conversion)
    assert [(row.image_url, len(row.label)) for row in rows] == [("photos/a.jpg", 1), ("e.jpg", 0)]
    assert boxes_of(rows[0]) == [BOX]
    assert [entry.reason for entry in conversion.report.passed_over] == [
        "not-labelled", "not-labelled", "several-annotations", "shape-unknown",
    ]  # fmt: skip


def test_via_without_images_says_what_it_needs(tmp_path, photos):
    region = {
        "shape_attributes": {"name": "rect", "x": 9, "y": 6, "width": 45, "height": 30},
        "region_attributes": {"c": "cat"},
    }
    (tmp_path / "via.json").write_text(json.dumps({"a": {"filename": "a.jpg", "regions": {"0": region}}}))
    (row,) = read(from_via(tmp_path / "via.json", images=photos))
    assert boxes_of(row) == [BOX]
    with pytest.raises(InvalidInput, match=r"VIA does not tell sizes: .*--images DIR"):
        list(from_via(tmp_path / "via.json"))


# --- recognising, converting, the command line


def test_two_sources_in_a_folder_are_both_named(tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(coco({})))
    with pytest.raises(InvalidInput, match=r"coco in a\.json; coco in b\.json: name the one"):
        recognise(tmp_path)
    with pytest.raises(InvalidInput, match=r"a\.json, b\.json: name one"):
        rows_from(tmp_path, form="coco")


def test_convert_gives_the_report(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(coco({}, {"category_id": 9})))
    report = convert(tmp_path / "a.json", tmp_path / "out.jsonl")
    assert (report.form, report.images, report.annotations, report.count("annotation")) == ("coco", 1, 1, 1)
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 1
    with pytest.raises(InvalidInput, match="unknown form 'cocoa'"):
        convert(tmp_path / "a.json", tmp_path / "out.jsonl", form="cocoa")


def test_the_command_says_what_the_source_is_and_what_was_passed_over(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(coco({}, {"category_id": 9})))
    done = run("dataset", "convert", str(tmp_path / "a.json"), str(tmp_path / "out.jsonl"))
    assert done.code == 1
    assert "a.json is coco, by its keys images, annotations; --from overrides" in done.err
    assert "passed over 1 annotation [category-unknown]" in done.err
    assert "annotation 2: no category 9" in done.err
    strict = run("dataset", "convert", str(tmp_path / "a.json"), str(tmp_path / "strict.jsonl"), "--strict")
    assert (strict.code, (tmp_path / "strict.jsonl").exists()) == (2, False)


def test_sizes_that_rows_lack_come_from_the_images_too(tmp_path, photos):
    box = {"label": "cat", "topX": 0.1, "topY": 0.1, "bottomX": 0.6, "bottomY": 0.6}
    lines = [
        json.dumps({"image_url": name, "label": [box]}) for name in ("a.jpg", "azureml://datastores/d/paths/turned.jpg")
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    convert(
        tmp_path / "rows.jsonl",
        tmp_path / "coco.json",
        to="coco",
        images=photos,
        prefix="azureml://datastores/e/paths/",
    )
    written = json.loads((tmp_path / "coco.json").read_text())
    assert [(image["file_name"], image["width"], image["height"]) for image in written["images"]] == [
        ("a.jpg", 90, 60),
        ("turned.jpg", 90, 60),
    ]
    with pytest.raises(InvalidInput, match=r"'a\.jpg' tells no width and height: pixels need them"):
        convert(tmp_path / "rows.jsonl", tmp_path / "coco.json", to="coco")
    rows = read(rows_from(tmp_path / "rows.jsonl", prefix="azureml://datastores/e/paths/"))
    assert [row.image_url for row in rows] == [f"azureml://datastores/e/paths/{name}.jpg" for name in ("a", "turned")]


needs_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' measure of memory")

MANY = """
import re, sys
from automl_cv_client.dataset import convert
report = convert(sys.argv[1], sys.argv[2])
# Not ru_maxrss: a child starts with its parent's.
print(report.images, re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@needs_linux
@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_hundred_thousand_rows_are_converted_in_less_than_100_mb(tmp_path, form):
    line = {"csv": 'images/%d.jpg,"cat,dog"\n', "jsonl": '{"image_url": "images/%d.jpg", "label": ["cat", "dog"]}\n'}[
        form
    ]
    source = tmp_path / f"many.{form}"
    source.write_text(("image,labels\n" if form == "csv" else "") + "".join(line % n for n in range(100_000)))
    command = [sys.executable, "-c", MANY, str(source), str(tmp_path / "out.jsonl")]
    images, peak = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert images == 100_000
    assert peak / 1024 < 100


@pytest.mark.parametrize("layout", ["{part}/images", "images/{part}", "{part}"])
def test_parts_without_a_description_keep_their_names(tmp_path, layout):
    """Both parts have an a.jpg: the rows must not be of one image."""
    for part in ("train", "valid"):
        images = tmp_path / layout.format(part=part)
        images.mkdir(parents=True)
        Image.new("RGB", (90, 60)).save(images / "a.jpg")
        labels = tmp_path / layout.format(part=part).replace("images", "labels")
        labels.mkdir(parents=True, exist_ok=True)
        (labels / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    (tmp_path / "classes.txt").write_text("cat\n")
    rows = read(rows_from(tmp_path))
    assert [row.image_url for row in rows] == [f"{layout.format(part=part)}/a.jpg" for part in ("train", "valid")]
    (row,) = read(rows_from(tmp_path, split="val"))
    assert row.image_url == layout.format(part="valid") + "/a.jpg"
    with pytest.raises(InvalidInput, match="no part 'test'"):
        list(rows_from(tmp_path, split="test"))


def test_two_images_that_could_be_meant_are_both_named(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        Image.new("RGB", (90, 60)).save(tmp_path / "photos" / folder / "a.jpg")
    (tmp_path / "xml").mkdir()
    (tmp_path / "xml" / "a.xml").write_text(voc(""))
    for conversion in (
        from_voc(tmp_path / "xml", images=tmp_path / "photos"),
        from_coco(coco({}, images=[{"id": 1, "file_name": "a.jpg"}]), images=tmp_path / "photos"),
    ):
        with pytest.raises(InvalidInput, match=r"two files could be 'a\.jpg': '[xy]/a\.jpg' and '[xy]/a\.jpg'"):
            list(conversion)
    (tmp_path / "xml" / "a.xml").write_text(voc("").replace("<filename>", "<folder>y</folder><filename>"))
    (row,) = read(from_voc(tmp_path / "xml", images=tmp_path / "photos"))
    assert (row.image_url, boxes_of(row)) == ("y/a.jpg", [BOX])

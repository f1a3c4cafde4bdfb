"""Conversions keep boxes, outlines with holes, crowds and classes, there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from automl_cv_client.dataset import (
    DetectionRow,
    MultilabelRow,
    Row,
    SegmentationRow,
    from_coco,
    from_csv,
    from_folders,
    from_voc,
    from_yolo,
    read_jsonl,
    row_of,
    split,
    to_coco,
    to_csv,
    to_voc,
    to_yolo,
    write_mltable,
)
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Rle, even_odd_area, outlines, scale_segment
from automl_cv_client.task import Task

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools' own

DETAILS = {"format": "png", "width": 200, "height": 100}
SQUARE = [0.1, 0.1, 0.5, 0.1, 0.5, 0.9, 0.1, 0.9, 0.1, 0.1]
HOLE = [0.2, 0.3, 0.4, 0.3, 0.4, 0.7, 0.2, 0.7, 0.2, 0.3]
APART = [0.6, 0.2, 0.9, 0.2, 0.9, 0.4, 0.6, 0.2]


ONE = {
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 1, 1]}],
    "categories": [{"id": 1, "name": "cat"}],
}


def boxes_row(name: str = "1.png") -> Any:
    boxes = [
        {"label": "cat", "topX": 0.125, "topY": 0.25, "bottomX": 0.5, "bottomY": 1.0, "isCrowd": False},
        {"label": "dög", "topX": 0.0, "topY": 0.0, "bottomX": 1.0, "bottomY": 0.5, "isCrowd": True},
    ]
    return row_of({"image_url": name, "image_details": DETAILS, "label": boxes})


def outlines_row(*polygon: list[float], crowd: bool = False) -> Any:
    label = [{"label": "cat", "isCrowd": crowd, "polygon": list(polygon)}]
    return row_of({"image_url": "1.png", "image_details": DETAILS, "label": label})


def mask_of_row(row: SegmentationRow) -> np.ndarray:
    """The pixels inside, even-odd, at 200x100."""
    return pixels_of(Rle.of_polygon([scale_segment(part, (200, 100)) for part in row.label[0].polygon], (200, 100)))


def pixels_of(mask: Rle) -> np.ndarray:
    return decoded({"size": [mask.height, mask.width], "counts": list(mask.counts)})


def decoded(rle: dict[str, Any]) -> np.ndarray:
    return np.asarray(coco_mask.decode(coco_mask.frPyObjects(rle, *rle["size"])))


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_masks_become_polygons_and_masks_again_exactly(density):
    random = np.random.default_rng(int(density * 10))
    for _ in range(60):
        height, width = random.integers(1, 15, 2).tolist()
        mask = (random.random((height, width)) < density).astype(np.uint8)
        encoded = coco_mask.encode(np.asfortranarray(mask))
        rle = Rle.from_coco({"size": [height, width], "counts": encoded["counts"]})
        assert rle.area == mask.sum()
        assert all(part[:2] == part[-2:] for part in outlines(rle))
        assert Rle.of_polygon(outlines(rle), (width, height)) == rle
        assert np.array_equal(pixels_of(rle), mask)


def test_large_counts_and_real_shapes_decode_as_pycocotools_does():
    y, x = np.mgrid[:480, :640]
    ring = (((x - 300) ** 2 + (y - 200) ** 2 < 150**2) & ((x - 320) ** 2 + (y - 210) ** 2 > 60**2)).astype(np.uint8)
    encoded = coco_mask.encode(np.asfortranarray(ring))
    polygons = outlines(Rle.from_coco({"size": [480, 640], "counts": encoded["counts"].decode()}))
    assert len(polygons) == 2
    assert even_odd_area(polygons) == ring.sum()
    assert np.array_equal(pixels_of(Rle.of_polygon(polygons, (640, 480))), ring)


@pytest.mark.parametrize("counts", ["~~", "0", [5], [3, -1, 2], "\u00e9", "o", None, ["x"]])
def test_damaged_masks_are_refused(counts):
    with pytest.raises(InvalidInput, match="a run-length mask is damaged"):
        Rle.from_coco({"size": [2, 3], "counts": counts})


def test_a_mask_is_the_one_that_results_are_written_with():
    """Where an edge crosses a pixel's middle, tools differ: one outline must not have two masks here."""
    polygon = [0.0, 0.0, 0.833, 0.127, 0.471, 0.913, 0.0, 0.0]
    (written,) = to_coco([outlines_row(polygon, crowd=True)])["annotations"]
    expected = Rle.of_polygon([scale_segment(polygon, (200, 100))], (200, 100))
    assert written["segmentation"] == {"size": [100, 200], "counts": list(expected.counts)}
    assert Rle.from_coco(written["segmentation"]).area == decoded(written["segmentation"]).sum()


def test_boxes_survive_coco(tmp_path):
    row = boxes_row("images/1.png")
    to_coco([row], tmp_path / "coco.json")
    assert list(from_coco(tmp_path / "coco.json")) == [row]
    with _quiet():
        assert len(COCO(str(tmp_path / "coco.json")).anns) == 2  # the reference reads the file


class _quiet:
    """pycocotools prints as it reads."""

    def __enter__(self) -> None:
        import contextlib
        import io

        self.caught = contextlib.redirect_stdout(io.StringIO())
        self.caught.__enter__()

    def __exit__(self, *how: object) -> None:
        self.caught.__exit__(None, None, None)


def test_outlines_without_holes_stay_polygons_in_coco():
    row = outlines_row(SQUARE, APART)
    content = to_coco([row])
    assert len(content["annotations"][0]["segmentation"]) == 2
    (again,) = from_coco(content, Task.SEGMENTATION)
    assert isinstance(again, SegmentationRow)
    assert np.allclose(np.concatenate(again.label[0].polygon), SQUARE + APART)


@pytest.mark.parametrize(("polygon", "crowd"), [((SQUARE, HOLE), False), ((SQUARE,), True)])
def test_holes_and_crowds_go_through_coco_as_masks(polygon, crowd):
    row = outlines_row(*polygon, crowd=crowd)
    content = to_coco([row])
    assert content["annotations"][0]["segmentation"]["size"] == [100, 200]
    (again,) = from_coco(content, Task.SEGMENTATION, prefix="azureml://datastores/d/paths/")
    assert isinstance(again, SegmentationRow)
    assert again.image_url == "azureml://datastores/d/paths/1.png"
    assert again.label[0].crowd is crowd
    assert len(again.label[0].polygon) == len(polygon)
    assert np.array_equal(mask_of_row(again), mask_of_row(row))
    area = float(decoded(content["annotations"][0]["segmentation"]).sum())
    assert content["annotations"][0]["area"] == pytest.approx(area)


@pytest.mark.parametrize(
    ("annotation", "says"),
    [
        ({"category_id": 9, "bbox": [0, 0, 1, 1]}, "annotation 5: no category 9"),
        ({"category_id": 1, "bbox": [0, 0, 1]}, "annotation 5: bbox must be"),
        ({"category_id": 1}, "annotation 5: bbox must be"),
        ({"category_id": 1, "bbox": ["a", 0, 1, 1]}, "annotation 5: bbox must be"),
    ],
)
def test_damaged_coco_is_refused_with_the_annotation(annotation, says):
    content = {
        "images": [{"id": 1, "file_name": "1.png", "width": 4, "height": 4}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 5, "image_id": 1, **annotation}],
    }
    with pytest.raises(InvalidInput, match=says):
        list(from_coco(content))


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (None, "annotation 5: no segmentation"),
        ([[0, 0, "x", 1]], "annotation 5: segmentation must be lists of numbers"),
        ({"counts": [16]}, "annotation 5: a run-length mask is damaged: expected"),
        ({"size": [2, 2], "counts": [4]}, "annotation 5: its mask is not of the image's size"),
    ],
)
def test_damaged_outlines_of_coco_are_refused_with_the_annotation(shape, says):
    content = {
        "images": [{"id": 1, "file_name": "1.png", "width": 4, "height": 4}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 1, "segmentation": shape}],
    }
    with pytest.raises(InvalidInput, match=says):
        list(from_coco(content, Task.SEGMENTATION))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"images": [{"id": 1, "file_name": "1.png", "height": 4}], **ONE}, "image 1: width and height must be pixels"),
        ({"images": [{"id": 1, "file_name": "1.png", "width": 0, "height": 4}], **ONE}, "image 1: width and height"),
        ({"images": [{"id": 1, "width": 4, "height": 4}]}, "image 1: no file_name"),
        ({"images": {"1": "1.png"}}, "not a COCO file: images must be a list"),
        ({"annotations": ["x"]}, "not a COCO file: annotations must be a list"),
    ],
)
def test_what_is_no_coco_file_is_refused(content, says):
    with pytest.raises(InvalidInput, match=says):
        list(from_coco(content))


def test_a_folder_or_task_that_is_not_there_is_named(tmp_path, images):
    nowhere = tmp_path / "nowhere"
    for rows in (from_voc(nowhere), from_yolo(nowhere, tmp_path, ["cat"]), from_yolo(images, nowhere, ["cat"])):
        with pytest.raises(InvalidInput, match="no such folder: 'nowhere'"):
            next(rows)
    unknown = "detection"
    readers: list[Iterator[Row]] = [from_coco({}, unknown), from_yolo(images, tmp_path, [], unknown)]
    for unread in (*readers, read_jsonl([], task=unknown)):
        with pytest.raises(InvalidInput, match="unknown task 'detection': use one of image-classification,"):
            next(unread)


def test_an_outline_that_encloses_nothing_has_no_line_in_yolo(tmp_path):
    to_yolo([outlines_row(SQUARE), outlines_row([0.1, 0.1, 0.5, 0.5, 0.1, 0.1])], tmp_path)
    assert [len((tmp_path / name).read_text().splitlines()) for name in ("1.txt", "1-2.txt")] == [1, 0]


def test_sizes_are_needed_where_pixels_are_written(tmp_path):
    row = row_of({"image_url": "1.png", "label": []}, Task.DETECTION)
    for write in (lambda: to_coco([row]), lambda: to_voc([row], tmp_path)):
        with pytest.raises(InvalidInput, match=r"'1\.png' tells no width and height"):
            write()


def test_boxes_survive_voc(tmp_path):
    rows = [boxes_row("1.png"), boxes_row("2.png")]
    assert to_voc(rows, tmp_path) == 2
    assert list(from_voc(tmp_path)) == rows
    assert "<xmin>26</xmin>" in (tmp_path / "1.xml").read_text(), "pixels count from 1"


OBJECT = (
    "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></object>"
    "</annotation>"
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<annotation>", "no element found"),
        ("<annotation><filename>a.jpg</filename><size><width>4</width></size>" + OBJECT, "<size> must tell width and"),
        ("<annotation><object/></annotation>", "<filename> is missing"),
        ("<annotations/>", "not <annotation>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "declares a document type"),
        (
            "<annotation><filename>a.jpg</filename><size><width>a</width><height>1</height></size>" + OBJECT,
            "it tells a x 1",
        ),
    ],
)
def test_damaged_voc_is_refused_with_the_file(tmp_path, text, says):
    (tmp_path / "1.xml").write_text(text)
    with pytest.raises(InvalidInput, match=rf"1\.xml: .*{says}"):
        list(from_voc(tmp_path))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (200, 100)).save(folder / "1.png")
    Image.new("RGB", (200, 100)).save(folder / "2.png")
    return folder


def test_boxes_survive_yolo_without_their_crowds(tmp_path, images):
    row = boxes_row()
    assert to_yolo([row], tmp_path / "labels") == ["cat"]
    first, second = from_yolo(images, tmp_path / "labels", tmp_path / "labels" / "classes.txt")
    assert isinstance(first, DetectionRow)
    assert first.label == row.label[:1]
    assert first.image_details == row.image_details
    assert second.label == ()  # type: ignore[attr-defined]


@pytest.mark.parametrize("polygon", [(SQUARE,), (SQUARE, HOLE), (SQUARE[:-2], HOLE[:-2]), (SQUARE, HOLE, APART)])
def test_outlines_and_holes_survive_yolos_single_ring(tmp_path, images, polygon):
    row = outlines_row(*polygon)
    to_yolo([row], tmp_path / "labels")
    first, _ = from_yolo(images, tmp_path / "labels", ["cat"], Task.SEGMENTATION)
    assert isinstance(first, SegmentationRow)
    assert len(first.label[0].polygon) == 1
    assert np.array_equal(mask_of_row(first), mask_of_row(row))


@pytest.mark.parametrize(
    "line", ["1 0.5 0.5 0.1 0.1", "cat 0.5 0.5 0.1 0.1", "0 0.5", "0 a b c d", "-1 0.5 0.5 0.1 0.1"]
)
def test_damaged_yolo_is_refused_with_file_and_line(tmp_path, images, line):
    (tmp_path / "1.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(InvalidInput, match=r"1\.txt, line 2: expected a class below 1"):
        list(from_yolo(images, tmp_path, ["cat"], strict=True))


def test_names_from_outside_stay_in_the_folder(tmp_path):
    rows = [boxes_row(name) for name in ("../../a.png", "x/a.png", "..", "classes.jpg")]
    to_yolo(rows, tmp_path / "labels")
    to_voc(rows, tmp_path / "voc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels", "voc"]
    assert len(list((tmp_path / "voc").iterdir())) == 4
    assert (tmp_path / "labels" / "classes.txt").read_text() == "cat\n"


def test_folders_tell_classes(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / label / "deep").mkdir(parents=True)
        Image.new("RGB", (40, 20)).save(tmp_path / label / "deep" / "1.png")
    (tmp_path / "cat" / "notes.txt").touch()
    (tmp_path / ".cache").mkdir()
    rows = list(from_folders(tmp_path, prefix="azureml://datastores/d/paths/"))
    assert [(row.image_url, row.label) for row in rows] == [
        ("azureml://datastores/d/paths/cat/deep/1.png", "cat"),
        ("azureml://datastores/d/paths/dog/deep/1.png", "dog"),
    ]
    assert rows[0].image_details is not None
    assert (rows[0].image_details.width, rows[0].image_details.height) == (40, 20)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no images in class folders below 'empty'"):
        list(from_folders(tmp_path / "empty"))


def test_labels_survive_csv_and_no_cell_is_a_formula(tmp_path):
    labels = [("cat", "dog"), (), ("=cmd|' /C calc'!A0",), ("'quoted", "-1"), ('a "b"\nc',)]
    rows = [MultilabelRow(image_url=f"{n}.jpg", label=label) for n, label in enumerate(labels)]
    assert to_csv(rows, tmp_path / "a.csv", separator=";") == 5
    assert list(from_csv(tmp_path / "a.csv", separator=";")) == rows
    assert ",=cmd" not in (tmp_path / "a.csv").read_text()
    with pytest.raises(InvalidInput, match="holds the separator"):
        to_csv([MultilabelRow(image_url="a", label=("a,b",))], tmp_path / "b.csv")


def test_csv_with_a_column_a_label(tmp_path):
    (tmp_path / "a.csv").write_text("image,l1,l2\n1.jpg,cat,dog\n2.jpg,cat,\n")
    assert [row.label for row in from_csv(tmp_path / "a.csv")] == [("cat", "dog"), ("cat",)]
    (tmp_path / "b.csv").write_text("image,l1\n1.jpg,cat\n,dog\n")
    with pytest.raises(InvalidInput, match=r"b\.csv, line 3: no image"):
        list(from_csv(tmp_path / "b.csv"))


def test_a_split_keeps_the_share_of_each_class():
    labels = ["cat"] * 50 + ["dog"] * 20 + ["cow"] * 5 + ["emu"]
    rows = [row_of({"image_url": f"{n}.jpg", "label": label}) for n, label in enumerate(labels)]
    training, validation = split(rows, 0.2, seed=3)
    counted = [row.classes()[0] for row in validation]
    assert {label: counted.count(label) for label in ("cat", "dog", "cow", "emu")} == {
        "cat": 10,
        "dog": 4,
        "cow": 1,
        "emu": 0,
    }
    assert sorted((*training, *validation), key=lambda row: int(row.image_url[:-4])) == rows
    assert split(rows, 0.2, seed=3) == (training, validation)
    assert split(rows, 0.2, seed=4)[1] != validation


def test_a_split_of_several_labels_keeps_images_whole():
    random = np.random.default_rng(1)
    names = np.array(["a", "b", "c", "d"])
    rows = [
        row_of(
            {"image_url": f"{n // 2}.jpg", "label": names[random.random(4) < (0.6, 0.3, 0.1, 0.05)].tolist()},
            Task.MULTILABEL,
        )
        for n in range(400)
    ]
    training, validation = split(rows, 0.25)
    assert not {row.image_url for row in training} & {row.image_url for row in validation}
    for name in names:
        held = [len([row for row in side if name in row.classes()]) for side in (training, validation)]
        assert held[1] / sum(held) == pytest.approx(0.25, abs=0.1)
    with pytest.raises(InvalidInput, match="share between 0 and 1"):
        split(rows, 1.5)


def test_the_mltable_file_names_the_rows_beside_it(tmp_path):
    text = write_mltable(tmp_path / "train.jsonl").read_text()
    assert (tmp_path / "MLTable").is_file()
    assert "- file: ./train.jsonl\n" in text
    assert "column_type: stream_info" in text
    with pytest.raises(InvalidInput, match="choose a plain one"):
        write_mltable(tmp_path / "a: b.jsonl")


def test_a_chain_from_coco_to_training_files(tmp_path):
    content = to_coco([boxes_row(f"{n}.png") for n in range(10)])
    (tmp_path / "coco.json").write_text(json.dumps(content))
    from automl_cv_client.dataset import check, write_jsonl

    training, validation = split(from_coco(tmp_path / "coco.json"), 0.2)
    write_jsonl(training, tmp_path / "train.jsonl")
    write_jsonl(validation, tmp_path / "validation.jsonl")
    report = check(tmp_path / "train.jsonl", validation=tmp_path / "validation.jsonl", strict=True)
    assert (report.ok, report.rows, report.validation_rows) == (True, 8, 2)
    assert list(read_jsonl(tmp_path / "train.jsonl", strict=True)) == training

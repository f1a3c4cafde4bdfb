"""The files of other tools are read as meant: one folder a tool and format, all of the same three images.

Those called after datumaro, globox, Label Studio, pylabel and supervision were written by these tools; the others have
the form that the tool documents.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import dataset, formats
from automl_cv_client.dataset import recognise, rows_from
from automl_cv_client.errors import PassedOverWarning

TOOLS = Path(__file__).parent / "tools"
SIZES = {"a.jpg": (64, 48), "b.jpg": (48, 64), "c.jpg": (64, 48)}
BOXES: dict[str, list[tuple[Any, ...]]] = {
    "a.jpg": [("cat", 8, 6, 40, 30), ("big dog", 20, 12, 60, 44)],
    "b.jpg": [("cat", 4, 8, 24, 40)],
    "c.jpg": [],
}
FORMS = {
    "azureml-coco": "coco",
    "azureml-jsonl": "jsonl",
    "custom-vision": "custom-vision",
    "cvat-images": "cvat",
    "datumaro-coco": "coco",
    "datumaro-cvat": "cvat",
    "datumaro-json": "datumaro",
    "datumaro-voc": "voc",
    "datumaro-yolo": "yolo",
    "fiftyone-labels": "fiftyone",
    "fiftyone-samples": "fiftyone",
    "globox-coco": "coco",
    "globox-labelme": "labelme",
    "globox-via": "via",
    "label-studio-coco": "coco",
    "label-studio-json": "label-studio",
    "label-studio-json-min": "label-studio",
    "label-studio-voc": "voc",
    "label-studio-yolo": "yolo",
    "pylabel-coco": "coco",
    "pylabel-voc": "voc",
    "roboflow-coco": "coco",
    "roboflow-csv": "csv",
    "roboflow-voc": "voc",
    "roboflow-yolo": "yolo",
    "supervision-coco": "coco",
    "supervision-voc": "voc",
    "supervision-yolo": "yolo",
    "ultralytics": "yolo",
    "via-project": "via",
}
IMAGES_WITHIN = {"roboflow-yolo": ("train/images",), "ultralytics": ("images/train", "images/val")}
"""Data sets whose description says where the images are."""

ROWS_OF_EMPTY = {"datumaro-voc", "label-studio-voc", "roboflow-csv"}
"""These leave out images without objects."""

COUNTS_FROM_ZERO = {"label-studio-voc", "pylabel-voc"}
"""VOC files of whole numbers that count from 0, with nothing that tells: a pixel more, and noted."""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, size in SIZES.items():
        Image.new("RGB", size).save(folder / name)
    return folder


def test_every_folder_is_tried():
    assert {folder.name for folder in TOOLS.iterdir()} == set(FORMS) | {"roboflow-classes"}


@pytest.mark.parametrize("tool", FORMS)
def test_what_a_tool_wrote_is_recognised_and_read(tool, images, tmp_path):
    source = tmp_path / tool
    shutil.copytree(TOOLS / tool, source)
    places = IMAGES_WITHIN.get(tool, ())
    for place in places:
        (source / place).mkdir(parents=True)
    for name in SIZES if places else ():
        part = places[0] if name == "a.jpg" else places[-1]
        shutil.copy(images / name, source / part / name)
    assert recognise(source).form == FORMS[tool]
    rows = rows_from(source, images=None if places else images)
    with warnings.catch_warnings():
        if tool == "pylabel-coco":  # writes an annotation twice
            warnings.simplefilter("ignore", PassedOverWarning)
        read = {row.image_url.rpartition("/")[2]: row for row in rows}
    assert set(SIZES) - set(read) <= ({"c.jpg"} if tool in ROWS_OF_EMPTY else set())
    tolerance = 1.01 if tool in COUNTS_FROM_ZERO else 0.01
    for name, row in read.items():
        width, height = SIZES[name]
        boxes = [(item.label, item.box.to_pixels((width, height))) for item in row.annotated().objects]
        assert [label for label, _ in boxes] == [label for label, *_ in BOXES[name]]
        for (_, box), (_, *edges) in zip(boxes, BOXES[name], strict=True):
            assert list(box) == pytest.approx(edges, abs=tolerance)
        size = row.annotated().size
        assert size is None or size == (width, height)
    assert rows.report.count("image") == 0
    assert rows.report.counts.get(("annotation", "annotation-repeated"), 0) == (tool == "pylabel-coco")
    assert rows.report.annotations == 3
    assert any("count from 1" in note for note in rows.report.notes) == (
        FORMS[tool] == "voc" and tool != "datumaro-voc"
    )


def test_a_column_a_class_is_recognised_and_read():
    rows = rows_from(TOOLS / "roboflow-classes")
    assert [row.classes() for row in rows] == [["big dog", "cat"], ["cat"], []]


@pytest.mark.parametrize("split", ["train", "val", "valid"])
def test_one_part_of_a_data_set_is_read(split, images, tmp_path):
    source = tmp_path / "set"
    shutil.copytree(TOOLS / "ultralytics", source)
    for name, part in (("a.jpg", "train"), ("b.jpg", "val")):
        (source / "images" / part).mkdir(parents=True)
        shutil.copy(images / name, source / "images" / part / name)
    (row,) = rows_from(source / "data.yaml", split=split)
    assert row.image_url == ("images/train/a.jpg" if split == "train" else "images/val/b.jpg")


PAGE = Path(__file__).parents[2] / "docs" / "dataset.md"
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8")
    .partition("### What it reads")[2]
    .partition("Class folders")[0]
    .splitlines()
    if line.startswith("|") and "---" not in line
][1:]


def slug(tool: str) -> str:
    return {"Azure ML data labelling": "azureml"}.get(tool, tool.split(" (")[0].lower().replace(" ", "-"))


@pytest.mark.parametrize("cells", TABLE, ids=lambda cells: f"{cells[0]}: {cells[1]}")
def test_each_line_of_the_table_in_the_docs_is_held(cells):
    """Some folder here is of the tool and the format; it is read by the function named, and the writers are there."""
    tool, _, form, reader, writer, _ = cells
    folders = [name for name, read_as in FORMS.items() if name.startswith(slug(tool)) and read_as == form.strip("`")]
    assert folders
    assert callable(getattr(dataset, reader.strip("`")))
    if writer:
        name = writer.strip("`")
        assert callable(getattr(dataset, name, None) or getattr(formats, name))


def test_every_folder_is_in_the_table():
    told = {(slug(cells[0]), cells[2].strip("`")) for cells in TABLE}
    for name, form in FORMS.items():
        assert any(name.startswith(tool) and form == read_as for tool, read_as in told), name


LOST: dict[str, tuple[str, str, str, str]] = {
    "cvat": ("cvat-images", "annotations.xml", "</image>", '<cuboid label="cat"/></image>'),
    "datumaro": ("datumaro-json", "annotations/train.json", '"annotations":[', '{"type":"points","label_id":0},'),
    "labelme": (
        "globox-labelme",
        "a.json",
        '"shapes": [',
        '{"label": "cat", "points": [[1, 1]], "shape_type": "point"},',
    ),
    "via": ("via-project", "via_project.json", '"regions": [', '{"shape_attributes": {"name": "point"}},'),
    "label-studio": ("label-studio-json", "export.json", '"result": [', '{"type": "keypointlabels"},'),
    "fiftyone": ("fiftyone-labels", "labels.json", '"a": [', '{"label": 0},'),
}
"""Of a format: a file, a place in it, and what is put in (before the place in XML, behind it in JSON)."""


@pytest.mark.parametrize("form", LOST)
def test_what_is_lost_is_reported(form, images, tmp_path):
    """A shape that there is no task for, in the tool's own file."""
    tool, path, place, put_in = LOST[form]
    shutil.copytree(TOOLS / tool, tmp_path / tool)
    text = (tmp_path / tool / path).read_text()
    assert place in text
    filled = put_in if form == "cvat" else place + put_in
    (tmp_path / tool / path).write_text(text.replace(place, filled, 1))
    rows = rows_from(tmp_path / tool, form=form, images=images)
    with pytest.warns(PassedOverWarning, match="passed over 1 annotation"):
        list(rows)
    assert rows.report.annotations == 3

"""Damaged sources: a right reading, or our own error; whatever was in them is in a row or in the report."""

from __future__ import annotations

import json
import random
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from automl_cv_client.dataset import Conversion, Row, rows_from
from automl_cv_client.errors import InvalidInput, PassedOverWarning
from automl_cv_client.formats.reading import decoded

pytestmark = pytest.mark.bar(31)

TOOLS = Path(__file__).parent / "tools"
IN_EVERY_RUN = 200
SLOW = 3_000
ODD = (
    b"null", b"true", b"[]", b"{}", b'""', b"-1", b"1e999", b"NaN", b"1e-320", b"99999999999999999999999", b'"\xff"',
    b"0", b'"1"', b"[[]]", b"\\ud800", b"1,5", b"\x00", b"\xef\xbb\xbf", b"\n\n", b";", b"#", b"..", b"\r",
)  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with a few faults: bits flipped, a part cut, doubled or replaced."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(content) + 1)
        length = chance.choice((1, 1, 2, 5, 20, 100))
        kind = chance.randrange(6)
        if kind == 0 and place < len(content):
            content = content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]
        elif kind == 1:
            content = content[:place]
        elif kind == 2:
            content = content[:place] + content[place + length :]
        elif kind == 3:
            content = content[:place] + content[place : place + length] + content[place:]
        elif kind == 4:
            content = content[:place] + chance.choice(ODD) + content[place + length :]
        else:
            content = replaced_number(content, chance)
    return content


def replaced_number(content: bytes, chance: random.Random) -> bytes:
    """The content with one of its numbers replaced, which leaves it well formed as a rule."""
    numbers = list(re.finditer(rb"\d+(\.\d+)?", content))
    if not numbers:
        return content
    found = chance.choice(numbers)
    return content[: found.start()] + chance.choice(ODD[:13]) + content[found.end() :]


def objects_of_json(*keys: str) -> Callable[[Path], int]:
    """Counts what the lists under a path of keys hold, independently of the readers."""

    def count(file: Path) -> int:
        values: list[Any] = [json.loads(decoded(file.read_bytes(), file.name))]
        for key in keys:
            entries = [entry for value in values for entry in (value if isinstance(value, list) else [value])]
            values = [entry.get(key) for entry in entries if isinstance(entry, dict)]
            values = [list(value.values()) if isinstance(value, dict) else value for value in values]
        return sum(len(value) for value in values if isinstance(value, list))

    return count


def objects_of_xml(tag: str) -> Callable[[Path], int]:
    def count(file: Path) -> int:
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", decoded(file.read_bytes(), file.name))
        return sum(1 for _ in ElementTree.fromstring(text).iter(tag))

    return count


def lines_of_text(file: Path) -> int:
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return sum(bool(line.partition("#")[0].strip()) for line in lines)


CASES: dict[str, tuple[str, str, Callable[[Path], int] | None]] = {
    "coco": ("datumaro-coco", "annotations/instances_train.json", objects_of_json("annotations")),
    "azureml-coco": ("azureml-coco", "labels.json", objects_of_json("annotations")),
    "voc": ("roboflow-voc", "a.xml", None),
    "cvat": ("cvat-images", "annotations.xml", objects_of_xml("box")),
    "datumaro": ("datumaro-json", "annotations/train.json", objects_of_json("items", "annotations")),
    "label-studio": ("label-studio-json", "export.json", None),
    "labelme": ("globox-labelme", "a.json", None),
    "via": ("via-project", "via_project.json", objects_of_json("_via_img_metadata", "regions")),
    "fiftyone": ("fiftyone-labels", "labels.json", None),
    "custom-vision": ("custom-vision", "tagged.json", objects_of_json("regions")),
    "csv": ("roboflow-csv", "_annotations.csv", None),
    "csv-one-hot": ("roboflow-classes", "_classes.csv", None),
    "yolo": ("label-studio-yolo", "labels/a.txt", lines_of_text),
    "yolo-yaml": ("roboflow-yolo", "data.yaml", None),
    "jsonl": ("azureml-jsonl", "labeledDatapoints.jsonl", None),
}
"""A format: a folder of a tool, the file in it that is damaged, and what counts its objects."""

FORMS = {"azureml-coco": "coco", "csv-one-hot": "csv", "yolo-yaml": "yolo"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        Image.new("RGB", (64, 48)).save(folder / name)
    return folder


def reading(name: str, source: Path, images: Path) -> Conversion[Row]:
    form = FORMS.get(name, name)
    task = {"csv-one-hot": "image-classification-multilabel", "csv": "image-object-detection"}.get(name)
    return rows_from(source, form=form, task=task, images=images)


def read_damaged(name: str, source: Path, damaged: Path, images: Path) -> None:
    """Read a damaged source. Fails on errors of others, and on objects that are neither in rows nor reported."""
    try:
        conversion = reading(name, source, images)
        rows = list(conversion)
    except InvalidInput:
        return
    report = conversion.report
    assert report.images == len(rows)
    assert report.annotations == sum(len(row.classes()) for row in rows)
    assert report.text()
    json.dumps(report.as_dict(), allow_nan=False)
    for row in rows:
        json.dumps(row.to_json(), allow_nan=False)
        for item in row.annotated().objects:
            assert name == "jsonl" or all(0 <= edge <= 1 for edge in item.box)  # rows of their own stay as they are
    count = CASES[name][2]
    if count is not None:
        others = 1 if name == "yolo" else 0  # b.txt
        whole = report.annotations + report.count("annotation") == count(damaged) + others
        assert whole or any("annotations of one group" in note for note in report.notes)  # of datumaro


def run(name: str, images: Path, folder: Path, times: int) -> None:
    tool, path, _ = CASES[name]
    source = folder / "source"
    shutil.copytree(TOOLS / tool, source)
    damaged = source / path
    whole = damaged.read_bytes()
    for seed in range(times):
        damaged.write_bytes(mutated(whole, random.Random(f"{name} {seed}")))
        try:
            read_damaged(name, source, damaged, images)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {damaged.read_bytes()!r}") from error


@pytest.fixture(autouse=True)
def _without_the_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PassedOverWarning)
        yield


@pytest.mark.parametrize("name", CASES)
def test_damaged_sources_are_read_or_refused(name, images, tmp_path):
    run(name, images, tmp_path, IN_EVERY_RUN)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_many_damaged_sources_are_read_or_refused(name, images, tmp_path):
    run(name, images, tmp_path, SLOW)

"""Every kind of fault in a training file is found, with its line and words of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client.dataset import check
from automl_cv_client.errors import InvalidInput

CORPUS = [json.loads(line) for line in (Path(__file__).parent / "samples" / "faults.jsonl").read_text().splitlines()]
BOX = {"label": "can", "topX": 0.1, "topY": 0.2, "bottomX": 0.5, "bottomY": 0.6}
SQUARE = [0.1, 0.1, 0.4, 0.1, 0.4, 0.4, 0.1, 0.1]
GOOD_LABEL = {
    "image-classification": "can",
    "image-classification-multilabel": ["can"],
    "image-object-detection": [BOX],
    "image-instance-segmentation": [{"label": "can", "polygon": [SQUARE]}],
}


def good(task: str, name: str = "good.jpg") -> str:
    return json.dumps({"image_url": f"azureml://datastores/d/paths/{name}", "label": GOOD_LABEL[task]})


def test_the_corpus_has_fifty_bad_lines():
    assert len(CORPUS) >= 50
    assert len({corpu["line"] for corpu in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("bad", CORPUS, ids=lambda bad: f"{bad['code']}: {bad['says'][:30]}")
def test_each_bad_line_has_its_own_message_with_its_line(bad):
    lines = [good(bad["task"]), good(bad["task"], "second.jpg"), bad["line"], good(bad["task"], "last.jpg")]
    report = check(lines, task=bad["task"])
    (found,) = report.found
    assert (found.line, found.code) == (3, bad["code"])
    assert bad["says"] in found.message
    assert f"line 3: {found.message}" in report.text()
    assert report.ok is (found.severity != "error")


def test_different_faults_have_different_messages():
    said: dict[str, set[str]] = {}
    for bad in CORPUS:
        (found,) = check([good(bad["task"], "a.jpg"), good(bad["task"], "b.jpg"), bad["line"]], task=bad["task"]).found
        said.setdefault(found.message, set()).add(bad["code"])
    assert all(len(codes) == 1 for codes in said.values())


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"image_url": "1.jpg", "label": [{"label": "cat", "topX": "missing"}]}', "value-wrong"),
        ('{"image_url": "1.jpg", "label": [{"label": "cat", "topX": "not JSON"}]}', "value-wrong"),
        ('{"image_url": "1.jpg", "label": [{"label": "cat", "topX": 0}]}', "key-missing"),
        ('{"image_url": "1.jpg"}', "key-missing"),
        ("[]", "not-a-row"),
        ("{", "not-json"),
    ],
)
def test_the_code_of_a_row_that_cannot_be_read_does_not_hang_on_its_words(line, code):
    assert [problem.code for problem in check([line], task="image-object-detection").found] == [code]


def test_a_good_file_has_no_faults():
    report = check([good("image-object-detection", f"{n}.jpg") for n in range(5)])
    assert report.ok
    assert report.found == ()
    assert (report.rows, report.labels, report.images) == (5, {"can": 5}, {"can": 5})
    assert report.text().endswith("no errors")


@pytest.mark.parametrize(
    ("rows", "says"),
    [(1, "1 row, 1 class\n  can 1 label in 1 image #"), (2, "2 rows, 1 class\n  can 2 labels in 2 images #")],
)
def test_one_is_not_counted_as_several(rows, says):
    text = check([good("image-object-detection", f"{n}.jpg") for n in range(rows)]).text()
    assert says in re.sub(" +", " ", text).replace("\n ", "\n  ")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, color in enumerate(("red", "green", "blue", "red")):
        Image.new("RGB", (40, 20), color).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no image")
    return folder


def row(name: str, **details: object) -> str:
    values = {"image_url": f"azureml://datastores/d/paths/deep/{name}", "label": "can"}
    return json.dumps(values | ({"image_details": details} if details else {}))


@pytest.mark.parametrize(
    ("lines", "code", "says"),
    [
        ([row("9.png")], "file-missing", "no file for"),
        ([row("broken.png")], "file-unreadable", "no image"),
        ([row("0.png", width=41, height=20)], "size-disagrees", "says 41x20, the file is 40x20"),
        ([row("0.png", width="20px", height="40px")], "size-turned", "stored 40x20"),
        ([row("0.png", format="jpg")], "format-disagrees", "'png'"),
        ([row("0.png"), row("3.png")], "image-duplicate", "line 1 already (same content)"),
        ([row("0.png"), row("0.png")], "image-duplicate", "line 1 already (same image_url)"),
        ([row("../../secret.png")], "file-missing", "no file for"),
    ],
)
def test_the_images_are_looked_at(photos, lines, code, says):
    report = check([*lines, row("1.png", width="40px", height=20, format="png"), row("2.png")], images=photos)
    (found,) = report.found
    assert (found.code, found.line) == (code, len(lines))
    assert says in found.message


def test_a_image_in_both_halves_of_a_split_is_found_by_content(photos):
    report = check([row("0.png"), row("1.png")], images=photos, validation=[row("2.png"), row("3.png")])
    (found,) = [problem for problem in report.found if problem.code == "split-leakage"]
    assert (found.file, found.line, found.severity) == ("validation the lines given", 2, "error")
    assert "same content, line 1" in found.message
    assert (report.rows, report.validation_rows) == (2, 2)
    assert not report.ok


def test_the_balance_of_the_classes_is_told():
    lines = [json.dumps({"image_url": f"{n}.jpg", "label": "cat"}) for n in range(40)]
    lines += [json.dumps({"image_url": f"d{n}.jpg", "label": "dog"}) for n in range(40)]
    lines += [json.dumps({"image_url": f"c{n}.jpg", "label": "cow"}) for n in range(3)]
    lines += [json.dumps({"image_url": "e.jpg", "label": "emu"})]
    report = check(lines)
    assert [(problem.code, problem.line, problem.severity) for problem in report.found] == [
        ("class-rare", 81, "note"),
        ("class-once", 84, "warning"),
    ]


def test_of_many_faults_of_a_kind_the_first_are_kept_and_all_are_counted():
    report = check(["nonsense"] * 500)
    assert report.counts == {"not-json": 500}
    assert len(report.found) == 50
    assert "… and 450 more of [not-json]" in report.text()
    assert report.text().endswith("500 errors")
    assert check(["nonsense"]).text().endswith("\n1 error")


def test_labels_from_outside_cannot_speak_to_the_terminal():
    hostile = "\x1b]0;owned\x07\x1b[31m\u202e\r\n"
    report = check([json.dumps({"image_url": f"a.jpg{hostile}", "label": hostile})])
    assert "\x1b" not in report.text()
    assert "\u202e" not in report.text()
    assert "\r" not in report.text()
    assert json.loads(report.to_json())["labels"] == {hostile: 1}


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="no such folder of images: 'gone'"):
        check([row("0.png")], images=tmp_path / "gone")


needs_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' measure of memory")

MANY = """
import re, sys
from automl_cv_client.dataset import check
row = ('{"image_url": "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/images/%d.jpg",'
       '"image_details": {"format": "jpg", "width": "499px", "height": "666px"}, "label": [{"label": "can",'
       '"topX": 0.26, "topY": 0.406, "bottomX": 0.735, "bottomY": 0.701, "isCrowd": 0}]}')
report = check(row % n for n in range(int(sys.argv[1])))
# Not ru_maxrss: a child starts with its parent's.
print(report.rows, report.ok, re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def _checked(rows: int) -> tuple[int, bool, float]:
    """Rows read, whether all is well, and the most memory of the whole process in MB."""
    done = subprocess.run([sys.executable, "-c", MANY, str(rows)], capture_output=True, text=True, check=True)
    read, ok, peak = done.stdout.split()
    return int(read), ok == "True", int(peak) / 1024


@needs_linux
def test_rows_are_checked_as_a_stream():
    read, ok, peak = _checked(10_000)
    assert (read, ok) == (10_000, True)
    assert peak < 90


@needs_linux
@pytest.mark.slow
def test_a_hundred_thousand_rows_are_checked_in_less_than_100_mb():
    read, ok, peak = _checked(100_000)
    assert (read, ok) == (100_000, True)
    assert peak < 100


def boxes(*labels: dict[str, Any], name: str = "1.jpg", **details: object) -> str:
    filled = [BOX | label for label in labels]
    return json.dumps({"image_url": name, "label": filled} | ({"image_details": details} if details else {}))


def test_class_names_that_look_alike_are_told_with_their_lines():
    names = ("cat", "cat", "cat ", "Cat", "caf\u00e9", "cafe\u0301", "dog")
    report = check([boxes({"label": name}, name=f"{n}.jpg") for n, name in enumerate(names)])
    alike = [(finding.line, finding.message) for finding in report.found if finding.code == "class-alike"]
    assert sorted(line for line, _ in alike) == [3, 4, 5]
    assert any("the class 'Cat' is not 'cat', from which it differs by case" in message for _, message in alike)


@pytest.fixture
def odd_images(tmp_path: Path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    noise = Image.effect_noise((200, 100), 90).convert("RGB")
    for number in range(5):  # all different
        noise.putpixel((0, 0), (number, 0, 0))
        noise.save(folder / f"{number}.jpg", quality=95)
    for kind, name in (("JPEG", "cut.jpg"), ("PNG", "cut.png"), ("WEBP", "cut.webp")):
        noise.save(folder / name, kind)
        (folder / name).write_bytes((folder / name).read_bytes()[:-2000])
    noise.save(folder / "really.jpg", "WEBP")
    turned = Image.Exif()
    turned[0x0112] = 6
    noise.save(folder / "turned.jpg", exif=turned)
    return folder


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("cut.jpg", "file-truncated", "'cut.jpg' is damaged"),
        ("cut.png", "file-truncated", "'cut.png' is damaged"),
        ("cut.webp", "file-unreadable", "no image that can be read"),
        ("really.jpg", "ending-disagrees", "the file is 'webp', its name ends in 'jpg': rename it"),
        ("turned.jpg", "image-turned", "orientation is 6: classification, Faster R-CNN, RetinaNet and Mask R-CNN"),
    ],
)
def test_what_is_wrong_with_an_image_file_is_found(odd_images, name, code, says):
    report = check([row("0.jpg"), row(name), row("1.jpg")], images=odd_images)
    (message,) = [finding.message for finding in report.found if (finding.line, finding.code) == (2, code)]
    assert says in message


def test_two_files_that_could_be_the_image_are_an_error_with_both_names(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / folder / "1.png")
    report = check([json.dumps({"image_url": "1.png", "label": "can"})], images=tmp_path)
    (message,) = [finding.message for finding in report.found if finding.code == "file-ambiguous"]
    assert "'x/1.png'" in message
    assert "'y/1.png'" in message


@pytest.mark.parametrize("details", [{}, {"width": 800, "height": 400}])
def test_boxes_divided_twice_are_found_by_the_whole_file(details):
    twice = {"topX": 0.0001, "topY": 0.0002, "bottomX": 0.0011, "bottomY": 0.002}
    report = check([boxes(twice, name=f"{n}.jpg", **details) for n in range(3)])
    (finding,) = [finding for finding in report.found if finding.code == "boxes-twice-normalised"]
    assert (finding.line, finding.severity) == (1, "error")
    assert "divided by width and height twice? convert them again" in finding.message
    once = check([boxes(twice, **details), boxes({}, name="2.jpg", **details), boxes(twice, name="3.jpg", **details)])
    assert "boxes-twice-normalised" not in once.counts
    assert once.counts.get("box-tiny", 0) == (2 if details else 0)


def test_nearly_equal_boxes_are_told():
    near: dict[str, Any] = {"topX": 0.101, "bottomX": 0.502}
    report = check([boxes({}, near), boxes({}, {"label": "cup", **near}, name="2.jpg"), boxes({}, {"topX": 0.3})])
    assert [finding.line for finding in report.found if finding.code == "box-near"] == [1, 2]
    assert any("of another class ('can')" in finding.message for finding in report.found)


def test_a_class_in_one_half_of_a_split_only_is_told():
    training = [boxes({"label": name}, name=f"{n}.jpg") for n, name in enumerate(("can", "can", "cup", "cup"))]
    validation = [boxes({"label": name}, name=f"v{n}.jpg") for n, name in enumerate(("can", "jug"))]
    report = check(training, validation=validation)
    found = {(finding.file, finding.line): finding.message for finding in report.found if "one-sided" in finding.code}
    assert "'jug' is not in the lines given, so no model learns it" in found["validation the lines given", 2]
    assert "'cup' is not in validation the lines given, so no metric" in found["the lines given", 3]

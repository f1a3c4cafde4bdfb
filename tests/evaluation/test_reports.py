"""Reports hold what was measured, load nothing, and let no label take effect."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client.dataset import row_of
from automl_cv_client.errors import InvalidInput
from automl_cv_client.evaluation import compare, evaluate
from automl_cv_client.task import Task
from tests.conftest import PHOTOS
from tests.evaluation.made import boxes_row, classification, detections, instances, multilabel, polygons_row

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'); alert(1); ('",
    "</title><style>@import 'https://evil.example/x.css'</style>",
    "</svg><iframe src=https://evil.example></iframe>",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) | a | `b`",
    "\x1b]0;owned\x07\x1b[2J",
    "\u202egnp.exe\u2066",
    "=cmd|' /C calc'!A0",
    "line\nbreak\r\x00",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
]


class Seen(HTMLParser):
    """Every tag and attribute of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.words += data


PLAIN_TAGS = """html head meta title style body h1 h2 section table tr th td div p b br figure figcaption img
svg text rect path polyline"""
KNOWN = set(PLAIN_TAGS.split())


def assert_harmless(page: str) -> Seen:
    seen = Seen(page)
    assert set(seen.tags) <= KNOWN
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("href", "srcset", "action")]
    assert all(value.startswith("data:image/jpeg;base64,") for name, value in seen.attributes if name == "src")
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import", re.search(r"<style>(.*?)</style>", page, re.S)[1])  # type: ignore[index]
    return seen


def hostile_reports() -> Iterator[Any]:
    rows = [row_of({"image_url": f"{i}{label}", "label": label}) for i, label in enumerate(HOSTILE)]
    wrong = {row.image_url: classification(**{HOSTILE[i - 1]: 0.9, HOSTILE[i]: 0.1}) for i, row in enumerate(rows)}
    yield evaluate(wrong, rows, name=HOSTILE[0])
    many = [row_of({"image_url": f"{i}{label}", "label": [label]}, Task.MULTILABEL) for i, label in enumerate(HOSTILE)]
    yield evaluate({row.image_url: multilabel(**dict.fromkeys(HOSTILE, 0.6)) for row in many}, many)
    boxes = [boxes_row(f"{i}{label}", (label, (0.1, 0.1, 0.5, 0.5))) for i, label in enumerate(HOSTILE)]
    found = {row.image_url: detections((HOSTILE[i - 1], 0.9, (0.1, 0.1, 0.5, 0.5))) for i, row in enumerate(boxes)}
    yield evaluate(found, boxes, name=HOSTILE[1])
    yield compare(labels=rows, predictions=(wrong, wrong), deployments=(HOSTILE[0], HOSTILE[3]), draws=30)


@pytest.mark.parametrize("number", range(4))
def test_hostile_labels_stay_text(number):
    report = list(hostile_reports())[number]
    seen = assert_harmless(report.html())
    assert "alert(1)" in seen.words
    for text in (report.text(), report.markdown()):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\u2066]", text)
    assert "<script" not in report.markdown()
    assert "](" not in report.markdown()
    json.loads(report.to_json())


@pytest.fixture(scope="module")
def photo_report():
    """The photographs as detections with one miss and one invention, without a model."""
    rows = [boxes_row("x/coffee.png", ("cup", (0.28, 0.05, 0.7, 0.77)), ("spoon", (0.54, 0.17, 0.71, 0.82)))]
    found = {"coffee.png": detections(("cup", 0.9, (0.29, 0.06, 0.69, 0.74)), ("cat", 0.8, (0.0, 0.0, 0.3, 0.3)))}
    return evaluate(found, rows, images=PHOTOS, name="made by hand")


def test_the_page_shows_the_mistakes_as_images(photo_report):
    seen = assert_harmless(photo_report.html())
    assert seen.tags.count("img") == 2
    assert seen.tags.count("svg") == 2
    assert "missed 'spoon'; invented 'cat'" in seen.words
    assert len(photo_report.html()) < 400_000


def test_images_with_masks_and_without_a_file(tmp_path):
    square = (0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9)
    rows = [
        polygons_row("coffee.png", ("cup", [square]), ("crowd", [square], "crowd")),
        polygons_row("gone.png", ("cup", [square])),
    ]
    found = {"coffee.png": instances(), "gone.png": instances(("cat", 0.9, [square]))}
    seen = assert_harmless(evaluate(found, rows, images=PHOTOS).html())
    assert seen.tags.count("img") == 2
    assert "not at hand" in seen.words


@pytest.mark.parametrize("ending", [".html", ".json", ".md", ".txt"])
def test_the_ending_says_what_is_written(photo_report, tmp_path, ending):
    file = photo_report.save(tmp_path / f"report{ending}")
    text = file.read_text(encoding="utf-8")
    assert "made by hand" in text
    if ending == ".json":
        assert json.loads(text)["metrics"]["recall"] == 0.5
    with pytest.raises(InvalidInput, match=r"end it in \.html, \.json, \.md, \.txt"):
        photo_report.save(tmp_path / "report.pdf")


def test_a_metric_that_is_not_there_names_those_that_are(photo_report):
    with pytest.raises(KeyError, match="no metric 'map': there are mAP"):
        photo_report["map"]


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def opened(page: Path, folder: Path) -> tuple[Path, str]:
    """A screenshot of a page in headless Chromium, and the log of all that it asked the network for."""
    shot, log = folder / "shot.png", folder / "net.json"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    files = [f"--user-data-dir={folder / 'profile'}", f"--screenshot={shot}", f"--log-net-log={log}"]
    asked = subprocess.run([str(CHROMIUM), *flags, *files, page.as_uri()], capture_output=True, timeout=120)
    assert asked.returncode == 0, asked.stderr[-500:]
    return shot, log.read_text(encoding="utf-8", errors="replace")


in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@in_a_browser
@pytest.mark.slow
def test_a_browser_shows_the_page(photo_report, tmp_path):
    from PIL import Image

    shot, _ = opened(photo_report.save(tmp_path / "report.html"), tmp_path)
    with Image.open(shot) as image:
        assert len(image.convert("RGB").resize((64, 64)).getcolors(4096) or []) > 20


@in_a_browser
@pytest.mark.slow
def test_a_browser_is_led_to_no_other_place(tmp_path):
    for number, report in enumerate(hostile_reports()):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert "evil.example" not in opened(report.save(folder / "report.html"), folder)[1]
    control = tmp_path / "control.html"
    control.write_text('<img src="https://evil.example/x.png">')
    assert "evil.example" in opened(control, tmp_path)[1]


def test_samples_are_labelled_and_whole():
    from automl_cv_client.dataset import check

    files = sorted((Path(PHOTOS) / "labels").glob("*.jsonl"))
    assert files
    for file in files:
        assert check(file, images=PHOTOS, strict=True).ok, file.name

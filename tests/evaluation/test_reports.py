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
svg text rect path polyline dl dt dd details summary main label input select option output span script"""
KNOWN = set(PLAIN_TAGS.split())


def assert_harmless(page: str) -> Seen:
    seen = Seen(page)
    assert set(seen.tags) <= KNOWN
    assert seen.tags.count("script") == 2, "the data and our own, which the policy names by its hash"
    assert "script-src 'sha256-" in page
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
    """The photos as detections with one miss and one invention, without a model."""
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


def test_the_head_says_what_was_measured():
    rows = [boxes_row("1.png", ("cup", (0.1, 0.1, 0.5, 0.5)))]
    found = {"1.png": detections(("cup", 0.9, (0.1, 0.1, 0.5, 0.5)))}
    report = evaluate(found, rows, threshold=0.4, name="green", endpoint="https://e.example/score")
    words = Seen(report.html()).words
    for told in ("https://e.example/score", "green", "image-object-detection", "0.4", report.made[:10], "UTC"):
        assert told in words
    assert report.as_dict()["threshold"] == 0.4
    assert "objects are found and placed" in words, "what the numbers mean"


def test_numbers_at_another_threshold_are_those_of_a_report_there():
    labelled = (("cup", (0.1, 0.1, 0.5, 0.5)), ("cat", (0.6, 0.1, 0.9, 0.5)), ("dog", (0, 0, 1, 1), "crowd"))
    rows = [boxes_row(f"{i}.png", *labelled) for i in range(20)]
    found = {
        f"{i}.png": detections(
            ("cup", 0.03 + i / 21, (0.1, 0.1, 0.5, 0.45)),
            ("dog", 0.9 - i / 25, (0.6, 0.1, 0.9, 0.5)),
            ("cat", 0.02 + i / 40, (0.6, 0.1, 0.9, 0.5)),
            ("cow", i / 20, (0.0, 0.6, 0.2, 0.9)),
        )
        for i in range(20)
    }
    many = [row_of({"image_url": f"{i}", "label": ["a"] if i % 3 else ["a", "b"]}, Task.MULTILABEL) for i in range(20)]
    said = {str(i): multilabel(a=i / 20, b=1 - i / 21, c=0.3) for i in range(20)}
    for predictions, labels in ((found, rows), (said, many)):
        whole = evaluate(predictions, labels)
        assert [scores.threshold for scores in whole.at_thresholds] == pytest.approx([i / 20 for i in range(1, 20)])
        for scores in whole.at_thresholds[::3]:
            there = evaluate(predictions, labels, threshold=scores.threshold)
            names = [("precision", "micro precision"), ("recall", "micro recall"), ("F1", "micro F1")]
            for name, micro in names:
                assert scores.metrics[name] == pytest.approx(there.metrics.get(name, there.metrics.get(micro)))
            for label in there.classes:
                if label.label in scores.classes:
                    assert scores.classes[label.label]["F1"] == pytest.approx(label.values["F1"])


def test_a_comparison_says_what_only_one_finds():
    rows = [boxes_row("coffee.png", ("cup", (0.1, 0.1, 0.5, 0.5)))]
    a = {"coffee.png": detections(("cup", 0.62, (0.1, 0.1, 0.5, 0.5)))}
    b = {"coffee.png": detections(("cup", 0.35, (0.1, 0.1, 0.5, 0.5)))}
    page = compare(labels=rows, predictions=(a, b), deployments=("blue", "green"), draws=30, images=PHOTOS).html()
    assert "only blue finds &#x27;cup&#x27; above 0.5" in page
    assert "1 of 1 images" in page


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, or a skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(photo_report: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Addresses of a report, of one with many classes and long names, and of a comparison."""
    folder = tmp_path_factory.mktemp("pages")
    rows = [
        boxes_row("coffee.png", *((f"a class with a long name, number {i}", (0.1, 0.1, 0.5, 0.5)) for i in range(30)))
    ]
    found = {
        "coffee.png": detections(
            *((f"a class with a long name, number {i}", i / 30, (0.1, 0.1, 0.5, 0.5)) for i in range(30))
        )
    }
    classes = [row_of({"image_url": f"{i}.png", "label": "cat" if i % 2 else "dog"}) for i in range(12)]
    said = {row.image_url: classification(cat=0.6 + i / 40, dog=0.4 - i / 40) for i, row in enumerate(classes)}
    made = {
        "report": photo_report,
        "many": evaluate(found, rows, images=PHOTOS, name="green", endpoint="https://endpoint.example/score"),
        "classes": evaluate(said, classes),
        "comparison": compare(labels=rows, predictions=(found, {"coffee.png": detections()}), draws=30, images=PHOTOS),
    }
    return {name: report.save(folder / f"{name}.html").as_uri() for name, report in made.items()}


def page_of(browser: Any, address: str, width: int = 1200, scheme: str = "light") -> tuple[Any, list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def test_the_slider_and_the_choice_of_a_class_work_offline_and_by_keyboard(browser, pages, photo_report):
    page, complaints = page_of(browser, pages["report"])
    cell = page.locator("td[data-at]").nth(1)  # the recall of all
    assert (page.locator("#at").inner_text(), cell.inner_text()) == ("0.50", "0.500")
    page.locator("#threshold").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    assert (page.locator("#at").inner_text(), cell.inner_text()) == ("0.95", "0.000")
    page.locator("#class").select_option(label="spoon")
    assert page.locator("#shown").inner_text() == "1 shown"
    assert page.locator("figure:visible").count() == 1
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("dl.means").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#threshold").is_hidden()
    assert complaints == []
    page.close()


@pytest.mark.parametrize("name", ["report", "many", "classes", "comparison"])
def test_no_page_is_wider_than_a_phone(browser, pages, name):
    page, complaints = page_of(browser, pages[name], width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["report", "many", "classes", "comparison"])
def test_axe_finds_nothing(browser, pages, name, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    page, _ = page_of(browser, pages[name], width=900, scheme=scheme)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 23, 27)"
    )
    # The script of axe itself is let past the page's policy by the browser's devtools.
    found = axe.run(page).response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"][:200]) for violation in found] == []
    page.close()


def test_samples_are_labelled_and_whole():
    from automl_cv_client.dataset import check

    files = sorted((Path(PHOTOS) / "labels").glob("*.jsonl"))
    assert files
    for file in files:
        assert check(file, images=PHOTOS, strict=True).ok, file.name

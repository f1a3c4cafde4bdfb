"""Labels and names from outside never escape into HTML, CSV, XML or a path."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from automl_cv_client.formats import csv_of, file_name, write_files
from tests.formats.results import HOSTILE, classification, detections

pytestmark = pytest.mark.bar(22)

TEMPLATES = ["{}", "{}{}", " {}", "a{}", "{} b", "{}\n{}", "\u200b{}", "'{}", '"{}']
CORPUS = [template.replace("{}", text) for template in TEMPLATES for text in HOSTILE]
"""More than 480 texts."""
EXPECTED_TAGS = {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "img"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_decl(self, decl):
        raise AssertionError(decl)

    def handle_pi(self, data):
        raise AssertionError(data)


@pytest.mark.parametrize("label", HOSTILE, ids=range(len(HOSTILE)))
def test_html(label):
    for result in (detections(label, source=None), classification(label, "b")):
        parser = Tags()
        parser.feed(result._repr_html_())
        parser.close()
        assert set(parser.tags) <= EXPECTED_TAGS
        assert parser.attributes == []
        assert not any(ord(letter) < 32 and letter not in "\n\t\r" for letter in parser.text)
        result._repr_html_().encode("utf-8")


def test_html_of_the_whole_corpus_is_a_table():
    parser = Tags()
    parser.feed(detections(*CORPUS, source=None)._repr_html_())
    assert set(parser.tags) <= EXPECTED_TAGS
    assert parser.tags.count("tr") == 21
    assert "more" in parser.text


def test_csv():
    found = detections(*CORPUS, source=None)
    rows = list(csv.DictReader(io.StringIO(found.to_csv(), newline="")))
    assert len(rows) == len(CORPUS)
    for row, detection in zip(rows, found, strict=True):
        written = row["label"]
        assert written.lstrip(" \ufeff\u200b\u00a0")[:1] not in tuple("=+-@\t\r\n|%＝＋")
        assert written.removeprefix("'") in (
            detection.label.replace("\0", ""),
            detection.label.replace("\0", "").removeprefix("'"),
        )
        assert float(row["score"]) == detection.score
    assert csv_of([{"path": "=x", "n": -1.5}], ["path", "n"]) == "path,n\r\n'=x,-1.5\r\n"


def test_xml():
    found = detections(*CORPUS, source="<&>.png")
    for text in (found.to_voc(), found.to_cvat()):
        text.encode("utf-8")
        root = ET.fromstring(text)
        assert len(list(root.iter("object"))) + len(list(root.iter("box"))) == len(CORPUS)
    honest = detections("a<b>&\"c'", "]]>")
    assert [e.findtext("name") for e in ET.fromstring(honest.to_voc()).iter("object")] == ["a<b>&\"c'", "]]>"]


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_file_names(text, tmp_path):
    name = file_name(text, ".txt")
    assert Path(name).name == name
    assert "\\" not in name
    assert not name.startswith(".")
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    (tmp_path / name).write_text("x")
    assert (tmp_path / name).is_file()


def test_files_stay_in_their_folder(tmp_path):
    several = [detections(*HOSTILE, source=text.replace("\0", "")) for text in HOSTILE]
    inside = tmp_path / "inside"
    for format in ("yolo", "voc"):
        paths = write_files(several, inside, format)
        assert len(set(paths)) == len(several)
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {inside}
    classes = (inside / "classes.txt").read_text().split("\n")[:-1]
    assert len(classes) == len(set(HOSTILE)), "one line a class"

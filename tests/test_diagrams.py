"""The diagrams of the guides are those that docs/make_diagrams.py draws, and their texts stay inside."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from docs.make_diagrams import DIAGRAMS, WIDTH, Diagram, path_of
from tests.pages import pages

NARROWEST = 6.1  # pixels per letter of a proportional font at 13 px, a little less than seen
each_diagram = pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.__name__)


@each_diagram
def test_the_file_is_what_the_script_draws(diagram):
    assert path_of(diagram.__name__).read_text(encoding="utf-8") == diagram().svg(), "run: python -m docs.make_diagrams"


@each_diagram
def test_one_page_shows_it_with_a_text_for_those_who_cannot_see_it(diagram):
    shown = [re.search(rf"!\[([^\]]+)\]\(images/{path_of(diagram.__name__).name}\)", page.text) for page in pages()]
    assert [len(match[1]) > 40 for match in shown if match] == [True]


@each_diagram
def test_all_of_it_is_inside(diagram):
    assert cut_off(diagram()) == []


def test_a_text_that_is_cut_off_would_be_found():
    wide = Diagram("wide", 100)
    wide.text(300, 20, "far more than fits beside it")
    assert cut_off(wide) == ["far more than fits beside it"]


def cut_off(diagram: Diagram) -> list[str]:
    texts = ElementTree.fromstring(diagram.svg()).iter("{http://www.w3.org/2000/svg}text")
    return [str(text.text) for text in texts if not is_inside(text, diagram.height)]


def is_inside(text: ElementTree.Element, height: float) -> bool:
    letter = 7.85 if text.get("class") in ("code", "error") else NARROWEST
    width = len(str(text.text)) * letter
    left = float(text.get("x", "")) - (width / 2 if text.get("text-anchor") == "middle" else 0)
    return left >= 0 and left + width <= WIDTH and float(text.get("y", "")) <= height - 5

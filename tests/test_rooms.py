"""The image and the table of docs/design.md say what the imports say."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from xml.etree import ElementTree

import pytest

from docs.make_rooms import IMAGE, ORDER, arrows_of_the_source, drawn_of, image
from tests.test_layering import PACKAGE, ROWS, SOURCE, imports_of, row_of, source_files

DESIGN = (IMAGE.parents[1] / "design.md").read_text(encoding="utf-8")
ON_THE_REGISTRY = {"pillow": "PIL"}  # where the table's word is not the module's


def table() -> list[list[str]]:
    """The rows of the table of rooms: number, rooms, what it does, libraries."""
    lines = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", DESIGN, re.MULTILINE)
    return [list(line) for line in lines]


def rooms_in(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def drawn(kind: str) -> set[tuple[str, str]]:
    tree = ElementTree.parse(IMAGE)
    return {
        (element.get("data-from", ""), element.get("data-to", ""))
        for element in tree.iter()
        if element.get("class") == kind
    }


def test_the_image_is_that_of_the_imports():
    assert IMAGE.read_text(encoding="utf-8") == image(), "run: python -m docs.make_rooms"
    arrows = arrows_of_the_source()
    assert drawn("arrow") == drawn_of(arrows)
    assert [set(names) for names in ORDER] == list(ROWS)


def test_what_is_left_out_follows_from_what_is_drawn():
    arrows = arrows_of_the_source()
    below = defaultdict(set)
    for room, other in drawn_of(arrows):
        below[room].add(other)

    def reached(room: str) -> set[str]:
        return set().union(*({other} | reached(other) for other in below.get(room, set())))

    assert all(other in reached(room) for room, other in arrows)
    assert len(drawn_of(arrows)) < len(arrows)


def test_only_what_follows_is_left_out():
    assert drawn_of({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    assert drawn_of({("a", "b"), ("a", "c")}) == {("a", "b"), ("a", "c")}


def test_the_image_is_in_the_page_and_names_every_room():
    assert f"](images/{IMAGE.name})" in DESIGN
    named = {element.get("data-room") for element in ElementTree.parse(IMAGE).iter() if element.get("class") == "room"}
    assert named == {room for row in ROWS for room in row}


def test_the_table_has_every_room_in_its_row():
    found = [(int(row), room) for row, rooms, _, _ in table() for room in rooms_in(rooms)]
    assert sorted(found) == sorted((row_of(room), room) for row in ROWS for room in row)
    assert [row for row, _ in found] == sorted(row for row, _ in found)


@pytest.mark.parametrize("line", table(), ids=lambda line: line[1])
def test_the_table_names_the_libraries_at_the_top_of_files(line):
    _, rooms, _, cell = line
    words = set(re.findall(r"\w+", cell.partition("(")[0].partition(", in one")[0])) - {"none"}
    said = {ON_THE_REGISTRY.get(word, word) for word in words}
    found = set()
    for room in rooms_in(rooms):
        for file in source_files():
            if file.relative_to(SOURCE).parts[0].removesuffix(".py") == room:
                imports = imports_of(ast.parse(file.read_text(encoding="utf-8")))
                found |= {imported.module.split(".")[0] for imported in imports if imported.at_top}
    assert said == found - {PACKAGE} - sys.stdlib_module_names

"""The tree at the top of errors.py, and those on the pages of errors and of the design, are the classes there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl_cv_client import errors
from automl_cv_client._protocol.statuses import _KINDS

DOCS = Path(__file__).parents[1] / "docs"
DESIGN = (DOCS / "design.md").read_text(encoding="utf-8")
PAGE = (DOCS / "errors.md").read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]


def bases() -> dict[str, str]:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [label for label in classes if issubclass(label, errors.AutoMLVisionError)]
    return {kind.__name__: kind.__base__.__name__ for kind in kinds if kind.__base__ is not None}


def drawn(text: str) -> dict[str, str]:
    """Each class and the one above it, by how far they are indented."""
    above: list[tuple[int, str]] = [(-1, "Exception")]
    found = {}
    for line in text.splitlines():
        name = re.match(r"[\s|*x+.'├└│─-]*([A-Z]\w+)", line)
        if name is None:
            continue
        depth = name.start(1)
        while above[-1][0] >= depth:
            above.pop()
        found[name[1]] = above[-1][1]
        above.append((depth, name[1]))
    return found


def test_the_tree_in_the_file_is_that_of_the_classes():
    text = str(errors.__doc__)
    tree = drawn(text[text.index("    * ") : text.index("\n\nEvery error")])
    assert tree == bases()


def test_the_tree_on_the_design_page_names_every_class():
    tree = DESIGN[DESIGN.index("```\nAutoMLVisionError") : DESIGN.index("Errors hold plain values, never")]
    assert set(re.findall(r"[A-Z][a-z]\w+|AutoMLVisionError", tree)) >= set(bases())


def test_the_tree_on_the_page_of_errors_is_that_of_the_classes():
    assert drawn(PAGE) == bases()


def test_the_page_of_errors_names_the_statuses_of_each_class():
    told = {
        int(status): name
        for name, numbers in re.findall(r"─ (\w+) +((?:\d{3}(?:, )?)+)$", PAGE, re.MULTILINE)
        for status in numbers.split(", ")
    }
    assert told == {status: kind.__name__ for status, kind in _KINDS.items()}


@pytest.mark.parametrize("text", ["* AutoMLVisionError\n  x ImageError", "* AutoMLVisionError\n  x InvalidInput"])
def test_a_wrong_tree_would_be_found(text):
    assert drawn(text) != bases()

"""The code of docs/web.md and docs/testing.md runs and prints what the pages say."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.test_readme import Block, python_blocks, reader, says_the_same

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("web.md", "testing.md")
BLOCKS = [(page, block) for page in PAGES for block in python_blocks((DOCS / page).read_text(encoding="utf-8"))]
__all__ = ["reader"]  # a fixture


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=lambda one: one if isinstance(one, str) else f"{one.line}")
@pytest.mark.usefixtures("reader")
@pytest.mark.filterwarnings("ignore:Using `httpx` with")  # starlette's test client prefers its successor
def test_the_code_prints_what_the_page_says(page: str, block: Block) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile("\n" * (block.line - 1) + block.code, page, "exec"), {"__name__": page})
    assert block.printed
    assert says_the_same(out.getvalue(), block.printed), out.getvalue()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    assert page == "testing.md" or len(links) >= 8
    assert all((DOCS / link).exists() for link in links)

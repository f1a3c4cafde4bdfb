"""The pages on training data and evaluation cannot rot: their Python runs and prints what they say."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from tests.test_readme import ROOT, python_blocks, says_the_same


@pytest.mark.parametrize("page", ["dataset", "evaluation"])
def test_the_python_of_a_page_prints_what_it_says(page, tmp_path, monkeypatch):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks(
        (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").replace("\n\n```text", "\n```text")
    )
    assert len(blocks) >= 3
    names = {"__name__": page}
    for block in blocks:  # one after the other, as they are read
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(block.code, f"{page}.md", "exec"), names)
        assert says_the_same(out.getvalue(), block.printed), out.getvalue()


def test_the_pictures_of_the_pages_are_there():
    assert (Path(ROOT) / "docs" / "images" / "evaluation-report.jpg").stat().st_size < 300_000

"""docs/pictures.md cannot rot: its Python runs in order and prints what it says, and its pictures exist."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from tests.test_readme import python_blocks, says_the_same

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")


def test_the_blocks_print_what_the_page_says(tmp_path, monkeypatch):
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks(PAGE)
    assert len(blocks) == PAGE.count("```python") >= 8
    names: dict[str, object] = {"__name__": "page"}
    try:
        for block in blocks:
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile("\n" * (block.line - 1) + block.code, "pictures.md", "exec"), names)
            assert says_the_same(out.getvalue(), block.printed), f"line {block.line}: {out.getvalue()}"
    finally:
        for name in ("detector", "segmenter"):
            names[name].close()  # type: ignore[attr-defined]
        names["endpoint"].stop()  # type: ignore[attr-defined]
    assert (tmp_path / "found.png").is_file()


def test_the_pictures_are_there():
    pictures = re.findall(r"\]\((images/[^)]+)\)", PAGE)
    assert len(pictures) >= 5
    for picture in pictures:
        assert (ROOT / "docs" / picture).stat().st_size < 300_000

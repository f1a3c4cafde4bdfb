"""The code of docs/explain.md runs and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from pathlib import Path
from typing import Any

from tests.conftest import PHOTOS

PAGE = (Path(__file__).parents[1] / "docs" / "explain.md").read_text(encoding="utf-8")


def test_the_code_prints_what_the_page_says(tmp_path, monkeypatch):
    shutil.copytree(PHOTOS, tmp_path / "samples" / "photos")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == PAGE.count("```python") == 2
    names: dict[str, Any] = {}
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == expected
    assert (tmp_path / "heat.png").is_file()
    assert (tmp_path / "cup.png").is_file()


def test_its_pictures_are_there():
    for name in re.findall(r"\]\((images/[^)]+)\)", PAGE):
        assert (Path(__file__).parents[1] / "docs" / name).stat().st_size < 300_000

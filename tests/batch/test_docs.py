"""The code blocks of docs/batches.md run as they stand."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from automl_cv_client import Task
from automl_cv_client.local import LocalEndpoint
from tests.conftest import PHOTOS

PAGE = Path(__file__).parents[2] / "docs" / "batches.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_has_its_blocks() -> None:
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("number", range(3))
def test_block(
    number: int,
    endpoint: LocalEndpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "photos").symlink_to(PHOTOS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", endpoint.scoring_uri_of(Task.DETECTION))
    monkeypatch.setenv("AUTOML_CV_KEY", endpoint.key)
    exec(compile(BLOCKS[number], PAGE.name, "exec"), {"os": os})
    said = capsys.readouterr().out
    assert ("0 failed" if "score_folder" in BLOCKS[number] else "cat") in said

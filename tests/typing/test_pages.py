"""Every Python block of every page satisfies both type checkers, strictly, as readers paste it into their editors.

The blocks of a page run one after the other, so they are checked as one file, each at its own line; a name may be bound
anew. A block that is not run beside the others (it needs an engine) is a file of its own. An excerpt of a sample is
checked in its sample, whole.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.pages import Page, pages
from tests.typing.test_users_code import ROOT, mypy, pyright

MORE = "allow_redefinition_new = True\nlocal_partial_types = True\nuntyped_calls_exclude = dask\n"
UNTYPED = ("pandas", "supervision", "shapely")  # they have no types of their own, or not for all of it
ENGINES = ("ray", "pyspark")  # installed by `make test-engines` alone: what they give is Any here
CONFIG = {"include": ["."], "extraPaths": [str(ROOT / "src")], "pythonVersion": "3.11"}


def written(page: Page, folder: Path) -> int:
    """Write a page's code, in the lines where it stands on the page; how many blocks that were."""
    files: dict[str, list[str]] = {}
    blocks = [block for block in page.blocks("python") if not block.remark.startswith("not run: run by tests/")]
    for block in blocks:
        name = "page_" + re.sub(r"\W", "_", page.name.removesuffix(".md"))
        lines = files.setdefault(f"{name}_{block.line}" if block.remark.startswith("not run") else name, [])
        lines += [""] * (block.line - 1 - len(lines))
        lines += block.code.rstrip("\n").split("\n")
    for name, lines in files.items():
        (folder / f"{name}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(blocks)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    blocks = sum(written(page, tmp_path) for page in pages())
    assert blocks > 80
    shutil.copytree(ROOT / "tests" / "migration" / "sdk_v1" / "azureml", tmp_path / "azureml")
    for sample in (ROOT / "samples").glob("*.py"):
        shutil.copy(sample, tmp_path)
    for engine in ENGINES:
        for module in (engine, f"{engine}/sql"):
            stub = tmp_path / "typings" / module / "__init__.pyi"  # where pyright looks for what is not installed
            stub.parent.mkdir(parents=True)
            stub.write_text("from typing import Any\n\ndef __getattr__(name: str) -> Any: ...\n", encoding="utf-8")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return tmp_path


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_mypy_agrees_with_every_block(folder: Path) -> None:
    untyped = "".join(f"[mypy-{library}.*]\nignore_missing_imports = True\n" for library in (*UNTYPED, *ENGINES))
    done = mypy(folder, *sorted(folder.glob("*.py")), more=MORE, modules=untyped)
    assert done.returncode == 0, said(done)


def test_pyright_agrees_with_every_block(folder: Path) -> None:
    done = pyright(folder)
    assert done.returncode == 0, said(done)


def test_a_wrong_block_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "page_wrong.py").write_text("from automl_cv_client import Client\nClient().detect(3).label\n")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    assert "page_wrong.py:2" in said(pyright(tmp_path))

"""What users write, by the two type checkers: right code passes, and each mistake is found.

mypy also sees these files with everything else (`make lint`); here it has only the rules that users have.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CONFIG = """[mypy]
strict = True
cache_dir = {cache}
{more}[mypy-automl_cv_client.*]
ignore_errors = True
"""


def mypy(folder: Path, *files: Path, more: str = "", modules: str = "") -> subprocess.CompletedProcess[str]:
    config = folder / "mypy.ini"
    config.write_text(CONFIG.format(cache=ROOT / ".mypy_cache" / "users", more=more) + modules, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), *map(str, files)]
    clean = {**os.environ, "MYPYPATH": str(ROOT / "src")}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=300)


def pyright(project: Path = HERE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyright", "-p", str(project), "--pythonpath", sys.executable]
    clean = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    return subprocess.run(command, env=clean, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_mypy_agrees(tmp_path):
    done = mypy(tmp_path, HERE / "right.py", HERE / "wrong.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_agrees():
    done = pyright()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("0 errors"), done.stdout


def test_every_line_of_the_wrong_file_is_marked_for_both():
    lines = (HERE / "wrong.py").read_text(encoding="utf-8").splitlines()
    marked = [line for line in lines if "# type: ignore[" in line]
    assert len(marked) > 25
    assert marked == [line for line in lines if "# pyright: ignore[" in line]


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_every_public_method_is_asserted(kind):
    import automl_cv_client

    client = getattr(automl_cv_client, kind)
    text = (HERE / "right.py").read_text(encoding="utf-8")
    part = text[text.index("async def awaited") :] if kind == "AsyncClient" else text[: text.index("async def awaited")]
    methods = {name for name in dir(client) if not name.startswith("_")}
    assert methods == {name for name in methods if f"client.{name}(" in part or f"{kind}.{name}(" in part}

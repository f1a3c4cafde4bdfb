"""The wheel in an environment without extras: it works, stays small, and says which extra a use needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.packaging.conftest import Core

ALONE = Path(__file__).with_name("alone.py")
MOST_INSTALLED = 60_000_000


def test_it_scores_and_names_missing_extras(core: Core, tmp_path: Path) -> None:
    script = shutil.copy(ALONE, tmp_path)
    done = run(core.python, script, folder=tmp_path)
    assert done.stdout.startswith("well: "), done.stdout + done.stderr


def test_it_stays_small_with_all_it_requires(core: Core) -> None:
    assert 30_000_000 < core.size <= MOST_INSTALLED


def test_the_probe_can_fail(core: Core, tmp_path: Path) -> None:
    done = run(core.python, shutil.copy(ALONE, tmp_path), "numpy", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "automl-cv-client[numpy]" in done.stderr


def run(python: Path, *arguments: str | Path, folder: Path, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    """Run by this Python, as if there were no source: away from it, and without its path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AUTOML_CV_"))}
    command = [str(python), *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=seconds)

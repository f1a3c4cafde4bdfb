"""What may stand in the root of the repository: a new name there is a decision, not an accident."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {".ci", ".github", "benchmarks", "docs", "models", "samples", "src", "tests"}
FILES = {
    *(".gitignore", ".pre-commit-config.yaml", "Makefile", "mkdocs.yml", "pyproject.toml"),
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
}


def test_the_root_holds_what_is_listed_here_and_nothing_else() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    assert {name.partition("/")[0] for name in tracked.stdout.split("\0") if name} == FOLDERS | FILES

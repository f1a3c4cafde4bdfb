"""What may stand in the root of the repository: a new name there is a decision, not an accident."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

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


WORKFLOWS = sorted((ROOT / ".github").rglob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_yaml_and_pins_each_action_by_its_hash(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert yaml.safe_load(text)
    for action in re.findall(r"uses: (.+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    if path.parent.name == "workflows":
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}

"""We install beside the libraries people use with us, as they stand today: pip resolves both, and installs nothing.

Opt-in (``--run-slow``), as it asks the package index; skipped where that cannot be reached. What does not go together
is in ``APART``, and on the page versioning.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LIBRARIES = ("azure-ai-ml", "inference-sdk", "openai", "supervision", "ultralytics")
APART = {"inference-sdk": "pillow"}
"""What cannot be installed beside us in its newest version, and over which dependency we disagree."""

OURS = (f"{ROOT}[all]", str(ROOT / "models"))
OUR_OWN = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]


def resolved(report: Path, *wanted: str) -> dict[str, str] | str:
    """The version of each distribution that pip would install; or why it cannot."""
    options = ("--dry-run", "--ignore-installed", "--disable-pip-version-check", "--report", str(report))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *wanted], capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        return (
            done.stdout[-5000:] + done.stderr
        )  # pip tells the conflict in the first, and that there is one in the second
    installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in installed}


def requirements(report: Path) -> list[Requirement]:
    """What the only distribution of a report requires, as its metadata says."""
    (item,) = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [Requirement(need) for need in item["metadata"].get("requires_dist", [])]


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
def test_we_install_beside_the_newest(library: str, tmp_path: Path) -> None:
    alone = resolved(tmp_path / "alone.json", "--no-deps", library)
    if isinstance(alone, str):
        pytest.skip(f"the package index cannot be reached, or lacks {library}: {alone.strip()[-200:]}")
    newest = alone[library]
    together = resolved(tmp_path / "together.json", *OURS, f"{library}=={newest}")
    if library not in APART:
        assert isinstance(together, dict), f"{library} {newest} does not go with us:\n{together}"
        assert together["automl-cv-client"]
        return
    assert isinstance(together, str), f"{library} {newest} goes with us now: take it out of APART and versioning.md"
    disputed = APART[library]
    (theirs,) = (need for need in requirements(tmp_path / "alone.json") if need.name.lower() == disputed)
    (ours,) = (need for need in map(Requirement, OUR_OWN) if need.name == disputed)
    (lowest,) = (bound.version for bound in ours.specifier)
    assert not theirs.specifier.contains(lowest), "the two bounds meet, so it is another library that is disputed"
    assert f"depends on {disputed}" in together.lower(), together


def test_the_page_names_what_does_not_go_together() -> None:
    page = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
    section = page.partition("## Beside other libraries\n")[2].partition("\n## ")[0]
    for library, disputed in APART.items():
        assert library in section
        assert disputed in section.lower()
    assert all(library in section for library in LIBRARIES)

"""The distributions, built from a copy of the source that is deleted before any test sees them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.packaging.core_environment import make_core

ROOT = Path(__file__).parents[2]
KINDS = ("*.whl", "*.tar.gz")
NEVER = shutil.ignore_patterns("__pycache__", "*.onnx")
MADE = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "dist", "build", "site", "demo-output")


class Dists(NamedTuple):
    """What was built: both straight from the source, then once more, the wheel by way of the source distribution."""

    wheel: Path
    sdist: Path
    wheel_of_sdist: Path
    sdist_again: Path


class Core(NamedTuple):
    """An environment with the wheel and what it requires."""

    python: Path
    size: int


def left_out(folder: str, names: list[str]) -> set[str]:
    """What a clone would not have: what is made at the top of the project, and byte code everywhere."""
    return NEVER(folder, names) | (MADE(folder, names) if Path(folder) == ROOT else set())


@pytest.fixture(scope="session")
def dists(tmp_path_factory: pytest.TempPathFactory) -> Dists:
    """Wheel and source distribution of a clean copy, and the wheel that is made of the source distribution."""
    work = tmp_path_factory.mktemp("packaging")
    clone = work / "clone"
    shutil.copytree(ROOT, clone, ignore=left_out)
    for arguments in (["--wheel", "--sdist", "--outdir", str(work / "straight")], ["--outdir", str(work / "dist")]):
        for file in clone.rglob("*"):
            os.utime(file, (10**9, 10**9 + len(arguments) * 1000))  # another time at each build, as in another clone
        command = [sys.executable, "-m", "build", "--no-isolation", *arguments, str(clone)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(clone)
    wheels, sdists = ([next((work / folder).glob(kind)) for folder in ("straight", "dist")] for kind in KINDS)
    return Dists(wheels[0], sdists[0], wheels[1], sdists[1])


@pytest.fixture(scope="session")
def core(dists: Dists, tmp_path_factory: pytest.TempPathFactory) -> Core:
    """The wheel in an environment of its own, without any extra."""
    return Core(*make_core(tmp_path_factory.mktemp("core") / "venv", dists.wheel))

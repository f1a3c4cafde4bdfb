"""The distributions, built from a copy of the source that is deleted before any test sees them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.packaging.core_environment import make_core

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "dist", "build", "site", "demo-output", "*.onnx")


class Dists(NamedTuple):
    """What was built: by hand from the source, and by way of the source distribution."""

    wheel: Path
    sdist: Path
    wheel_of_sdist: Path


class Core(NamedTuple):
    """An environment with the wheel and what it requires."""

    python: Path
    size: int


@pytest.fixture(scope="session")
def dists(tmp_path_factory: pytest.TempPathFactory) -> Dists:
    """Wheel and source distribution of a clean copy, and the wheel that is made of the source distribution."""
    work = tmp_path_factory.mktemp("packaging")
    clone = work / "clone"
    shutil.copytree(ROOT, clone, ignore=LEFT_OUT)
    for arguments in (["--wheel", "--outdir", str(work / "straight")], ["--outdir", str(work / "dist")]):
        command = [sys.executable, "-m", "build", "--no-isolation", *arguments, str(clone)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(clone)
    (straight,), (wheel,) = (list((work / folder).glob("*.whl")) for folder in ("straight", "dist"))
    (sdist,) = (work / "dist").glob("*.tar.gz")
    return Dists(straight, sdist, wheel)


@pytest.fixture(scope="session")
def core(dists: Dists, tmp_path_factory: pytest.TempPathFactory) -> Core:
    """The wheel in an environment of its own, without any extra."""
    return Core(*make_core(tmp_path_factory.mktemp("core") / "venv", dists.wheel))

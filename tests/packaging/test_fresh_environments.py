"""Slow, from the package registry: the wheel in fresh environments, by Python, by extra, lowest and newest versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import WAY_OUT
from tests.packaging.bounds import PYPROJECT, lowest
from tests.packaging.conftest import ROOT, Dists
from tests.packaging.test_core_alone import ALONE, run

pytestmark = pytest.mark.slow

PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = [*tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]]
OF_DEVELOPERS = {"packaging", "site", "typing", "web_app"}  # they need the tools of the extra dev, or a browser
ROOMS = sorted({path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")} - OF_DEVELOPERS)
FILES = ("test_choices.py", "test_errors.py", "test_geometry.py", "test_samples.py", "test_settings.py")
TOOLS = (
    *("hypothesis", "ipykernel", "nbclient", "onnx", "opentelemetry-sdk", "orjson", "packaging", "pycocotools"),
    *("pysimdjson", "pytest", "scikit-learn", "trustme"),
)


def interpreter(version: str) -> str:
    """A Python of this version that starts, from the path or from pyenv; skips where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)):
        if name and subprocess.run([name, "-c", "import venv"], capture_output=True).returncode == 0:
            return str(name)
    pytest.skip(f"there is no Python {version} here")


def environment(folder: Path, version: str, *wanted: str, constraints: list[str] | None = None) -> Path:
    """A fresh environment with this installed; its Python."""
    subprocess.run([interpreter(version), "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    lines = folder / "constraints.txt"
    lines.write_text("\n".join(constraints or []), encoding="utf-8")
    pip(python, "--upgrade", "pip")
    pip(python, "--only-binary", ":all:", "--constraint", str(lines), *wanted)
    return python


def pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
    done = subprocess.run(command, env={**os.environ, **WAY_OUT}, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The wheel of the demo models, which are not on the registry."""
    work = tmp_path_factory.mktemp("models")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(work), str(ROOT / "models")]
    subprocess.run(command, check=True, capture_output=True)
    return str(next(work.glob("*.whl")))


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("extra", ["", *(extra for extra in EXTRAS if extra not in ("all", "dev"))])
def test_each_extra_alone(dists: Dists, models: str, tmp_path: Path, extra: str, python: str) -> None:
    wanted = [f"{dists.wheel}[{extra}]", models] if extra == "local" else [f"{dists.wheel}[{extra}]"]
    here = environment(tmp_path / "venv", python, *(wanted if extra else [str(dists.wheel)]))
    done = run(here, shutil.copy(ALONE, tmp_path), *([extra] if extra else []), folder=tmp_path)
    assert done.stdout.startswith("well: "), done.stdout + done.stderr


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("versions", ["lowest", "newest"])
def test_the_tests_pass(dists: Dists, models: str, tmp_path: Path, versions: str, python: str) -> None:
    constraints = lowest(python) if versions == "lowest" else None
    here = environment(tmp_path / "venv", python, f"{dists.wheel}[all]", models, *TOOLS, constraints=constraints)
    shutil.copytree(ROOT / "tests", tmp_path / "tests")
    for name in ("samples", "docs", "benchmarks", "models", "pyproject.toml", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    options = ["-p", "no:cacheprovider"]
    if versions == "lowest":
        options += ["-o", "filterwarnings=default"]  # libraries of the past warn of those of today
    some = [f"tests/{name}" for name in (*ROOMS, *FILES)]
    done = run(here, "-m", "pytest", *options, *some, folder=tmp_path, seconds=1800)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr

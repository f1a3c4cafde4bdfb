"""What the distributions hold: all of the package, nothing else, and metadata that the registry can show."""

from __future__ import annotations

import email
import re
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from automl_cv_client import __version__
from tests.packaging.conftest import ROOT, Dists

SOURCE = ROOT / "src"
ENGINES = {"ray", "spark"}  # hundreds of MB, and Spark needs Java: by name only


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.fixture(scope="module")
def metadata(dists: Dists) -> Message:
    files = contents(dists.wheel)
    return email.message_from_bytes(files[f"automl_cv_client-{__version__}.dist-info/METADATA"])


def test_the_wheel_is_the_package_and_nothing_else(dists):
    packed = {name for name in contents(dists.wheel) if ".dist-info/" not in name}
    here = {file.relative_to(SOURCE).as_posix() for file in SOURCE.rglob("*.py")}
    assert packed == here | {"automl_cv_client/py.typed", "pytest_automl_cv_client/py.typed"}


def test_the_source_distribution_has_the_tests_and_what_they_read_but_no_models(dists):
    with tarfile.open(dists.sdist) as packed:
        names = [name.partition("/")[2] for name in packed.getnames()]
    assert [name for name in names if name.startswith("models/") or name.endswith(".onnx")] == ["models/NOTICE"]
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "tests/conftest.py"} <= set(names)
    assert {file.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("*.py")} <= set(names)
    assert {".ci/run", "samples/photos/README.md"} <= set(names)  # the second has the licenses of the photos
    assert not [name for name in names if "__pycache__" in name or name.startswith(".venv")]


def test_the_source_distribution_makes_the_same_wheel(dists):
    assert contents(dists.wheel_of_sdist) == contents(dists.wheel)


def test_each_build_is_the_same_to_the_byte(dists):
    assert dists.wheel_of_sdist.read_bytes() == dists.wheel.read_bytes()
    assert dists.sdist_again.read_bytes() == dists.sdist.read_bytes()


def test_the_registry_shows_the_readme(metadata):
    assert metadata["Description-Content-Type"] == "text/markdown"
    text = metadata.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()


def test_the_metadata_say_who_may_use_it_and_where(metadata):
    assert (metadata["Name"], metadata["Version"]) == ("automl-cv-client", __version__)
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert metadata["Requires-Python"] == ">=3.11"
    kinds = metadata.get_all("Classifier") or []
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)} <= set(kinds)
    assert "Typing :: Typed" in kinds


def test_every_extra_is_in_the_metadata_and_all_has_them(metadata):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    assert set(metadata.get_all("Provides-Extra") or []) == extras
    (everything,) = project["optional-dependencies"]["all"]
    assert set(re.split(r"[\[\],]", everything)[1:-1]) == extras - {
        "all",
        "dev",
        "ray",
        "spark",
    }  # engines are hundreds of MB


def test_the_entry_points_are_there(dists):
    text = contents(dists.wheel)[f"automl_cv_client-{__version__}.dist-info/entry_points.txt"].decode()
    assert "automl-cv = automl_cv_client.cli:main" in text
    assert "automl_cv_client = pytest_automl_cv_client" in text

"""The lowest versions that pyproject.toml declares, as constraints for pip."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def lowest(python_version: str, pyproject: Path = PYPROJECT) -> list[str]:
    """``name==version`` of everything users can install, by this Python (``"3.13"``); without the tools of ``dev``."""
    found: dict[str, Version] = {}
    for requirement in _requirements(pyproject):
        if requirement.marker is not None and not requirement.marker.evaluate({"python_version": python_version}):
            continue
        bounds = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
        if bounds:
            found[requirement.name] = max(bounds[0], found.get(requirement.name, bounds[0]))
    return [f"{name}=={version}" for name, version in sorted(found.items()) if name != "automl-cv-client-models"]


def _requirements(pyproject: Path) -> Iterator[Requirement]:
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = [texts for extra, texts in project["optional-dependencies"].items() if extra != "dev"]
    for texts in (project["dependencies"], *extras):
        yield from map(Requirement, texts)


if __name__ == "__main__":
    print("\n".join(lowest(sys.argv[1])))

"""A virtual environment with the client and what it requires, and nothing else: made offline, of links."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def required_by(required: Requirement, seen: set[str]) -> Iterator[Distribution]:
    """The distribution of a requirement, where it holds here, and all that it requires in turn."""
    key = re.sub(r"[-_.]+", "-", required.name).lower()
    extras = required.extras or {""}
    if key in seen or not (
        required.marker is None or any(required.marker.evaluate({"extra": extra}) for extra in {"", *extras})
    ):
        return
    seen.add(key)
    found = distribution(key)
    yield found
    for text in found.requires or ():
        inner = Requirement(text)
        if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
            yield from required_by(Requirement(text.partition(";")[0]), seen)


def make_core(folder: Path, wheel: Path) -> tuple[Path, int]:
    """An environment in ``folder``: its Python, and the bytes of everything installed in it (no byte code)."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
        size = sum(entry.file_size for entry in packed.infolist())
        (metadata,) = (name for name in packed.namelist() if name.endswith("METADATA"))
        requirements = re.findall(r"^Requires-Dist: (.*)$", packed.read(metadata).decode(), re.MULTILINE)
    seen: set[str] = set()
    for text in requirements:
        for required in required_by(Requirement(text), seen):
            size += _link(required, site)
    return folder / "bin" / "python", size


def _link(required: Distribution, site: Path) -> int:
    """Links to a distribution's files; their bytes."""
    size = 0
    for file in required.files or ():
        if file.suffix == ".pyc" or ".." in file.parts:
            continue
        there = Path(str(required.locate_file(file)))
        here = site / file
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(there)
        size += there.stat().st_size
    return size

"""Slow, from the package registry: the first commands of README.md and of two pages, typed into a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import WAY_OUT
from tests.packaging.conftest import ROOT
from tests.pages import Page
from tests.test_readme import says_the_same

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/quickstart.md"])
def test_a_newcomer_gets_the_first_output(name: str, tmp_path: Path) -> None:
    page = Page(ROOT / name)
    commands, code = page.blocks("sh")[0].code, page.blocks("python")[0]
    typed = f"git clone --quiet {ROOT} clone && cd clone\n{commands}"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        ["bash", "-e", "-c", f'{typed}python - <<"EOF" >{tmp_path}/printed\n{code.code}EOF\ntest -s found.png'],
        cwd=tmp_path,
        env={**kept, **WAY_OUT, "PATH": path},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    printed = (tmp_path / "printed").read_text(encoding="utf-8")
    assert code.printed is not None
    assert says_the_same(printed, code.printed)

"""Every type that the package shows is known: ``pyright --verifytypes``, on a copy that is installed as users have it.

pyright looks for the package beside the ``python`` that is first on PATH (it passes over ``--pythonpath`` here), and
takes neither an editable install nor a source folder for an installed package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.typing.test_users_code import ROOT

ENGINES = {"ray.data": "Dataset", "pyspark.sql": "DataFrame"}
"""What public signatures name of libraries that this environment lacks for their size."""


def test_every_public_type_is_known(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    (site,) = (tmp_path / "venv").glob("[Ll]ib/**/site-packages")
    shutil.copytree(ROOT / "src" / "automl_cv_client", site / "automl_cv_client")
    for module, name in ENGINES.items():
        stub = site / Path(*module.split("."))
        stub.mkdir(parents=True)
        (stub / "__init__.pyi").write_text(f"class {name}: ...\n", encoding="utf-8")
        (site / module.split(".")[0] / "__init__.pyi").touch()
    others = [path for path in sys.path if path.endswith("site-packages")]  # the libraries, from where they are
    (site / "libraries.pth").write_text("\n".join(others), encoding="utf-8")
    scripts = (tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")).as_posix()
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--ignoreexternal", "--verifytypes", "automl_cv_client"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PATH": os.pathsep.join([scripts, sysconfig.get_path("scripts"), os.environ["PATH"]]),
            "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "Path of py.typed file: " in done.stdout, done.stdout + done.stderr
    problems = [line for line in done.stdout.splitlines() if "error:" in line]
    assert problems == [], "\n".join(problems)
    assert "Type completeness score: 100%" in done.stdout

"""Runs commands in this process, against one local endpoint for the session or a scripted server."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from typer.testing import CliRunner

from automl_cv_client import Task
from automl_cv_client.cli.app import app
from automl_cv_client.local import LocalEndpoint
from tests.conftest import PHOTOS


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, when it is JSON by the letter: NaN is none."""
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def runner() -> CliRunner:
    """One that keeps stdout and stderr apart, which those of click before 8.2 do only when asked."""
    apart: Any = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart)


def run(*arguments: object, **variables: str) -> Ended:
    """A command in this process."""
    done = runner().invoke(app, [str(argument) for argument in arguments], env=variables, prog_name="automl-cv")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


def run_apart(*arguments: object, code: str | None = None, **variables: str) -> Ended:
    """A command in a process of its own, without a terminal; ``code`` runs instead of the package."""
    how = ["-m", "automl_cv_client"] if code is None else ["-c", code]
    done = subprocess.run(
        [sys.executable, *how, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **variables},
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="session")
def endpoint() -> Iterator[LocalEndpoint]:
    with LocalEndpoint.for_all_tasks(key="a-key-to-look-for") as running:
        yield running


@pytest.fixture
def variables(endpoint: LocalEndpoint) -> dict[str, str]:
    """The variables for the detector."""
    return {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri_of(Task.DETECTION), "AUTOML_CV_KEY": endpoint.key}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small photos, and things in a folder that are none."""
    photos = tmp_path / "photos"
    (photos / "inner").mkdir(parents=True)
    for name, small in (("coffee.png", "b-coffee.JPG"), ("chelsea.png", "a-cat.png")):
        with Image.open(PHOTOS / name) as image:
            image.convert("RGB").resize((300, 200)).save(photos / small)
    (photos / "notes.txt").write_text("not an image")
    (photos / "inner" / "._a-cat.png").write_bytes(b"left by macOS")
    return photos

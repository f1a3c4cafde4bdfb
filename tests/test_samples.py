"""Every sample runs as its own process, as a reader would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import Answer, boxes

SAMPLES = Path(__file__).parents[1] / "samples"
TELLS = {
    "all_tasks": ["classify: Classification('Egyptian cat'", "segment: Instances(['cat'"],
    "async_client": ["chelsea.png: cat", "coffee.png: cup, dining table", "rocket.jpg: nothing found"],
    "detect": ["cup 0.9", "drawn: detected.jpg"],
    "from_array": ["Egyptian cat 0.", "the same from BGR: True"],
}


def run(name: str, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", SAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SAMPLES.parent / "src"), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_sample_is_run_here():
    assert {file.stem for file in SAMPLES.glob("*.py")} - {"endpoint"} == set(TELLS)


@pytest.mark.parametrize("name", TELLS)
def test_a_sample_runs_with_demo_models(name, tmp_path):
    done = run(name, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for told in TELLS[name]:
        assert told in done.stdout


def test_a_sample_takes_your_endpoint_from_the_variables(server, tmp_path):
    server.steps = [Answer(body=boxes("hamster"))]
    done = run("detect", tmp_path, AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")
    assert (done.returncode, done.stderr) == (0, "")
    assert "hamster 0.90 at (150, 200) to (450, 400)" in done.stdout
    assert (tmp_path / "detected.jpg").is_file()


def test_a_sample_says_what_is_wrong_with_a_picture(tmp_path):
    done = run("detect", tmp_path, "lost.jpg")
    assert (done.returncode, done.stderr) == (1, "not sent: lost.jpg: there is no such file\n")

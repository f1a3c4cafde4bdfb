"""The pytest plugin, in scratch projects: found through its entry point, fake by default, local when asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
CONFIG = "[pytest]\nfilterwarnings = error\n"
EXAMPLES = '''
import asyncio

import pytest
from PIL import Image

from automl_cv_client import AsyncClient, Client, RetryPolicy, Task, errors
from automl_cv_client.testing import detections, record, Replay, throttled


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "grey.png"
    Image.new("RGB", (400, 300), "grey").save(path)
    return path


def cats(path):
    """The code under test: it makes its own client, from the environment."""
    with Client.from_env() as client:
        return [one for one in client.detect(path) if one.label == "cat"]


def test_code_that_makes_its_own_client(automl_cv_endpoint, image):
    assert isinstance(cats(image), list)


@pytest.mark.parametrize("task", Task)
def test_every_task(automl_cv_endpoint, image, task):
    with Client(automl_cv_endpoint.scoring_uri_of(task), automl_cv_endpoint.key) as client:
        assert client.score(image, task).size == (400, 300)


@pytest.mark.automl_cv_fake
def test_patience(automl_cv_endpoint, automl_cv_no_waiting, image):
    automl_cv_endpoint.reply_with(throttled(retry_after=60), detections(("cat", 0.9, (0, 0, 0.5, 0.5))))
    assert cats(image)[0].pixel_box == (0, 0, 200, 150)
    assert automl_cv_no_waiting == [60]
    automl_cv_endpoint.assert_sent(times=2, images=1)


def test_awaited(automl_cv_endpoint, image):
    async def main():
        async with AsyncClient(automl_cv_endpoint.scoring_uri_of("image-classification"), automl_cv_endpoint.key) as c:
            return await c.classify(image)

    assert 0 < asyncio.run(main()).score <= 1


def test_a_recording_replays(automl_cv_endpoint, image, tmp_path):
    path = tmp_path / "recorded.json"
    with record(path) as recorder:
        uri = automl_cv_endpoint.scoring_uri_of("image-object-detection")
        real = Client(uri, automl_cv_endpoint.key, http_client=recorder.http_client()).detect(image)
    assert automl_cv_endpoint.key not in path.read_text()
    assert Replay(path).client().detect(image) == real
'''


@pytest.fixture
def scratch(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project where this package is installed as a wheel would be: source on the path, and its entry points."""
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    info = pytester.mkdir("site") / "automl_cv_client-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: automl-cv-client\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\n" + "".join(f"{k} = {v}\n" for k, v in entry.items()))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{info.parent}")
    pytester.makeini(CONFIG)
    pytester.makepyfile(test_examples=EXAMPLES)
    return pytester


def test_the_fake_is_the_default(scratch: pytest.Pytester) -> None:
    scratch.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=8)


def test_the_same_tests_run_against_real_models(scratch: pytest.Pytester) -> None:
    done = scratch.runpytest_subprocess("--automl-cv-endpoint=local", "-rs")
    done.assert_outcomes(passed=7, skipped=1)
    done.stdout.fnmatch_lines("*needs a script, which --automl-cv-endpoint=local has not*")


def test_it_says_what_it_offers(scratch: pytest.Pytester) -> None:
    scratch.runpytest_subprocess("--help").stdout.fnmatch_lines("*--automl-cv-endpoint={fake,local}*")
    scratch.runpytest_subprocess("--markers").stdout.fnmatch_lines("*@pytest.mark.automl_cv_fake: scripts*")
    told = scratch.runpytest_subprocess("--fixtures").stdout
    told.fnmatch_lines(["automl_cv_endpoint*", "automl_cv_no_waiting*"])


@pytest.mark.slow
def test_a_project_that_has_only_the_wheel(tmp_path: Path) -> None:
    """Builds the wheel, unpacks it far from the source, and runs the examples there."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    project = tmp_path / "project"
    project.mkdir()
    (project / "test_examples.py").write_text(EXAMPLES)
    (project / "pytest.ini").write_text(CONFIG)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert "8 passed" in done.stdout, done.stdout + done.stderr


def test_a_run_that_does_not_use_it_loads_nothing_of_it(scratch: pytest.Pytester) -> None:
    """pytest loads the plugin at every start in this environment, also for projects that have nothing to do with it."""
    scratch.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("loaded:", *sorted({"automl_cv_client", "pydantic", "httpx"} & sys.modules.keys()))
        """
    )
    done = scratch.runpytest_subprocess("--collect-only", "-s", "--ignore=test_examples.py")
    assert [line for line in done.outlines if line.startswith("loaded:")] == ["loaded:"]
    done.stdout.fnmatch_lines("plugins:*automl-cv-client-*")


def test_a_broken_pydantic_stops_no_run_that_does_not_use_it(scratch: pytest.Pytester) -> None:
    scratch.mkpydir("pydantic").joinpath("__init__.py").write_text("raise ImportError('too old')\n")
    scratch.makepyfile(test_other="def test_nothing(): pass")
    scratch.runpytest_subprocess("test_other.py").assert_outcomes(passed=1)

"""docs/recipes.md: the script that needs a file of its own, and what the step of an orchestrator does at a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import Task
from automl_cv_client.local import LocalEndpoint
from tests.batch.jobs import images, reply
from tests.capped import capped
from tests.pages import DOCS, ROOT, Page

PAGE = Page(DOCS / "recipes.md")


def test_the_processes_print_what_the_page_says(tmp_path: Path) -> None:
    (block,) = [block for block in PAGE.blocks("python") if "ProcessPoolExecutor" in block.code]
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    (tmp_path / "score.py").write_text(block.code, encoding="utf-8")
    with LocalEndpoint(Task.DETECTION) as endpoint:
        variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri, "AUTOML_CV_KEY": endpoint.key}
        done = subprocess.run(
            [sys.executable, "score.py"],
            cwd=tmp_path,
            env={**os.environ, **variables},
            capture_output=True,
            timeout=120,
        )
    assert (done.stdout.decode(), done.stderr) == (block.printed, b"")


def step() -> Any:
    """The function of the page."""
    (block,) = [block for block in PAGE.blocks("python") if "class Hopeless" in block.code]
    names: dict[str, Any] = {"__name__": "recipes"}
    exec(block.code.partition("\n\nfor attempt")[0], names)
    return names


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_step_that_was_killed_goes_on_when_it_is_retried(
    ending: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images(tmp_path / "in", 60)
    names = step()
    pids: list[int] = []

    def run(words: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """As subprocess.run; the first time the orchestrator loses its patience in the middle."""
        with subprocess.Popen(words, **options) as running:
            pids.append(running.pid)
            deadline = time.monotonic() + 30
            while len(pids) == 1 and len(server.answers) < 10 and time.monotonic() < deadline:
                time.sleep(0.01)
            if len(pids) == 1:
                running.send_signal(ending)
            return subprocess.CompletedProcess(words, running.wait(timeout=60), running.communicate()[0])

    with capped(reply(), service=0.05) as server:
        monkeypatch.setenv("AUTOML_CV_SCORING_URI", server.url)
        monkeypatch.setenv("AUTOML_CV_KEY", "k")
        monkeypatch.setattr(names["subprocess"], "run", run)
        with pytest.raises(RuntimeError, match="the retry of this step goes on where it ended"):
            names["score"](str(tmp_path / "in"), str(tmp_path / "job"))
        summary = names["score"](str(tmp_path / "in"), str(tmp_path / "job"))
    assert (summary["total"], summary["ok"]) == (60, 60)
    assert summary["scored"] < 60
    assert json.dumps(summary)


def test_a_step_tells_what_a_retry_cannot_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = step()
    monkeypatch.setenv("AUTOML_CV_SCORING_URI", "http://127.0.0.1:9/score")
    monkeypatch.delenv("AUTOML_CV_KEY", raising=False)
    for number, path in enumerate(images(tmp_path / "in", 2)):
        path.write_bytes(b"no image") if number else None
    with capped(reply(), service=0) as server:
        monkeypatch.setenv("AUTOML_CV_SCORING_URI", server.url)
        monkeypatch.setenv("AUTOML_CV_KEY", "k")
        with pytest.raises(RuntimeError, match=r"1 of 2 images failed: \{'ImageError': 1\}"):
            names["score"](str(tmp_path / "in"), str(tmp_path / "job"))
        assert names["score"](str(tmp_path / "in"), str(tmp_path / "job"), most_failed=0.5)["failed"] == 1
        server.judge = lambda body, number: 401
        with pytest.raises(names["Hopeless"], match="AuthenticationFailed"):
            names["score"](str(tmp_path / "in"), str(tmp_path / "other"))

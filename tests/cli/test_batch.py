"""``automl-cv batch``: run, resume, status, export, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.batch.jobs import images, reply
from tests.capped import capped
from tests.cli.conftest import run, run_apart

TASK = "image-object-detection"


def test_run_status_export(tmp_path: Path, variables: dict[str, str], folder: Path) -> None:
    out = tmp_path / "out"
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run("batch", "run", folder, "--task", TASK, "--out", out, "--json", **variables)
    assert done.code == 1
    summary = json.loads(done.out)
    assert (summary["total"], summary["ok"], summary["failed"]) == (3, 2, 1)
    assert done.err == f"automl-cv: 1 of 3 images failed; {out / 'results.jsonl'} says why\n"
    again = run("batch", "run", folder, "--task", "detect", "--out", out, **variables)  # the same task, as in Python
    assert "requests     0" in again.out
    told = run("batch", "status", out)
    assert (told.code, "ok           2" in told.out) == (0, True)
    exported = run("batch", "export", out, "--format", "csv")
    assert exported.out.strip() == str(out / "results.csv")
    assert b"cat" in (out / "results.csv").read_bytes()


def test_sources_may_be_images_and_several(tmp_path: Path, variables: dict[str, str], folder: Path) -> None:
    """As the shell makes them of a pattern without quotes; an image read as a list would be lines of noise."""
    done = run(
        "batch", "run", folder / "b-coffee.JPG", "--task", TASK, "--out", tmp_path / "one", "--json", **variables
    )
    assert (done.code, done.json["total"]) == (0, 1), done.err
    listed = tmp_path / "list.txt"
    listed.write_text(str(folder / "a-cat.png"))
    words = ("batch", "run", listed, folder / "b-coffee.JPG", "--task", TASK, "--out", tmp_path / "two")
    two = run(*words, "--json", **variables)
    assert (two.code, two.json["ok"]) == (0, 2), two.err
    told = run(*words, **variables)
    assert "\nrate         0 images/s\n" in told.out


def test_given_up_images_are_told_and_tried_again_when_that_is_asked_for(tmp_path: Path) -> None:
    bad, _ = images(tmp_path / "in", 2)
    whole = bad.read_bytes()
    bad.write_bytes(b"no image")
    words = ("batch", "run", tmp_path / "in", "--task", TASK, "--out", tmp_path / "out")
    with capped(reply(), service=0) as server:
        variables = {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}
        said = [run(*words, **variables).err for _ in range(3)]
        assert ["--retry-failed" in text for text in said] == [False, False, True]
        told = run("batch", "status", tmp_path / "out")
        assert (told.code, told.err) == (
            0,
            "automl-cv: 1 of 2 images failed; one is given up: once the cause is fixed, run the job again with "
            "--retry-failed\n",
        )
        assert run("batch", "status", tmp_path / "out", "--json").json["given_up"] == 1
        bad.write_bytes(whole)
        assert run(*words, **variables).code == 1
        assert run(*words, "--retry-failed", **variables).code == 0
    assert run("batch", "status", tmp_path / "out").err == ""


def test_errors_are_one_line(tmp_path: Path, variables: dict[str, str]) -> None:
    for words in (
        ["batch", "status", tmp_path],
        ["batch", "run", tmp_path / "none", "--task", TASK, "--out", tmp_path / "out"],
        ["batch", "run", tmp_path, "--task", "cats", "--out", tmp_path / "out"],
        ["batch", "export", tmp_path, "--format", "xml"],
    ):
        done = run(*words, **variables)
        assert done.code == 2
        assert done.err.startswith("automl-cv: ")
        assert len(done.err.splitlines()) == 1


def test_the_share_of_failures_that_stops_it_can_be_chosen(tmp_path: Path) -> None:
    for path in images(tmp_path / "in", 60):
        path.write_bytes(b"no image")
    variables = {"AUTOML_CV_SCORING_URI": "http://127.0.0.1:9/score", "AUTOML_CV_KEY": "k"}
    words = ("batch", "run", tmp_path / "in", "--task", TASK, "--json", "--out")
    stopped = run(*words, tmp_path / "half", **variables)
    assert (stopped.code, stopped.json["error"]["type"]) == (2, "BatchError")
    assert "images failed" in stopped.err
    done = run(*words, tmp_path / "all", "--stop-above", "1", **variables)
    assert (done.code, json.loads(done.out)["failed"]) == (1, 60)


def test_an_interrupt_exits_with_130_and_nothing_is_drawn_without_a_terminal(tmp_path: Path) -> None:
    images(tmp_path / "in", 100)
    with capped(reply(), service=0.3) as server:  # the wait is told by the tenth of a second
        variables = {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}
        words = ["batch", "run", str(tmp_path / "in"), "--task", TASK, "--out", str(tmp_path / "out")]
        running = subprocess.Popen(
            [sys.executable, "-m", "automl_cv_client", *words],
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 20
        while len(server.received) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=15)
        assert (running.returncode, said[0]) == (130, b"")
        waiting, line = said[1].decode().splitlines()  # and no bar
        assert waiting.startswith("automl-cv: stopping: waiting for ")
        assert line.startswith("automl-cv: interrupted: ")
        assert line.endswith(" of 100 images done; the same command goes on")
        server.service = 0
        resumed = run_apart(*words, "--json", **variables)
    assert (resumed.code, resumed.err) == (0, "")
    assert json.loads(resumed.out)["ok"] == 100
    assert len(server.received) == 100

"""Ctrl-C while answers are held back: a batch says at once what it waits for, the other commands wait for nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.batch.jobs import images
from tests.cli.test_terminal import PROGRAM, on_a_terminal
from tests.conftest import PHOTOS
from tests.servers import Answer, ScriptedServer, Silence, boxes

pytestmark = pytest.mark.bar(16)

LABELS = PHOTOS / "labels"
WAITING = re.compile(
    r"automl-cv: stopping: waiting for [12] requests? in flight, at most \d+ s; Ctrl-C again stops at once"
)


@pytest.fixture
def held(server: ScriptedServer) -> dict[str, str]:
    """The variables of an endpoint that never answers."""
    server.steps = [Silence(60)]
    return {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}


def started(*words: object, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **variables},
        text=True,
    )


@pytest.mark.parametrize("command", ["batch run", pytest.param("evaluate --job", marks=pytest.mark.slow)])
def test_a_batch_says_at_once_what_it_waits_for(command, server, held, tmp_path):
    images(tmp_path / "in", 20)
    words: dict[str, tuple[object, ...]] = {
        "batch run": ("batch", "run", tmp_path / "in", "--task", "image-object-detection", "--out", tmp_path / "job"),
        "evaluate --job": ("evaluate", LABELS / "detection.jsonl", "--images", PHOTOS, "--job", tmp_path / "job"),
    }
    with started(*words[command], "--json", **held) as running:
        assert running.stderr is not None
        server.wait_for(1)
        running.send_signal(signal.SIGINT)
        assert WAITING.fullmatch(running.stderr.readline().rstrip())
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        asked = time.monotonic()
        out, err = running.communicate(timeout=20)
        assert time.monotonic() - asked < 5  # of the ten it would have waited
    total = 20 if command == "batch run" else 4
    assert (running.returncode, out) == (130, "")
    assert err == f"automl-cv: interrupted: 0 of {total} images done; the same command goes on\n"


def test_a_batch_with_a_bar_says_so_in_a_line_of_its_own(server, held, tmp_path):
    images(tmp_path / "in", 20)
    seen = on_a_terminal(
        "batch", "run", tmp_path / "in", "--task", "image-object-detection", "--out", tmp_path / "job",
        columns=120, typed=b"\x03", when=server, again_at=b"stops at once", **held,
    )  # fmt: skip
    assert seen.code == 130
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line).strip() for line in re.split(r"[\r\n]+", seen.text)]
    assert [line for line in lines if WAITING.fullmatch(line)], seen.text  # nothing of the bar is left in it
    assert lines[-2] == "automl-cv: interrupted: 0 of 20 images done; the same command goes on"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param("detect {photos}/coffee.png", marks=pytest.mark.slow),
        pytest.param("explain {photos}/coffee.png", marks=pytest.mark.slow),
        pytest.param("evaluate {labels}/detection.jsonl --images {photos}", marks=pytest.mark.slow),
        "compare {labels}/detection.jsonl --images {photos} --deployment a --deployment b",
    ],
)
def test_the_others_do_not_wait(command, server, held, tmp_path: Path):
    words = [word.format(photos=PHOTOS, labels=LABELS) for word in command.split()]
    with started(*words, **held) as running:
        server.wait_for(1)
        running.send_signal(signal.SIGINT)
        asked = time.monotonic()
        _, err = running.communicate(timeout=20)
        assert time.monotonic() - asked < 5
    assert (running.returncode, err) == (130, "")


def test_answers_that_are_thrown_away_are_told_with_what_keeps_them(server, held):
    server.steps = [*[Answer(body=boxes("cup"))] * 3, Silence(60)]  # the first image may not be the first to come
    with started("evaluate", LABELS / "detection.jsonl", "--images", PHOTOS, **held) as running:
        server.wait_for(4)  # two are in flight at first, and each further one follows an answer
        time.sleep(0.5)  # answers have still to be handed on
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    told = r"automl-cv: interrupted: [123] of 4 images scored, none kept; evaluate --job DIR can be resumed\n"
    assert running.returncode == 130
    assert re.fullmatch(told, err), err

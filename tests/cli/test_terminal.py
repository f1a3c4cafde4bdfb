"""On a terminal and in pipes: colors, bars, Ctrl-C, narrow windows, closed pipes, encodings. All in real processes."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.batch.jobs import images
from tests.cli.conftest import Ended, run_apart
from tests.conftest import PHOTOS
from tests.servers import Answer, ScriptedServer, Silence, boxes

fcntl = pytest.importorskip("fcntl", reason="needs pseudo-terminals")
termios = pytest.importorskip("termios")

PROGRAM = [sys.executable, "-m", "automl_cv_client"]
ITS_OWN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""So that Ctrl-C is for it. Not by pty.fork, of which Python 3.12 warns where there are threads."""
BOLD = "\x1b[1m"


class Screen(NamedTuple):
    """What a command wrote to its terminal, and its exit code."""

    code: int
    text: str


def on_a_terminal(
    *arguments: object,
    columns: int = 80,
    typed: bytes = b"",
    when: ScriptedServer | None = None,
    again_at: bytes = b"",
    **variables: str,
) -> Screen:
    """Run a command in a terminal; ``typed`` is typed once ``when`` has had a request, and again at these words."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    running = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", ITS_OWN_TERMINAL, *PROGRAM, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", **variables},
    )
    os.close(theirs)
    if when is not None:
        when.wait_for(1)
        os.write(ours, typed)
    seen = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal so
        while piece := os.read(ours, 10_000):
            seen += piece
            if again_at and again_at in seen:
                os.write(ours, typed)
                again_at = b""
    os.close(ours)
    return Screen(running.wait(timeout=60), seen.decode())


def in_a_shell(line: str, **variables: str) -> Ended:
    """A line of bash, with ``automl-cv`` for the program; the code is that of the program, not of the last command."""
    whole = f'automl-cv() {{ {shlex.join(PROGRAM)} "$@"; }}; {line}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", whole],
        capture_output=True,
        env={**os.environ, **variables},
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def answering(server: ScriptedServer) -> dict[str, str]:
    """The variables of an endpoint that sees a cat in everything."""
    server.steps = [Answer(body=boxes("cat"))]
    return {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of 40 tiny images."""
    images(tmp_path / "in", 40)
    return tmp_path / "in"


def test_a_terminal_gets_bold_names_and_no_more(answering, folder):
    seen = on_a_terminal("detect", folder / "a-cat.png", **answering)
    assert (seen.code, BOLD in seen.text, "cat  0.900" in seen.text) == (0, True, True)


@pytest.mark.parametrize("how", ["NO_COLOR=1", pytest.param("TERM=dumb", marks=pytest.mark.slow), "--no-color"])
def test_styles_can_be_switched_off(how, answering, folder):
    name, _, value = how.partition("=")
    options, variables = ([how], {}) if how.startswith("--") else ([], {name: value})
    seen = on_a_terminal(*options, "detect", folder / "a-cat.png", **{**answering, **variables})
    assert (seen.code, "\x1b" in seen.text, "cat  0.900" in seen.text) == (0, False, True)


def test_a_bar_on_a_terminal_and_none_in_a_pipe(answering, many, tmp_path):
    words = ("batch", "run", many, "--task", "image-object-detection")
    seen = on_a_terminal(*words, "--out", tmp_path / "a", **answering)
    assert (seen.code, "in flight" in seen.text) == (0, True)
    piped = run_apart(*words, "--out", tmp_path / "b", **answering)
    assert (piped.code, piped.err, "in flight" in piped.out) == (0, "", False)


@pytest.mark.parametrize("command", [pytest.param("evaluate", marks=pytest.mark.slow), "compare"])
def test_what_measures_has_a_bar_too(command, answering, tmp_path):
    words = (command, PHOTOS / "labels" / "detection.jsonl", "--images", PHOTOS)
    pair = ("--deployment", "a", "--deployment", "b", "--draws", 20) if command == "compare" else ()
    seen = on_a_terminal(*words, *pair, columns=120, **answering)
    assert (seen.code, "4/4" in seen.text, "images/s" in seen.text) == (0, True, True), seen.text


@pytest.mark.slow
def test_a_narrow_bar_still_says_how_far_it_is(answering, many, tmp_path):
    words = ("batch", "run", many, "--task", "image-object-detection", "--out", tmp_path / "job")
    seen = on_a_terminal(*words, columns=40, **answering)
    assert (seen.code, "40/40" in seen.text, "0 failed" in seen.text) == (0, True, True), seen.text


@pytest.mark.slow  # the four models
def test_the_demo_fits_a_narrow_terminal_and_says_there_what_it_does(folder, tmp_path):
    seen = on_a_terminal("demo", folder / "a-cat.png", "--out", tmp_path, columns=20)
    assert seen.code == 0
    assert "scoring by 4 tasks" in seen.text
    table = seen.text.partition("These are demo")[0].replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert max(len(line.rstrip()) for line in table.splitlines()[1:]) <= 40


def test_ctrl_c_on_the_keyboard_is_130_and_says_nothing(server, folder):
    server.steps = [Silence()]
    seen = on_a_terminal(
        "detect", folder, typed=b"\x03", when=server, AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k"
    )
    assert seen.code == 130
    assert "Traceback" not in seen.text
    assert "Aborted" not in seen.text


def test_an_interrupt_leaves_json_that_parses(server, folder):
    server.steps = [Answer(body=boxes("cat")), Silence()]
    variables = {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}
    running = subprocess.Popen(
        [*PROGRAM, "detect", str(folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **variables},
    )
    server.wait_for(2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (130, b"")
    assert len(Ended(0, out.decode(), "").json) == 1


@pytest.mark.parametrize(
    "line",
    [
        "automl-cv detect {folder} {folder} {folder} | head -1",
        "automl-cv detect {folder} gone.png gone.png 2>&1 | true",
        pytest.param(
            "automl-cv evaluate {photos}/labels/detection.jsonl --images {photos} --json | head -1",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_reader_that_goes_away_is_no_error_of_ours(line, answering, folder):
    done = in_a_shell(line.format(folder=folder, photos=PHOTOS), **answering)
    assert done.err == ""
    assert done.code in (0, 141)  # 0 when all was written before the reader went


def test_a_reader_that_is_gone_from_the_start(answering, folder):
    """Nobody can be early here: the pipe is closed before the program is started."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        for words in (["detect", str(folder), "--json"], ["detect", str(folder)], ["--help"]):
            done = subprocess.run(
                [*PROGRAM, *words], stdout=writing, stderr=subprocess.PIPE, env={**os.environ, **answering}, timeout=60
            )
            assert (done.returncode, done.stderr) == (141, b""), words
    finally:
        os.close(writing)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_and_a_closed_stdout(answering, folder):
    done = in_a_shell(f"automl-cv detect {folder}/a-cat.png --json > /dev/full", **answering)
    assert (done.code, done.err) == (2, "automl-cv: cannot write the output: No space left on device\n")
    done = in_a_shell(f"automl-cv detect {folder}/a-cat.png >&-", **answering)
    assert (done.code, done.err) == (0, "")


def test_a_closed_stdin_is_an_empty_one(answering, tmp_path):
    done = in_a_shell(f"automl-cv batch run - --task image-object-detection --out {tmp_path}/job <&-", **answering)
    assert (done.code, done.err) == (1, "automl-cv: there are no images in standard input\n")


@pytest.mark.parametrize(
    "variables",
    [{"PYTHONIOENCODING": "ascii"}, pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0"}, marks=pytest.mark.slow)],
)
def test_any_label_on_any_terminal(variables, server, folder):
    label = "Käse 猫 🐈"
    server.steps = [Answer(body=boxes(label))]
    variables = {**variables, "AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}
    seen = run_apart("detect", folder / "a-cat.png", **variables)
    assert (seen.code, seen.err, "0.900" in seen.out) == (0, "", True)
    as_json = run_apart("detect", folder / "a-cat.png", "--json", **variables)
    assert as_json.json[0]["result"]["objects"][0]["label"] == label


def test_the_arrow_of_the_doctor_on_a_terminal_without_arrows():
    variables = {"AUTOML_CV_SCORING_URI": "http://127.0.0.1:9/score", "AUTOML_CV_KEY": "k"}
    told = run_apart("doctor", PYTHONIOENCODING="ascii", **variables)
    assert (told.code, told.err, "FAILED   port" in told.out) == (1, "", True)
    assert "\n           -> nothing listens there" in told.out


@pytest.mark.slow  # the test before it shows the arrow
def test_columns_stay_in_line_where_there_is_no_dash(answering):
    """A value that nobody can tell is a dash."""
    labels = PHOTOS / "labels" / "detection.jsonl"
    told = run_apart("evaluate", labels, "--images", PHOTOS, PYTHONIOENCODING="ascii", **answering)
    assert (told.code, told.err) == (0, "")
    metrics = [line for line in told.out.splitlines() if line.startswith("A")]
    assert len({len(line) for line in metrics}) == 1
    assert "AP small                   -" in metrics


def test_the_doctor_says_in_color_what_failed(tmp_path):
    variables: dict[str, Any] = {"AUTOML_CV_SCORING_URI": "http://127.0.0.1:9/score", "AUTOML_CV_KEY": "k"}
    file = tmp_path / "doctor.txt"
    seen = on_a_terminal("doctor", "--report", file, columns=200, **variables)
    assert seen.code == 1
    assert "\x1b[1;31mFAILED\x1b[0m" in seen.text
    assert "\x1b[" not in on_a_terminal("doctor", "--no-color", columns=200, **variables).text.replace("\x1b[K", "")
    assert "FAILED" in file.read_text(encoding="utf-8")
    assert "127.0.0.1" not in file.read_text(encoding="utf-8")

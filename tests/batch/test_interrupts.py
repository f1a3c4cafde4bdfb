"""Ctrl-C, a second process, and a full disk: each ends in one clear way, and the job resumes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from automl_cv_client import Client, Task, errors
from automl_cv_client.batch import export, score_folder, status
from tests.batch.jobs import RUN, images, lines, process, reply
from tests.capped import CappedServer, capped
from tests.timing import Stopwatch, is_within

ASYNC_RUN = (
    RUN.replace("import sys", "import asyncio, sys")
    .replace("import Client,", "import AsyncClient,")
    .replace("score_folder", "score_folder_async")
    .replace("with Client", "async def main():\n  async with AsyncClient")
    .replace("    print(flush=True)", "      print(flush=True)")
    .replace("    summary = ", "      summary = await ")
    .replace("print(summary.scored, flush=True)", "asyncio.run(main())")
)


def started(server: CappedServer, tmp_path: Path, code: str = RUN) -> subprocess.Popen[bytes]:
    """A run of which some requests have arrived."""
    words = [
        sys.executable,
        "-c",
        code,
        server.url,
        str(tmp_path / "in"),
        str(tmp_path / "out"),
        "image-object-detection",
    ]
    running = subprocess.Popen([*words, "4"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while len(server.received) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    return running


@pytest.mark.bar(16)
@pytest.mark.parametrize("code", [RUN, ASYNC_RUN], ids=["sync", "async"])
def test_the_first_interrupt_lets_requests_end(code: str, tmp_path: Path) -> None:
    images(tmp_path / "in", 60)
    with capped(reply(), service=0.2) as server:
        running = started(server, tmp_path, code)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=10)
        assert running.returncode in (-signal.SIGINT, 130), said
        assert b"KeyboardInterrupt" in said
        answered = server.statuses()[200]
        assert 2 <= status(tmp_path / "out").ok == answered < 60  # what was on its way was waited for, and kept
        with Client(server.url, "the-key") as client:
            server.service = 0
            assert score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION).ok == 60
        assert len(server.received) == 60


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, RUN), (signal.SIGHUP, ASYNC_RUN)], ids=["sync", "async"])
def test_a_signal_to_end_lets_requests_end_too(number: int, code: str, tmp_path: Path) -> None:
    """As a container, a service or a closed terminal gets it; their images are not paid for twice."""
    images(tmp_path / "in", 60)
    with capped(reply(), service=0.2) as server:
        running = started(server, tmp_path, code)
        running.send_signal(number)
        running.communicate(timeout=10)
        assert running.returncode == -number
        assert 2 <= status(tmp_path / "out").ok == server.statuses()[200] < 60


def test_a_signal_that_the_program_handles_is_its_own(tmp_path: Path) -> None:
    images(tmp_path / "in", 12)
    handling = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('mine', flush=True))\n" + RUN
    with capped(reply(), service=0.1) as server:
        running = started(server, tmp_path, handling)
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=20)
    assert (running.returncode, said[0].split()) == (0, [b"mine", b"12"])


@pytest.mark.parametrize("code", [RUN, ASYNC_RUN], ids=["sync", "async"])
def test_an_interrupt_ends_the_wait_for_an_endpoint_that_is_away(code: str, tmp_path: Path) -> None:
    images(tmp_path / "in", 60)
    with capped(reply(), service=0.01) as server:
        server.judge = lambda body, number: 503 if number > 6 else 200
        running = started(server, tmp_path, code)
        deadline = time.monotonic() + 10
        while server.statuses()[503] < 12 and time.monotonic() < deadline:
            time.sleep(0.01)
        sent = time.monotonic()
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=10)
        assert time.monotonic() - sent < 4
        found = status(tmp_path / "out")
        assert (found.ok, found.failed, found.total) == (6, 0, 60)


@pytest.mark.bar(16)
@pytest.mark.parametrize("code", [RUN, ASYNC_RUN], ids=["sync", "async"])
def test_the_second_interrupt_stops_at_once(code: str, tmp_path: Path) -> None:
    def interrupt_twice(watch: Stopwatch) -> None:
        folder = tmp_path / str(time.monotonic())
        images(folder / "in", 60)
        with capped(reply(), service=0.01) as server:
            server.judge = lambda body, number: hang(server) if number > 4 else 200
            running = started(server, folder, code)
            time.sleep(0.1)
            running.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert running.poll() is None
            with watch.running():
                running.send_signal(signal.SIGINT)
                running.communicate(timeout=10)
            assert running.returncode != 0

    is_within(1, interrupt_twice, at_most=1.5)


def test_a_run_in_the_background_of_a_script_leaves_interrupts_to_others(tmp_path: Path) -> None:
    """The shell starts it with SIGINT ignored; the Ctrl-C that ends the script is not meant for it."""
    images(tmp_path / "in", 12)
    ignoring = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + RUN
    with capped(reply(), service=0.1) as server:
        running = started(server, tmp_path, ignoring)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=20)
    assert (running.returncode, said[0].split()) == (0, [b"12"])


def hang(server: CappedServer) -> int:
    server.service = 60
    return 200


def test_a_second_process_fails_at_once(tmp_path: Path) -> None:
    images(tmp_path / "in", 30)
    with capped(reply(), service=0.1) as server:
        running = started(server, tmp_path)

        def refuse(watch: Stopwatch) -> None:
            refused = pytest.raises(errors.BatchError, match="another process")
            with Client(server.url, "the-key") as client, watch.running(), refused:
                score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)

        is_within(0.5, refuse, at_most=1)
        assert status(tmp_path / "out").total == 30  # looking is allowed
        export(tmp_path / "out")
        running.communicate(timeout=20)
        assert running.returncode == 0
    assert {line["status"] for line in lines(tmp_path / "out")} <= {"ok"}


FULL = (
    """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop()),) * 2)
"""
    + RUN
)


@pytest.mark.bar(17)
@pytest.mark.parametrize("room", [20_000, 120_000, 300_000])
def test_a_full_disk_is_one_clear_error(room: int, tmp_path: Path) -> None:
    """No file may grow above a size: what a full disk looks like to one process."""
    images(tmp_path / "in", 400)
    with capped(reply(), service=0.001) as server:
        words = [sys.executable, "-c", FULL, server.url, str(tmp_path / "in"), str(tmp_path / "out")]
        done = subprocess.run([*words, "image-object-detection", "8", str(room)], capture_output=True, timeout=60)
        last = done.stderr.decode().strip().splitlines()[-1]
        assert done.returncode == 1
        assert last.startswith("automl_cv_client.errors.BatchError: "), last
        assert "run the same command again" in last or "export again" in last
        with Client(server.url, "the-key") as client:
            assert score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION).ok == 400
    assert len(lines(tmp_path / "out")) == 400
    assert not [path for path in (tmp_path / "out").iterdir() if "partial" in path.name]


@pytest.mark.bar(17)
def test_an_export_to_a_full_disk_leaves_the_old_one(tmp_path: Path) -> None:
    images(tmp_path / "in", 200)
    with capped(reply(), service=0) as server, Client(server.url, "k") as client:
        score_folder(client, tmp_path / "in", tmp_path / "out", Task.DETECTION)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with pytest.raises(errors.BatchError, match="File too large"):
            export(tmp_path / "out", "jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(lines(tmp_path / "out")) == 200


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_an_output_that_is_no_folder(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9/score", "k") as client, pytest.raises(errors.BatchError, match="cannot"):
        score_folder(client, tmp_path, "/dev/full/out", Task.DETECTION)


def test_process_helper_prints_what_it_did(tmp_path: Path) -> None:
    images(tmp_path / "in", 3)
    with capped(reply(), service=0) as server:
        said, _ = process(server.url, tmp_path / "in", tmp_path / "out", Task.DETECTION).communicate(timeout=20)
    assert said.split() == [b"3"]

"""A trial drives a driver as the service does: real processes that fail, hang, die, drop rows and print."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client.batch import BatchTrial, read_batch_output, try_batch_endpoint
from automl_cv_client.errors import BatchError, InvalidInput

TASK = "image-object-detection"
BEGINNING = """
import json, os, sys, time
from pathlib import Path

NOTES = Path(os.environ["NOTES"])

def init():
    with (NOTES / "init").open("a") as file:
        file.write("x")

def first(path):
    "Whether this is the first try of an image, in whichever process."
    try:
        (NOTES / Path(path).name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True

def row(path):
    return json.dumps({"filename": path, "boxes": []})
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven images, two of them of one base name."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for name in ("0", "1", "2", "3", "4", "5", "inner/0"):
        Image.new("RGB", (8, 8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a batch endpoint of a driver, and settings as YAML."""
    notes = tmp_path / "notes"
    notes.mkdir()
    monkeypatch.setenv("NOTES", str(notes))

    def write(driver: str, settings: str = "") -> Path:
        folder = tmp_path / "endpoint"
        folder.mkdir(exist_ok=True)
        (folder / "driver.py").write_text(BEGINNING + textwrap.dedent(driver))
        (folder / "deployment.yml").write_text(
            "code_configuration: {code: ., scoring_script: driver.py}\n"
            f"settings: {{mini_batch_size: 2, {settings}}}\n"
        )
        return folder

    return write


def tried(folder: Path, photos: Path, **options: Any) -> BatchTrial:
    return try_batch_endpoint(folder, photos, task=TASK, **options)


def accounted(trial: BatchTrial) -> bool:
    """Rows in are rows out and rows reported: each image has one outcome."""
    names = [outcome.input for outcome in trial.output]
    return len(set(names)) == len(names) == trial.files


@pytest.mark.parametrize("processes", [1, 3])
def test_every_image_has_its_row_whatever_the_processes(processes: int, endpoint: Any, photos: Path) -> None:
    folder = endpoint("def run(mini_batch):\n    print('noise')\n    return [row(path) for path in mini_batch]")
    trial = tried(folder, photos, processes=processes)
    assert all(outcome.ok for outcome in trial.output)
    assert accounted(trial)
    assert (trial.files, trial.mini_batches, trial.rows, trial.retried, trial.failed) == (7, 4, 7, 0, 0)
    assert (trial.problems, trial.stopped) == ((), "")


@pytest.mark.parametrize(
    "returned",
    [
        "[[path, {'boxes': []}] for path in mini_batch]",
        "[[path, str({'boxes': []})] for path in mini_batch]",
        "(row(path) for path in mini_batch)",
        "__import__('pandas').DataFrame([[path, str({'boxes': []})] for path in mini_batch])",
        "__import__('pandas').DataFrame([[path, json.dumps({'boxes': []})] for path in mini_batch])",
        "__import__('pandas').DataFrame([[row(path)] for path in mini_batch])",
        "__import__('numpy').array([row(path) for path in mini_batch])",
    ],
)
def test_what_scripts_return_is_appended_as_the_service_does(returned: str, endpoint: Any, photos: Path) -> None:
    trial = tried(endpoint(f"def run(mini_batch):\n    return {returned}"), photos)
    assert [outcome.error for outcome in trial.output] == [None] * 7
    assert trial.rows == 7


FAILS_ONCE = {
    "raises": "raise RuntimeError('not yet')",
    "exits": "sys.exit(3)",
    "is slow": "time.sleep(60)",
    "dies": "os.kill(os.getpid(), 9)",
    "crashes": "os.abort()",
    "returns nothing": "return None",
    "returns a text": "return row(mini_batch[0])",
    "returns half a character": "return ['\\ud800'] * len(mini_batch)",
}


@pytest.mark.parametrize("fault", FAILS_ONCE.values(), ids=FAILS_ONCE)
def test_a_mini_batch_that_fails_once_is_retried_and_nothing_is_doubled(
    fault: str, endpoint: Any, photos: Path
) -> None:
    driver = f"""
    def run(mini_batch):
        if [path for path in mini_batch if path.endswith("3.png") and first(path)]:
            {fault}
        return [row(path) for path in mini_batch]
    """
    trial = tried(endpoint(driver, "retry_settings: {timeout: 1}"), photos, processes=2)
    assert all(outcome.ok for outcome in trial.output)
    assert accounted(trial)
    assert (trial.retried, trial.rows, trial.failed, trial.output.repeated) == (1, 7, 0, 0)
    (problem,) = trial.problems
    assert problem.endswith("; retried")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("raise RuntimeError('always')", "RuntimeError: always"),
        ("time.sleep(60)", "it took longer than 1 s"),
        ("os.kill(os.getpid(), 9)", "its process was ended by signal 9"),
        ("os._exit(7)", "its process ended with exit code 7"),
    ],
)
def test_one_that_always_fails_is_given_up_and_its_images_are_told(
    fault: str, says: str, endpoint: Any, photos: Path
) -> None:
    driver = f"""
    def run(mini_batch):
        if [path for path in mini_batch if path.endswith("3.png")]:
            {fault}
        return [row(path) for path in mini_batch]
    """
    trial = tried(endpoint(driver, "retry_settings: {timeout: 1, max_retries: 1}"), photos)
    lost = [outcome for outcome in trial.output if not outcome.ok]
    assert [Path(str(outcome.input)).name for outcome in lost] == ["2.png", "3.png"]
    assert all("the output has no row for it" in str(outcome.error) for outcome in lost)
    assert (trial.retried, trial.failed, trial.rows) == (1, 2, 5)
    assert all(says in problem for problem in trial.problems)
    assert trial.problems[-1].endswith("its 2 images failed")


def test_a_dropped_row_is_told(endpoint: Any, photos: Path) -> None:
    trial = tried(endpoint("def run(m):\n    return [row(path) for path in m if not path.endswith('3.png')]"), photos)
    (lost,) = [outcome for outcome in trial.output if not outcome.ok]
    assert "photos/3.png: the output has no row for it" in str(lost.error)
    assert (trial.failed, trial.rows) == (1, 6)
    assert "the driver returned 1 rows for 2 images" in trial.problems[0]


def test_a_doubled_row_is_told(endpoint: Any, photos: Path) -> None:
    trial = tried(
        endpoint("def run(m):\n    return [row(path) for path in m for _ in range(1 + path.endswith('3.png'))]"), photos
    )
    assert all(outcome.ok for outcome in trial.output)
    assert (trial.failed, trial.rows, trial.output.repeated) == (0, 8, 1)
    assert "the driver returned 3 rows for 2 images" in trial.problems[0]


def test_base_names_alone_are_no_names(endpoint: Any, photos: Path) -> None:
    """What Microsoft's generated driver for MLflow models writes."""
    driver = "def run(m):\n    return [[os.path.basename(path), {'boxes': []}] for path in m]"
    trial = tried(endpoint(driver), photos)
    errors = [str(outcome.error) for outcome in trial.output if not outcome.ok]
    assert sum("two files could be meant, '0.png' and 'inner/0.png'" in error for error in errors) == 2
    assert sum("has no row for it" in error for error in errors) == 2


def test_more_failures_than_the_threshold_end_the_job(endpoint: Any, photos: Path) -> None:
    driver = "def run(mini_batch):\n    raise RuntimeError('always')"
    trial = tried(endpoint(driver, "error_threshold: 3, retry_settings: {max_retries: 0}"), photos)
    assert 3 < trial.failed < 7
    assert trial.stopped == f"{trial.failed} images failed, and error_threshold is 3"
    assert len(trial.output) == 7
    ignored = tried(endpoint(driver, "error_threshold: -1, retry_settings: {max_retries: 0}"), photos)
    assert (ignored.failed, ignored.stopped) == (7, "no mini-batch returned a row: the service fails such a job")


def test_a_driver_may_write_files_of_its_own(endpoint: Any, photos: Path, tmp_path: Path) -> None:
    driver = """
    def run(mini_batch):
        name = f"rows_{Path(mini_batch[0]).stem}{len(mini_batch)}.jsonl"
        Path(os.environ["AZUREML_BI_OUTPUT_PATH"], name).write_text("\\n".join(map(row, mini_batch)))
        return mini_batch
    """
    trial = tried(endpoint(driver, "output_action: summary_only"), photos, out=tmp_path / "out", processes=2)
    assert all(outcome.ok for outcome in trial.output)
    assert not (tmp_path / "out" / "predictions.csv").exists()


@pytest.mark.parametrize(
    ("init", "says"),
    [
        ("def init():\n    raise ValueError('no model')", "init of driver.py failed: ValueError: no model"),
        ("import gone_library", "ModuleNotFoundError"),
        ("def init(:", "SyntaxError"),
        ("init = None", "has no function init()"),
        ("def init():\n    print('loading'); os._exit(4)", "its process ended with exit code 4\n  loading"),
    ],
)
def test_a_driver_that_cannot_begin_says_why(init: str, says: str, endpoint: Any, photos: Path) -> None:
    with pytest.raises(BatchError) as raised:
        tried(endpoint(f"def run(m): ...\n\n{init}"), photos, processes=2)
    assert says in str(raised.value).replace("loading\n", "loading")


def test_processes_begin_once_each_and_again_after_a_death(endpoint: Any, photos: Path, tmp_path: Path) -> None:
    dies = "[os._exit(1) for path in m if path.endswith('3.png') and first(path)]"
    driver = f"def run(m):\n    {dies}\n    return [*map(row, m)]"
    assert tried(endpoint(driver), photos).retried == 1
    assert (tmp_path / "notes" / "init").read_text() == "xx"


def test_rows_that_were_written_stay_readable(endpoint: Any, photos: Path, tmp_path: Path) -> None:
    folder = endpoint("def run(mini_batch):\n    print('a word')\n    return [row(path) for path in mini_batch]")
    tried(folder, photos, out=tmp_path / "out")
    assert [file.name for file in sorted((tmp_path / "out").iterdir())] == ["predictions.csv", "worker-1.log"]
    assert "a word" in (tmp_path / "out" / "worker-1.log").read_text()
    again = read_batch_output(tmp_path / "out" / "predictions.csv", task=TASK, images=photos)
    assert all(outcome.ok for outcome in again)
    with pytest.raises(InvalidInput, match="it is not empty"):
        tried(folder, photos, out=tmp_path / "out")


def test_variables_of_the_deployment_are_set_unless_they_are_here(
    endpoint: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = "def run(m):\n    assert os.environ['A'] == '1' and os.environ['B'] == 'here'\n    return [*map(row, m)]"
    monkeypatch.setenv("B", "here")
    folder = endpoint(driver, f"environment_variables: {{A: 1, B: there, AUTOML_CV_TASK: {TASK}}}")
    trial = try_batch_endpoint(folder, photos)
    assert (trial.rows, trial.problems) == (7, ())


def test_files_that_are_no_images_are_handed_over_and_passed_over(endpoint: Any, photos: Path) -> None:
    """The service hands a script all files of the folder."""
    for name in ("notes.txt", "._0.png", "@eaDir/0.png", "scored"):
        file = photos / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes((photos / "0.png").read_bytes() if name == "scored" else b"no image")
    driver = """
    def run(mini_batch):
        return [row(p) if p.endswith((".png", "scored")) and "/." not in p and "@" not in p
                else json.dumps({"filename": p, "error": "no image"}) for p in mini_batch]
    """
    trial = tried(endpoint(driver), photos)
    assert all(outcome.ok for outcome in trial.output)
    assert (trial.files, trial.rows, len(trial.output), trial.output.passed_over) == (11, 11, 8, 3)
    assert str(trial.output[-1].input).endswith("scored")  # a result is never dropped


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"task": None}, "name the task"),
        ({"mini_batch_size": 0}, "mini_batch_size must be a whole number from 1 on"),
        ({"processes": True}, "processes must be a whole number from 1 on"),
        ({"model": "gone"}, "there is no such model"),
        ({"threshold": 2}, "threshold"),
        ({"images": "gone"}, "there is no such folder of images"),
        ({"images": "empty"}, "there are no files in this folder"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    options: dict[str, Any], says: str, endpoint: Any, photos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=says):
        try_batch_endpoint(**{"folder": endpoint("def run(m): ..."), "images": photos, "task": TASK, **options})


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interrupt_leaves_no_process_behind(endpoint: Any, photos: Path, tmp_path: Path) -> None:
    driver = "def run(m):\n    (NOTES / f'pid-{os.getpid()}').touch(); time.sleep(100)"
    words = ["batch-endpoint", "try", str(endpoint(driver)), str(photos), "--task", TASK, "--workers", "2"]
    running = subprocess.Popen([sys.executable, "-m", "automl_cv_client", *words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while len(pids := [*(tmp_path / "notes").glob("pid-*")]) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    assert (running.wait(timeout=20), len(pids)) == (130, 2)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.name.partition("-")[2]), 0)


def test_names_may_be_anything(endpoint: Any, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [
        b"two\nlines.png",
        b'say "cheese".png',
        b"K\xc3\xa4se.png",
        b"latin-\xe9.png",
        b"=1+1.png",
        b"[x], {y}.png",
    ]
    for name in names:
        Image.new("RGB", (8, 8)).save(folder / "x.png")
        os.rename(folder / "x.png", os.path.join(os.fsencode(folder), name))
    trial = tried(endpoint("def run(mini_batch):\n    return [row(path) for path in mini_batch]"), folder)
    assert [outcome.error for outcome in trial.output] == [None] * len(names)
    assert {os.path.basename(os.fsencode(str(outcome.input))) for outcome in trial.output} == set(names)
    assert json.dumps(str(trial.output[0].input))

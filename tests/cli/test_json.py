"""--json: every command that prints has it, and then prints one JSON value on stdout and nothing else there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import Detections, Task
from automl_cv_client.batch import init_batch_endpoint, score_folder
from automl_cv_client.cli.text import in_json
from automl_cv_client.local import LocalEndpoint
from tests.cli.conftest import Ended, run
from tests.cli.test_serve import read_line, serving
from tests.cli.tree import COMMANDS, options_of
from tests.conftest import PHOTOS
from tests.servers import Answer, boxes

LABELS = PHOTOS / "labels" / "detection.jsonl"
TASKS = {
    "segment": Task.SEGMENTATION,
    "classify": Task.CLASSIFICATION,
    "classify-multilabel": Task.MULTILABEL,
    "explain": Task.CLASSIFICATION,
}
RUNS: dict[str, tuple[str, type]] = {
    "demo": ("demo {cat} --out {new}", list),
    "detect": ("detect {cat} {missing} --out {new}", list),
    "segment": ("segment {cat}", list),
    "classify": ("classify {cat}", list),
    "classify-multilabel": ("classify-multilabel {cat}", list),
    "explain": ("explain {cat} --algorithm guided_gradcam --out {new}.png", dict),
    "doctor": ("doctor --task image-object-detection", dict),
    "plan": ("plan --images 1e4 --mean-bytes 2e4 --model-ms 120", dict),
    "evaluate": ("evaluate {labels} --images {photos} --report {new}.html --store {new}.jsonl", dict),
    "compare": ("compare {labels} --results {stored} --results {stored} --draws 20", dict),
    "dataset check": ("dataset check {labels} --images {photos}", dict),
    "dataset convert": ("dataset convert {labels} {new}.json --to coco", list),
    "batch run": ("batch run {folder} --task image-object-detection --out {new}", dict),
    "batch status": ("batch status {job}", dict),
    "batch export": ("batch export {job} --format csv", dict),
    "batch-endpoint init": ("batch-endpoint init {new} --task image-classification --model onnx", dict),
    "batch-endpoint try": ("batch-endpoint try {batch_endpoint} {folder}", dict),
    "batch read": ("batch read {output} --task image-object-detection --images {photos}", dict),
}
"""Arguments, and what the JSON is; ``serve`` has a test of its own."""


@pytest.fixture(scope="session")
def job(endpoint: LocalEndpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished batch job over the labelled photos."""
    from automl_cv_client import Client

    out = tmp_path_factory.mktemp("job") / "out"
    with Client(endpoint.scoring_uri_of(Task.DETECTION), endpoint.key) as client:
        score_folder(client, PHOTOS, out, Task.DETECTION)
    return out


def photo_names() -> list[str]:
    return [path.name for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg")]


@pytest.fixture
def told(endpoint: LocalEndpoint, job: Path, folder: Path, tmp_path: Path) -> Any:
    """Runs a command with --json, and returns how it ended."""
    places = {
        "cat": folder / "a-cat.png",
        "missing": folder / "gone.png",
        "folder": folder,
        "photos": PHOTOS,
        "labels": LABELS,
        "job": job,
        "stored": job / "results.jsonl",
        "new": tmp_path / "new",
        "output": tmp_path / "predictions.csv",
        "batch_endpoint": tmp_path / "batch-endpoint",
    }
    init_batch_endpoint(places["batch_endpoint"], Task.DETECTION, "online")
    places["output"].write_text("".join(f'{name} "{{""boxes"": []}}"\n' for name in photo_names()))

    def tell(name: str) -> Ended:
        uri = endpoint.scoring_uri_of(TASKS.get(name, Task.DETECTION))
        variables = {"AUTOML_CV_SCORING_URI": uri, "AUTOML_CV_KEY": endpoint.key}
        return run(*(word.format(**places) for word in RUNS[name][0].split()), "--json", **variables)

    return tell


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_it(path):
    assert "--json" in options_of(COMMANDS[path])


def test_every_command_is_run_here():
    assert {tuple(name.split()) for name in RUNS} | {("serve",)} == set(COMMANDS)


@pytest.mark.parametrize("name", RUNS)
def test_it_is_json_and_nothing_else(name, told):
    done = told(name)
    assert done.code == (1 if name == "detect" else 0), done.err  # one of its images is missing
    assert isinstance(done.json, RUNS[name][1])
    assert done.out.isascii()
    assert done.err == ""


def test_serve_prints_one_line():
    with serving("--task", "image-object-detection", "--json") as process:
        told = json.loads(read_line(process))
    assert set(told) == {"key", "scoring_uris", "status_uri"}
    assert list(told["scoring_uris"]) == ["image-object-detection"]


def test_what_was_written_is_told(told, tmp_path, job):
    assert told("dataset convert").json == [{"file": str(tmp_path / "new.json"), "count": 4, "unit": "images"}]
    assert told("batch export").json == {"file": str(job / "results.csv"), "format": "csv"}


@pytest.mark.parametrize("name", RUNS)
def test_a_failure_of_the_whole_command_is_json_too(name):
    """Here a usage error of each command."""
    done = run(*name.split(), "--nonsense", "--json")
    assert (done.code, done.json["error"]["type"]) == (2, "UsageError")
    assert done.err == f"automl-cv: {done.json['error']['message']}\n"
    assert f"see automl-cv {name} --help" in done.err


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("detect x.png", "InvalidInput"),
        ("batch status {tmp}", "BatchError"),
        ("dataset check {tmp}/gone", "InvalidInput"),
        ("explain {tmp}", "UsageError"),
        ("evaluate {labels} --images {photos} --report a.pdf", "UsageError"),
        ("serve --labels a.json", "InvalidInput"),
    ],
)
def test_the_error_of_a_command_that_does_nothing_is_told_by_its_type(line, kind, tmp_path):
    done = run(*(word.format(tmp=tmp_path, labels=LABELS, photos=PHOTOS) for word in line.split()), "--json")
    assert (done.code, done.json["error"]["type"]) == (2, kind)
    assert done.err == f"automl-cv: {done.json['error']['message']}\n"


def test_a_list_that_was_begun_has_no_second_value_after_it(server, folder, monkeypatch):
    """The folder for the drawings goes away in between."""
    server.steps = [Answer(body=boxes("cat"))]
    out = folder / "drawn"
    monkeypatch.setattr("automl_cv_client.cli.images.Drawings._target", lambda *_: out / "gone" / "a.jpg")
    done = run("detect", folder / "a-cat.png", "--out", out, "--json", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.json) == (2, [])
    assert "cannot write" in done.err


def test_not_a_number_is_still_json_that_reads_back(server, folder):
    server.steps = [Answer(body=boxes("cat", score=float("nan")))]
    done = run("detect", folder / "a-cat.png", "--json", "--uri", server.url, AUTOML_CV_KEY="k")
    assert done.code == 0, done.err
    score = Detections.model_validate(done.json[0]["result"])[0].score
    assert score != score


def test_every_number_has_a_word_in_json():
    told = json.loads(in_json({"a": [float("nan"), 1.5], "b": (float("inf"), -float("inf"))}))
    assert told == {"a": ["NaN", 1.5], "b": ["Infinity", "-Infinity"]}


def test_a_file_name_of_any_bytes(server, folder, tmp_path):
    name = tmp_path / "caf\udce9.png"
    shutil.copy(folder / "a-cat.png", name)
    server.steps = [Answer(body=boxes("cat"))]
    done = run("detect", name, "--json", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.json[0]["path"]) == (0, str(name))

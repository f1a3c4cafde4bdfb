"""evaluate, compare and dataset: against the local endpoint, over the photos."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from automl_cv_client import Task
from automl_cv_client.local import LocalEndpoint
from tests.cli.conftest import run
from tests.conftest import PHOTOS
from tests.servers import Answer, Received, ScriptedServer, boxes

LABELS = PHOTOS / "labels"


@pytest.mark.parametrize(
    ("task", "name", "metric", "least"),
    [
        (Task.DETECTION, "detection", "mAP", 0.4),
        (Task.SEGMENTATION, "segmentation", "AP50", 0.3),
        (Task.CLASSIFICATION, "classification", "accuracy", 0.5),
        (Task.MULTILABEL, "multilabel", "micro F1", 0.7),
    ],
)
def test_the_photographs_are_measured_through_the_endpoint(endpoint, tmp_path, task, name, metric, least):
    labels, stored, page = LABELS / f"{name}.jsonl", tmp_path / "results.jsonl", tmp_path / "report.html"
    variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri_of(task), "AUTOML_CV_KEY": endpoint.key}
    done = run(
        "evaluate", labels, "--images", PHOTOS, "--store", stored, "--report", page, "--json", **variables
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["metrics"][metric] >= least
    assert done.json["image_count"] == 4
    assert done.json["metrics"]["seconds a call (p50)"] > 0
    text = page.read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in text
    assert endpoint.key not in text + stored.read_text(encoding="utf-8") + done.out
    again = run("evaluate", labels, "--results", stored, "--json")
    assert again.json["metrics"] == done.json["metrics"]
    told = run("evaluate", labels, "--results", stored, "--report", tmp_path / "a.md")
    assert metric in told.out
    assert f"report: {tmp_path / 'a.md'}" in told.out


def test_two_deployments_of_one_model_do_not_differ(tmp_path):
    with LocalEndpoint(Task.DETECTION, deployments=("blue", "green")) as endpoint:
        variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri, "AUTOML_CV_KEY": endpoint.key}
        done = run(
            "compare", LABELS / "detection.jsonl", "--images", PHOTOS, "--deployment", "blue", "--deployment", "green",
            "--draws", 50, "--report", tmp_path / "c.html", "--json", **variables,
        )  # fmt: skip
    assert done.code == 0, done.err
    assert {side["verdict"] for side in done.json["sides"]} == {"no clear difference"}
    assert (done.json["image_count"], done.json["disagreeing"]) == (4, 0)
    assert (done.json["a"]["name"], done.json["b"]["name"]) == ("blue", "green")
    assert "green against blue" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_images_without_a_result_end_in_exit_code_1(endpoint, tmp_path):
    variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri_of(Task.CLASSIFICATION), "AUTOML_CV_KEY": endpoint.key}
    rows = [{"image_url": name, "label": "espresso"} for name in ("coffee.png", "gone.png")]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("evaluate", labels, "--images", PHOTOS, **variables)
    assert done.code == 1
    assert "1 labelled images have no result" in done.out


def test_an_endpoint_of_another_task_is_not_asked_for_every_image(endpoint, tmp_path):
    variables = {"AUTOML_CV_SCORING_URI": endpoint.scoring_uri_of(Task.DETECTION), "AUTOML_CV_KEY": endpoint.key}
    done = run("evaluate", LABELS / "classification.jsonl", "--images", PHOTOS, **variables)
    assert (done.code, done.out) == (2, "")
    assert "stopped, as no call to the endpoint succeeds" in done.err
    assert "this endpoint answers with boxes" in done.err


@contextmanager
def deployments(**answers: Answer) -> Iterator[dict[str, Any]]:
    """An endpoint with deployments that answer each in their way; gives the variables, and what was asked of whom."""
    asked: list[str] = []

    class Endpoint(ScriptedServer):
        def step_for(self, request: Received) -> Answer:
            asked.append(request.headers["azureml-model-deployment"])
            return answers[asked[-1]]

    server = Endpoint()
    server.start()
    try:
        yield {"asked": asked, "variables": {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k"}}
    finally:
        server.stop()


WELL = Answer(body=boxes("cup"))
CUP = {"image_url": "", "label": [{"label": "cup", "topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}]}
PAIR = ("--deployment", "blue", "--deployment", "green")


@pytest.mark.parametrize(
    ("green", "calls", "says"),
    [
        (Answer(404), 1, "there is no deployment 'green'"),
        (Answer(401), 1, "401"),
        (Answer(200, b'[{"probs": [1.0], "labels": ["cup"]}]'), 3, "no call to deployment green succeeds"),
        (Answer(424, headers={"ms-azureml-model-error-statuscode": "400"}), 3, "no call to deployment green succeeds"),
    ],
    ids=["gone", "refused", "another task", "broken"],
)
def test_a_comparison_ends_when_one_of_the_two_is_dead(green, calls, says, tmp_path):
    """And not after every image was sent to both in vain."""
    rows = [row | {"image_url": f"{number}.png"} for number, row in enumerate([CUP] * 60)]
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for row in rows:
        (tmp_path / row["image_url"]).symlink_to(PHOTOS / "coffee.png")
    with deployments(blue=WELL, green=green) as endpoint:
        done = run("compare", tmp_path / "labels.jsonl", "--images", tmp_path, *PAIR, **endpoint["variables"])
    assert (done.code, done.out) == (2, "")
    (told,) = done.err.splitlines()
    assert says in told
    assert calls <= endpoint["asked"].count("green") <= calls + 12  # of 60 images: those that were in flight
    assert endpoint["asked"].count("blue") <= calls + 12


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_failures_after_a_success_end_nothing(command, server):
    broken = Answer(424, headers={"ms-azureml-model-error-statuscode": "400"})
    pair = PAIR if command == "compare" else ()
    received: list[bytes] = []

    first = json.loads((LABELS / "detection.jsonl").read_text().partition("\n")[0])["image_url"].rpartition("/")[2]
    good = base64.b64encode((PHOTOS / first).read_bytes())  # not whichever comes first: two are on their way at once

    def step_for(request: Received) -> Answer:
        received.append(request.body)
        return WELL if good in request.body else broken

    server.step_for = step_for
    draws = ("--draws", 20) if pair else ()
    words = (command, LABELS / "detection.jsonl", "--images", PHOTOS, *pair, *draws, "--uri", server.url, "--json")
    done = run(*words, AUTOML_CV_KEY="k")
    assert (done.code, done.json["image_count"], done.err) == (1, 1, "")
    assert len(received) == 4 * (2 if pair else 1)


def test_one_deployment_may_be_compared_with_itself():
    with deployments(blue=WELL) as endpoint:
        twice = ("--deployment", "blue", "--deployment", "blue")
        words = ("compare", LABELS / "detection.jsonl", "--images", PHOTOS, *twice, "--draws", 20, "--json")
        done = run(*words, **endpoint["variables"])
    assert done.code == 0, done.err
    assert (done.json["image_count"], done.json["disagreeing"]) == (4, 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", LABELS / "detection.jsonl", "--results", "gone.jsonl"], "cannot read gone.jsonl"),
        (["evaluate", LABELS / "detection.jsonl", "--images", PHOTOS], "set AUTOML_CV_SCORING_URI"),
        (["compare", LABELS / "detection.jsonl", "--deployment", "blue"], "compare takes two of each"),
        (["compare", LABELS / "detection.jsonl", "--deployment", "a", "--deployment", "b"], "--images DIR"),
        (["dataset", "check", "gone.jsonl"], "cannot read gone.jsonl"),
        (["dataset", "convert", LABELS / "detection.jsonl", "x", "--to", "folders"], "'folders' is not one of"),
    ],
)
def test_wrong_use_is_2_with_what_to_do(arguments, says):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_training_file_is_checked(tmp_path):
    done = run("dataset", "check", LABELS / "detection.jsonl", "--images", PHOTOS)
    assert done.code == 0
    assert "image-object-detection, 4 rows, 6 classes" in done.out
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"image_url": "a.jpg", "label": "cat"}\n{"image_url": "\x1b[31m"}\n')
    done = run("dataset", "check", bad, "--json")
    assert (done.code, done.json["ok"]) == (1, False)
    assert done.json["found"][0]["line"] == 2
    assert "\x1b" not in run("dataset", "check", bad).out


@pytest.mark.parametrize("form", ["coco", "voc", "yolo"])
def test_labels_go_there_and_back(tmp_path, form):
    there, back = tmp_path / ("a.json" if form == "coco" else "folder"), tmp_path / "back" / "train.jsonl"
    back.parent.mkdir()
    assert run("dataset", "convert", LABELS / "detection.jsonl", there, "--to", form).code == 0
    extra = ["--images", PHOTOS] if form == "yolo" else []
    done = run("dataset", "convert", there, back, "--from", form, "--prefix", "photos/", "--validation", 0.25, *extra)
    assert done.code == 0, done.err
    assert "4 rows" in done.out  # each class is there once: none can be held back
    assert sorted(file.name for file in back.parent.iterdir()) == ["MLTable", "train-validation.jsonl", "train.jsonl"]
    assert run("dataset", "check", back, "--images", PHOTOS, "--strict").code == 0


@pytest.mark.parametrize("command", [("evaluate",), ("compare",), ("dataset", "check"), ("dataset", "convert")])
def test_help_is_plain(command):
    done = run(*command, "--help")
    assert done.code == 0
    assert done.out.isascii()


def test_a_live_evaluation_as_a_job_is_not_scored_twice(endpoint, tmp_path):
    """The second run finds every image recorded, so a key that is no longer valid does no harm."""
    labels = LABELS / "detection.jsonl"
    command = ("evaluate", labels, "--images", PHOTOS, "--job", tmp_path / "job", "--json")
    variables = {
        "AUTOML_CV_SCORING_URI": endpoint.scoring_uri_of(Task.DETECTION),
        "AUTOML_CV_KEY": endpoint.key,
    }
    first = run(*command, **variables)
    assert first.code == 0, first.err
    assert first.json["image_count"] == 4
    assert first.json["metrics"]["mAP"] >= 0.4
    ledger = (tmp_path / "job" / "ledger.sqlite").stat().st_mtime_ns
    again = run(*command, **{**variables, "AUTOML_CV_KEY": "no-longer-valid"})
    assert again.code == 0, again.err
    assert again.json["metrics"]["mAP"] == first.json["metrics"]["mAP"]
    assert (tmp_path / "job" / "ledger.sqlite").stat().st_mtime_ns >= ledger

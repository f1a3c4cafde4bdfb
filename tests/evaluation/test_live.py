"""Labelled images are scored as a stream: an image that fails costs itself, a refused key ends the run."""

from __future__ import annotations

import json

import pytest

from automl_cv_client import Client, errors
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.dataset import row_of
from automl_cv_client.evaluation import evaluate, score_rows
from automl_cv_client.evaluation.live import score_side_by_side
from automl_cv_client.task import Task
from tests.capped import capped
from tests.conftest import PHOTOS
from tests.servers import Answer, boxes

CUP = {"label": "cup", "topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}


def rows(*names: str):
    return [row_of({"image_url": f"azureml://datastores/d/paths/x/{name}", "label": [CUP]}) for name in names]


def test_each_image_ends_in_one_answer(server, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    (tmp_path / "coffee.png").symlink_to(PHOTOS / "coffee.png")
    server.steps = [Answer(body=boxes("cup")), Answer(400, b'{"message": "no"}'), Answer(body=boxes("cup"))]
    labelled = rows("coffee.png", "notes.png", "gone.png")
    with Client(server.url, "the-key") as client:
        answers = dict(score_rows(client, labelled, tmp_path))
    kinds = [type(outcome.error) for outcome in answers.values()]
    assert kinds == [type(None), errors.ImageError, errors.ImageError]
    assert [outcome.index for outcome in answers.values()] == [0, 1, 2]
    assert len(server.received) == 1
    report = evaluate(answers, labelled)
    assert (report.image_count, len(report.left_out)) == (1, 2)


def test_a_refused_key_ends_the_run_at_once(server):
    server.steps = [Answer(401, json.dumps({"message": "key"}).encode())]
    with Client(server.url, "the-key") as client, pytest.raises(errors.AuthenticationFailed):
        list(score_rows(client, rows(*["coffee.png", "chelsea.png", "rocket.jpg"] * 20), PHOTOS))
    assert len(server.received) <= 5  # of 60: so many refusals in a row end a stream, and the first ends the run


def test_images_are_scored_as_they_are_asked_for(server):
    server.steps = [Answer(body=boxes("cup"))]
    with Client(server.url, "the-key") as client:
        answers = score_rows(client, rows(*["coffee.png", "chelsea.png"] * 50), PHOTOS)
        assert server.received == []
        name, outcome = next(answers)
        assert len(server.received) <= 10
        answers.close()  # type: ignore[attr-defined]
    assert name.endswith("coffee.png")
    assert outcome.unwrap()[0].label == "cup"  # type: ignore[index]
    assert rows("a")[0].task is Task.DETECTION


def test_several_are_in_flight_and_stay_in_order(tmp_path):
    """Side by side, as a comparison scores them; images that are not there are passed over, each in its place."""
    names = [f"{number}.png" for number in range(30)]
    for number, name in enumerate(names):
        if number % 7:
            (tmp_path / name).write_bytes(grey_png(8 + number))
    with capped(cap=4, service=0.02) as server, Client(server.url, "k") as client:
        found = list(score_side_by_side([client, client.with_options(deployment="b")], rows(*names), tmp_path))
        assert server.most_in_flight >= 4
    assert [(which, url.rpartition("/")[2]) for which, url, _ in found] == [(w, n) for n in names for w in (0, 1)]
    assert [outcome.index for _, _, outcome in found] == [number for number in range(30) for _ in (0, 1)]
    assert [outcome.ok for _, _, outcome in found] == [bool(number % 7) for number in range(30) for _ in (0, 1)]

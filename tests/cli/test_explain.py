"""explain: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from automl_cv_client import Classification, Task
from tests.cli.conftest import run
from tests.explanations import figure, numbers, reply, row
from tests.servers import Answer


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    return image


def test_a_image_is_explained_for_people(endpoint, variables, folder, tmp_path):
    uri = endpoint.scoring_uri_of(Task.CLASSIFICATION)
    heat, panels = tmp_path / "heat.png", tmp_path / "panels.png"
    done = run("explain", folder / "a-cat.png", "--algorithm", "guided_backprop", "--out", heat,
               "--figure", panels, "--uri", uri, **variables)  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "explained by guided_backprop" in done.out
    assert opened(heat).size == (300, 200)
    assert opened(panels).size == (1157, 1181)


def test_json_reads_back_as_the_result(server, folder, tmp_path):
    server.steps = [Answer(body=reply(row([0.1, 0.9], figure((9, 9)), numbers().tolist())))]
    done = run("explain", folder / "a-cat.png", "--json", "--out", tmp_path / "a.npy",
               AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")  # fmt: skip
    result = Classification.model_validate(done.json)
    assert result.explanation is not None
    assert np.array_equal(np.load(tmp_path / "a.npy"), numbers())
    sent = json.loads(server.received[0].images[0])["xai_parameters"]
    assert (sent["attributions"], sent["visualizations"]) == (True, False)


def test_an_error_is_json_too(server, folder):
    server.steps = [Answer(body=b'[{"boxes": []}]')]
    done = run("explain", folder / "a-cat.png", "--json", AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.err) == (1, "")
    assert (done.json["task"], done.json["error"]["type"]) == ("image-classification", "UnexpectedReply")


def test_several_labels_have_files_of_their_own(server, folder, tmp_path):
    body = row([0.9, 0.1, 0.8], None, [numbers().tolist()] * 2)
    server.steps = [Answer(body=reply({**body, "labels": ["../../a cat", "b", "c"]}))]
    done = run("explain", folder / "a-cat.png", "--multilabel", "--out", tmp_path / "heat.png",
               AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")  # fmt: skip
    assert done.code == 0
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["heat.1-acat.png", "heat.2-c.png"]
    server.steps = [Answer(body=reply(row([0.5], None, None)))]
    done = run("explain", folder / "a-cat.png", "--multilabel", AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")
    assert (done.code, "no label above 0.5" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--algorithm", "shap"], "use xrai, integrated_gradients, guided_gradcam, guided_backprop"),
        (["--steps", "1"], "--steps"),
        (["--threshold", "2"], "--threshold"),
    ],
)
def test_bad_options_are_refused_with_what_is_allowed(arguments, words, server, folder):
    done = run("explain", folder / "a-cat.png", *arguments, AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")
    assert done.code == 2
    assert words in done.err
    assert server.received == []


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_sent(server, folder, tmp_path):
    done = run("explain", folder / "a-cat.png", "--out", tmp_path / "none" / "heat.png",
               AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")  # fmt: skip
    assert (done.code, server.received) == (2, [])
    assert f"there is no folder {tmp_path / 'none'}" in done.err


def test_a_disk_that_is_full_in_the_end_is_said(server, folder, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("automl_cv_client.results.Explanation.save", full)
    server.steps = [Answer(body=reply(row([0.9], None, numbers().tolist())))]
    done = run("explain", folder / "a-cat.png", "--out", tmp_path / "heat.png",
               AUTOML_CV_SCORING_URI=server.url, AUTOML_CV_KEY="k")  # fmt: skip
    assert (done.code, "No space left on device" in done.err) == (2, True)

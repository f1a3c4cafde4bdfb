"""detect, segment, classify and classify-multilabel: what they print, write and exit with."""

from __future__ import annotations

import os

import pytest
from PIL import Image

from automl_cv_client import Classification, Client, Detections, Instances, MultilabelClassification, Result, Task
from automl_cv_client.cli.words import words_of
from tests.cli.conftest import run
from tests.servers import Answer, boxes

COMMANDS: dict[str, tuple[Task, type[Result], str]] = {
    "detect": (Task.DETECTION, Detections, "cat"),
    "segment": (Task.SEGMENTATION, Instances, "cat"),
    "classify": (Task.CLASSIFICATION, Classification, "cat"),
    "classify-multilabel": (Task.MULTILABEL, MultilabelClassification, "cat"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_is_scored_in_order_for_people(command, endpoint, variables, folder):
    uri = endpoint.scoring_uri_of(COMMANDS[command][0])
    done = run(command, folder, "--uri", uri, **variables)
    assert (done.code, done.err) == (0, "")
    first, second = done.out.index("a-cat.png"), done.out.index("b-coffee.JPG")
    assert first < done.out.index("cat  ", first + 10) < second
    assert "notes" not in done.out


def test_what_may_be_an_image_and_is_passed_over_is_told(server, folder, tmp_path):
    server.steps = [Answer(body=boxes("cat"))] * 4
    (folder / "._a-cat.png").write_bytes(b"left by macOS")
    done = run("detect", folder, "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.err) == (0, f"automl-cv: {folder}: passed over 1 hidden file\n")
    assert "._" not in done.out
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "a-cat.png").rename(folder / ".ipynb_checkpoints" / "a-cat.png")
    done = run("detect", folder / "**" / "*.[Jp]*", "--uri", server.url, AUTOML_CV_KEY="k")
    passed_over = "2 hidden files, 1 folder of the system or of another program"
    assert (done.code, done.err) == (0, f"automl-cv: {folder}/**/*.[Jp]*: passed over {passed_over}\n")
    done = run("detect", folder / ".ipynb_checkpoints" / "*.png", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.err) == (0, "")  # it was named


@pytest.mark.parametrize("command", COMMANDS)
def test_json_reads_back_as_the_result(command, endpoint, variables, folder):
    task, kind, label = COMMANDS[command]
    done = run(command, folder / "a-cat.png", "--json", "--uri", endpoint.scoring_uri_of(task), **variables)
    (entry,) = done.json
    assert (done.code, entry["path"], entry["task"]) == (0, str(folder / "a-cat.png"), task.value)
    result = kind.model_validate(entry["result"])
    assert isinstance(result, kind)
    assert label in words_of(result)[0][0]


def test_boxes_are_printed_in_pixels(server, folder):
    server.steps = [Answer(body=boxes("cat", score=0.87654))]
    done = run("detect", folder / "a-cat.png", "--uri", server.url, AUTOML_CV_KEY="k")
    assert done.out.splitlines()[1] == "  cat  0.877  75, 100, 225, 200"


def test_an_empty_result_says_so_and_is_no_failure(server, folder):
    server.steps = [Answer(body=boxes())]
    done = run("detect", folder / "a-cat.png", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, done.out.splitlines()[1]) == (0, "  nothing found")


def test_the_threshold_of_multilabel(endpoint, variables, folder):
    uri = endpoint.scoring_uri_of(Task.MULTILABEL)
    done = run("classify-multilabel", folder / "a-cat.png", "--threshold", "1", "--uri", uri, **variables)
    assert (done.code, done.out.splitlines()[1]) == (0, "  no label above 1")


def test_one_bad_image_does_not_stop_the_others(variables, folder):
    bad, lost = folder / "notes.txt", folder / "lost.png"
    arguments = (bad, lost, folder / "inner", folder / "a-cat.png")
    done = run("detect", *arguments, **variables)
    assert done.code == 1
    assert "cat  0." in done.out
    refused, not_read, missing = done.err.splitlines()
    assert refused == f"automl-cv: {folder / 'inner'}: there are no images in this folder; passed over 1 hidden file"
    assert not_read.startswith(f"automl-cv: {bad}: not an image")
    assert missing == f"automl-cv: {lost}: there is no such file"

    as_json = run("detect", *arguments, "--json", **variables)
    assert (as_json.code, as_json.err) == (1, "")
    kinds = [entry["error"]["type"] if "error" in entry else "result" for entry in as_json.json]
    assert sorted(kinds) == ["ImageError", "ImageError", "ImageError", "result"]
    assert all(("error" in entry) != ("result" in entry) for entry in as_json.json)


def test_drawn_images_are_written_and_nothing_is_overwritten(variables, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a-cat.png").write_bytes((folder / "a-cat.png").read_bytes())
    input_in_the_way = tmp_path / "out" / "a-cat.detect.jpg"
    input_in_the_way.parent.mkdir()
    input_in_the_way.write_bytes((folder / "b-coffee.JPG").read_bytes())
    before = input_in_the_way.read_bytes()

    done = run(
        "detect", folder / "a-cat.png", other, input_in_the_way, "--out", tmp_path / "out", "--json", **variables
    )
    assert done.code == 0
    drawn = [os.path.basename(entry["drawn"]) for entry in done.json]
    assert drawn == ["a-cat-2.detect.jpg", "a-cat-3.detect.jpg", "a-cat.detect.detect.jpg"]
    assert input_in_the_way.read_bytes() == before
    with Image.open(tmp_path / "out" / drawn[0]) as image, Image.open(folder / "a-cat.png") as original:
        assert image.size == original.size
        assert image.tobytes() != original.tobytes()


def test_a_folder_that_cannot_be_made_stops_before_anything_is_sent(server, folder):
    server.steps = [Answer(body=boxes())]
    done = run("detect", folder, "--out", folder / "notes.txt", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, server.received) == (2, [])
    assert "cannot make the folder" in done.err


def test_a_deployment_is_asked_for(server, folder):
    server.steps = [Answer(body=boxes())]
    common = {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "k", "AUTOML_CV_DEPLOYMENT": "blue"}
    assert run("detect", folder / "a-cat.png", **common).code == 0
    assert run("detect", folder / "a-cat.png", "--deployment", "green", **common).code == 0
    assert [request.headers["azureml-model-deployment"] for request in server.received] == ["blue", "green"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "set AUTOML_CV_SCORING_URI"),
        ({"AUTOML_CV_SCORING_URI": "not a uri", "AUTOML_CV_KEY": "k"}, "automl-cv: "),
    ],
)
def test_a_missing_variable_is_named(given, told, folder):
    done = run("detect", folder, "--json", **given)
    assert (done.code, done.json["error"]["type"]) == (2, "InvalidInput")
    assert told in done.err
    assert done.err.count("\n") == 1


def test_without_a_key_an_identity_is_asked_for(server, folder):
    offline = {"AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}  # azure-identity then looks nowhere else
    done = run("detect", folder, "--json", "--uri", server.url, **offline)
    assert (done.code, len(done.json), server.received) == (2, 1, [])
    assert "aad_token" in done.out
    assert "AUTOML_CV_KEY" in done.out


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_that_no_image_can_escape_ends_the_command(status, server, folder):
    server.steps = [Answer(status, b"")]
    done = run("detect", folder, "--json", "--uri", server.url, AUTOML_CV_KEY="a-key-to-look-for")
    assert (done.code, len(done.json)) == (2, 1)
    assert "a-key-to-look-for" not in done.out + done.err


@pytest.mark.parametrize("as_json", [False, True])
def test_an_endpoint_of_another_task_is_asked_three_times_only(as_json, server, folder):
    """A thousand images would say a thousand times the same; but one odd reply among good ones ends nothing."""
    cat = folder / "a-cat.png"
    other, own = Answer(body=b'[{"probs": [1.0], "labels": ["cat"]}]'), Answer(body=boxes("cat"))
    words = ("detect", *[cat] * 5, *(["--json"] if as_json else []), "--uri", server.url)
    server.steps = [other]
    done = run(*words, AUTOML_CV_KEY="k")
    assert (done.code, len(server.received)) == (2, 3)
    assert done.err.splitlines()[-1].startswith("automl-cv: stopped: the other 2 would fail as these did")
    assert not as_json or len(done.json) == 3
    server.steps = [other, other, own, other]
    server.received.clear()
    assert (run(*words, AUTOML_CV_KEY="k").code, len(server.received)) == (1, 5)
    server.steps = [other]
    assert run("detect", cat, cat, cat, "--uri", server.url, AUTOML_CV_KEY="k").code == 1  # none is left out


def test_ctrl_c_leaves_whole_json_and_130(server, folder, monkeypatch):
    scored: list[object] = []

    def interrupted(client, *arguments, **options):
        if scored:
            raise KeyboardInterrupt
        scored.append(arguments)
        return score(client, *arguments, **options)

    score = Client.score
    monkeypatch.setattr(Client, "score", interrupted)
    server.steps = [Answer(body=boxes("cat"))]
    done = run("detect", folder, "--json", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, len(done.json)) == (130, 1)


def test_drawings_follow_their_options(server, folder, tmp_path):
    server.steps = [Answer(body=boxes("cat", score=0.9))] * 3
    options = ("--color", "cat=#010203", "--no-labels", "--no-scores", "--line", "7")
    variables = {"AUTOML_CV_KEY": "k", "NO_PROXY": "*"}
    done = run("detect", folder / "a-cat.png", "--uri", server.url, "--out", tmp_path, *options, **variables)
    assert done.code == 0
    with Image.open(tmp_path / "a-cat.detect.jpg") as drawn:
        assert max(drawn.convert("RGB").getpixel((78, 150))) < 40  # type: ignore[arg-type]
    done = run("detect", folder / "a-cat.png", "--uri", server.url, "--out", tmp_path, "--color", "red", **variables)
    assert done.code == 2
    assert "--color takes LABEL=COLOR" in done.err


def test_crops_are_saved_beside_the_drawing(server, folder, tmp_path):
    server.steps = [Answer(body=boxes("cat", "../dog"))]
    done = run(
        "detect", folder / "a-cat.png", "--out", tmp_path / "o", "--crops", "--uri", server.url, AUTOML_CV_KEY="k"
    )
    assert done.code == 0, done.err
    names = sorted(path.name for path in (tmp_path / "o").iterdir())
    assert names == ["a-cat.detect.1-cat.jpg", "a-cat.detect.2-dog.jpg", "a-cat.detect.jpg"]


def test_crops_need_a_folder(server, folder):
    done = run("detect", folder / "a-cat.png", "--crops", "--uri", server.url, AUTOML_CV_KEY="k")
    assert (done.code, server.received) == (2, [])
    assert "--crops needs a folder to save to: give --out DIR" in done.err


def test_a_font_that_is_not_there_is_a_usage_error(folder):
    done = run("detect", folder / "a-cat.png", "--font", folder / "no.ttf")
    assert done.code == 2
    assert "'--font'" in done.err

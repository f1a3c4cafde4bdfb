"""How a command calls the endpoint, and what it tells meanwhile: waits, bounds, retries, what is sent and kept."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from automl_cv_client import Client, Task
from automl_cv_client.testing import no_waiting
from tests.cli.conftest import run
from tests.cli.test_terminal import on_a_terminal
from tests.servers import Answer, ScriptedServer, Silence, boxes

BUSY = [Answer(503), Answer(429, headers={"retry-after": "3"}), Answer(body=boxes("cat"))]


@pytest.fixture
def variables(server: ScriptedServer) -> dict[str, str]:
    return {"AUTOML_CV_SCORING_URI": server.url, "AUTOML_CV_KEY": "the-key"}


def test_waits_are_told_where_asked_for(server, variables, folder):
    server.steps = BUSY
    with no_waiting():
        done = run("detect", folder / "a-cat.png", "-v", **variables)
    assert done.code == 0
    first, second = done.err.splitlines()
    assert re.fullmatch(r"automl-cv: 503, waiting \d(\.\d)? s \(1 of 5\)", first)
    assert second == "automl-cv: 429, waiting 3 s (2 of 5)"
    assert "cat" in done.out
    assert "waiting" not in done.out


@pytest.mark.parametrize("before", [True, False])
def test_every_request_is_told_at_vv(before, server, variables, folder):
    server.steps = BUSY
    with no_waiting():
        words = ["-vv", "detect", folder / "a-cat.png"] if before else ["detect", folder / "a-cat.png", "-vv"]
        done = run(*words, **variables)
        assert len([line for line in done.err.splitlines() if "bytes to http://127.0.0.1" in line]) == 3
        assert "the-key" not in done.err
        server.steps = BUSY
        assert run("detect", folder / "a-cat.png", **variables).err == ""  # the next command is silent again


def test_a_terminal_shows_the_wait_and_wipes_it(server, variables, folder):
    server.steps = [Answer(429, headers={"retry-after-ms": "300"}), Answer(body=boxes("cat"))]
    seen = on_a_terminal("detect", folder / "a-cat.png", **variables)
    assert "\r429, waiting 0.3 s (1 of 5)\x1b[K\r\x1b[K" in seen.text
    assert seen.text.rstrip().endswith("75, 100, 225, 200")


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (2, 3)])
def test_retries_are_bounded(retries, requests, server, variables, folder):
    server.steps = [Answer(503)]
    with no_waiting():
        done = run("detect", folder / "a-cat.png", "--retries", retries, **variables)
    assert (done.code, len(server.received)) == (1, requests)


@pytest.mark.parametrize("bound", ["--timeout", "--deadline"])
def test_a_call_is_bounded(bound, server, variables, folder):
    server.steps = [Silence()]
    done = run("detect", folder / "a-cat.png", bound, "0.2", "--retries", 0, **variables)
    assert done.code == 1
    assert "0.2 s" in done.err


def test_a_family_of_models_is_sent_no_more_than_it_looks_at(server, variables, tmp_path):
    Image.radial_gradient("L").resize((2000, 1500)).save(tmp_path / "large.jpg", quality=95)
    for option in ([], ["--preset", "yolo"]):
        server.steps = [Answer(body=boxes("cat"))]
        assert run("detect", tmp_path / "large.jpg", *option, **variables).code == 0
    whole, reduced = (len(received.images[0]) for received in server.received)
    assert reduced < whole


SCORED = json.dumps(
    [
        {
            "boxes": [
                {"box": {"topX": 0, "topY": 0, "bottomX": 1, "bottomY": 1}, "label": label, "score": score}
                for label, score in (("hat", 0.2), ("cat", 0.9), ("dog", 0.6))
            ]
        }
    ]
).encode()


@pytest.mark.parametrize(
    ("options", "labels"),
    [([], ["hat", "cat", "dog"]), (["--threshold", "0.5"], ["cat", "dog"]), (["--top", "1"], ["cat"])],
)
def test_objects_can_be_left_out_of_all_that_is_told(options, labels, server, variables, folder):
    server.steps = [Answer(body=SCORED)]
    printed = run("detect", folder / "a-cat.png", *options, **variables)
    assert sorted(line.split()[0] for line in printed.out.splitlines()[1:]) == sorted(labels)
    told = run("detect", folder / "a-cat.png", *options, "--json", **variables).json
    assert sorted(found["label"] for found in told[0]["result"]["objects"]) == sorted(labels)


def test_nothing_above_the_threshold_says_the_threshold(server, variables, folder):
    server.steps = [Answer(body=SCORED)]
    done = run("detect", folder / "a-cat.png", "--threshold", "0.95", **variables)
    assert done.out.splitlines()[1] == "  nothing found above 0.95"


def test_classes_are_printed_as_many_as_asked_for(server, variables, folder):
    server.steps = [Answer(body=b'[{"probs": [0.1, 0.6, 0.2, 0.1], "labels": ["a", "b", "c", "d"]}]')]
    assert len(run("classify", folder / "a-cat.png", "--top", "4", **variables).out.splitlines()) == 5
    printed = run("classify", folder / "a-cat.png", "--threshold", "0.15", **variables).out
    assert [line.split()[0] for line in printed.splitlines()[1:]] == ["b", "c"]
    assert "no class above 0.7" in run("classify", folder / "a-cat.png", "--threshold", "0.7", **variables).out


def test_one_object_per_line_streams(server, variables, folder):
    server.steps = [Answer(body=boxes("cat"))]
    done = run("detect", folder, folder / "gone.png", "--jsonl", **variables)
    assert done.code == 1
    first, *others = (json.loads(line) for line in done.out.splitlines())
    assert (first["task"], first["result"]["objects"][0]["label"]) == (Task.DETECTION, "cat")
    assert others[-1]["error"]["type"] == "ImageError"
    both = run("detect", folder, "--jsonl", "--json", **variables)
    assert (both.code, both.json["error"]["type"]) == (2, "UsageError")


def test_a_quoted_pattern_names_the_files_it_fits(server, variables, folder):
    server.steps = [Answer(body=boxes("cat"))]
    done = run("detect", str(folder / "*-c*.[pJ]*"), **variables)
    assert (done.code, len(server.received)) == (0, 2)
    none = run("detect", str(folder / "z*.jpg"), **variables)
    assert (none.code, none.out) == (1, "")
    assert none.err.endswith("z*.jpg: no file fits this pattern\n")


def test_a_file_may_have_a_name_like_a_pattern(server, variables, folder):
    (folder / "a[1].png").write_bytes((folder / "a-cat.png").read_bytes())
    server.steps = [Answer(body=boxes("cat"))]
    assert run("detect", folder / "a[1].png", **variables).code == 0


def test_the_help_tells_the_defaults_of_the_client():
    page = run("detect", "--help").out
    settings = Client("http://127.0.0.1/score", "key")._settings
    assert f"[default: {settings.timeout:g}]" in page
    assert f"[default: {settings.deadline:g}]" in page
    assert f"[default: {settings.retry.attempts - 1}]" in page

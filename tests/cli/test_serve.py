"""serve: prints what to export, answers, and stops at Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PIL import Image

from automl_cv_client import Client, Task, errors
from tests.cli.conftest import run
from tests.onnx_models import write_color_model

pytestmark = pytest.mark.skipif(os.name == "nt", reason="sends SIGINT to a process")


@contextmanager
def serving(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "automl_cv_client", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_it_serves_all_tasks_until_ctrl_c(image):
    with serving("--json", "--max-in-flight", "2") as process:
        told = json.loads(read_line(process))
        assert list(told["scoring_uris"]) == [task.value for task in Task]
        with Client(told["scoring_uris"][Task.DETECTION], told["key"]) as client:
            assert len(client.detect(image)) >= 0
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_its_deployments_are_told_apart_and_the_first_has_the_traffic(image):
    with serving(
        "--json", "--task", "image-object-detection", "--deployment", "blue", "--deployment", "green"
    ) as process:
        told = json.loads(read_line(process))
        with Client(told["scoring_uris"][Task.DETECTION], told["key"]) as client:
            assert client.detect(image).call.deployment == "blue"
            assert client.detect(image, deployment="green").call.deployment == "green"
            with pytest.raises(errors.EndpointNotFound):
                client.detect(image, deployment="red")


def test_it_tells_what_to_export(image):
    with serving("--task", "image-classification") as process:
        lines = iter(lambda: read_line(process).strip(), "automl-cv classify IMAGE")
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        assert set(exports) == {"AUTOML_CV_KEY", "AUTOML_CV_SCORING_URI"}
        with Client(exports["AUTOML_CV_SCORING_URI"], exports["AUTOML_CV_KEY"]) as client:
            assert client.health()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_a_port_that_is_taken_is_said_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", port)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"automl-cv: port {port} on 127.0.0.1 cannot be opened")


def test_an_unknown_task_names_those_there_are():
    done = run("serve", "--task", "detection")
    assert done.code == 2
    assert "image-object-detection" in done.err


def test_a_model_of_ones_own_is_served(tmp_path):
    model = write_color_model(tmp_path)
    with serving("--task", "image-classification", "--model", str(model), "--json") as process:
        told = json.loads(read_line(process))
        with Client(told["scoring_uris"][Task.CLASSIFICATION], told["key"]) as client:
            assert client.classify(Image.new("RGB", (80, 80), "red")).label == "red"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_a_model_that_cannot_be_served_is_said_so(tmp_path):
    model = write_color_model(tmp_path)
    missing = run("serve", "--task", "image-classification", "--model", tmp_path / "none.onnx")
    detector = run("serve", "--task", "image-object-detection", "--model", model)
    alone = run("serve", "--model", model)
    assert [done.code for done in (missing, detector, alone)] == [2, 2, 2]
    assert "there is no model file" in missing.err
    assert "Expected: boxes (n, 4)" in detector.err
    assert "needs its task" in alone.err


def test_deployments_have_models_traffic_and_rules_of_their_own(tmp_path):
    (tmp_path / "new").mkdir()
    old, new = write_color_model(tmp_path), write_color_model(tmp_path / "new", names=["rot", "grün", "blau"])
    options = [
        *("--task", "image-classification", "--deployment", f"blue={old}", "--deployment", f"green={new}"),
        *("--traffic", "green=100", "--traffic", "blue=0", "--wire", "1.51", "--concurrency", "1", "--json"),
    ]
    with serving(*options) as process:
        told = json.loads(read_line(process))
        red = Image.new("RGB", (80, 80), "red")
        with Client(told["scoring_uris"][Task.CLASSIFICATION], told["key"]) as client:
            assert client.classify(red).label == "rot"
            found = client.classify(red, deployment="blue")
            assert (found.label, found.call.deployment, "filename" in (found.extra or {})) == ("red", "blue", True)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_faults_are_asked_for(tmp_path):
    model = write_color_model(tmp_path)
    with serving("--task", "image-classification", "--model", str(model), "--fault", "status=404", "--json") as process:
        told = json.loads(read_line(process))
        client = Client(told["scoring_uris"][Task.CLASSIFICATION], told["key"])
        with client, pytest.raises(errors.EndpointNotFound):
            client.classify(Image.new("RGB", (80, 80), "red"))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_the_doctor_takes_the_whole_way_offline(tmp_path):
    """From Resource Manager and a managed identity to a scored image, through azure-identity."""
    pytest.importorskip("azure.identity")
    model = write_color_model(tmp_path)
    with serving("--task", "image-classification", "--model", str(model), "--control-plane", "--json") as process:
        variables = json.loads(read_line(process))["variables"]
        done = run("doctor", **variables)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--traffic", "red=100"], "'red=100' is not NAME=PERCENT with one of the deployments default"),
        (["--traffic", "default=50"], "the traffic of all deployments is 50 %"),
        (["--fault", "status=200"], "from 400 to 599"),
        (["--wire", "2.0"], "wire of default is one of 1.62"),
        (["--auth", "password"], "auth is one of key"),
        (["--request-timeout", "999"], "at most 180 seconds"),
    ],
)
def test_rules_that_cannot_be_are_said_so(options, said):
    done = run("serve", *options)
    assert done.code == 2
    assert said in done.err

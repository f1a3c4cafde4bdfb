"""Starting, stopping, restarting, refusing wrong arguments, and the missing extra."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import httpx
import pytest

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local import LocalEndpoint
from automl_cv_client.local.detection import Detector
from automl_cv_client.task import Task
from tests.local.conftest import CLASSIFICATION, DETECTION, Caller, encode, photo, scoring
from tests.timing import Stopwatch


def test_start_stop_and_start_again():
    before = set(threading.enumerate())
    endpoint = LocalEndpoint(Task.DETECTION)
    for _ in range(2):
        with endpoint:
            uri = endpoint.scoring_uri
            assert endpoint.start() is endpoint  # already running: nothing happens
            assert endpoint.scoring_uri == uri
            caller = Caller(endpoint)
            with caller.http:
                assert caller.post(scoring(photo("coffee.png"))).status_code == 200
                watch = Stopwatch()
                with watch.running():
                    endpoint.stop()  # with a connection still open
                assert watch.seconds < 2
                assert set(threading.enumerate()) <= before
        with pytest.raises(httpx.ConnectError):
            httpx.post(uri)
        endpoint.stop()
        assert set(threading.enumerate()) <= before  # those of other tests may have ended


def test_two_endpoints_at_once():
    with LocalEndpoint(DETECTION, key="one") as first, LocalEndpoint(CLASSIFICATION, key="two") as two:
        assert first.scoring_uri != two.scoring_uri
        assert httpx.post(two.scoring_uri, headers={"Authorization": "Bearer one"}).status_code == 401


def test_the_scoring_uri():
    with LocalEndpoint(DETECTION) as endpoint:
        assert endpoint.scoring_uri.startswith("http://127.0.0.1:")
        assert endpoint.scoring_uri.endswith("/score")
        assert endpoint.scoring_uri_of(DETECTION) == endpoint.scoring_uri
        with pytest.raises(InvalidInput, match="does not serve image-classification"):
            endpoint.scoring_uri_of(Task.CLASSIFICATION)
    with pytest.raises(InvalidInput, match="not running"):
        _ = endpoint.scoring_uri


def test_the_uris_of_all_tasks(caller: Caller):
    assert caller.endpoint.tasks == tuple(Task)
    uris = [caller.endpoint.scoring_uri_of(task) for task in Task]
    assert len(set(uris)) == 4
    assert uris[0].endswith("/image-classification/score")
    with pytest.raises(InvalidInput, match="scoring_uri_of"):
        _ = caller.endpoint.scoring_uri


def test_a_taken_port_is_a_clear_error(caller: Caller):
    port = httpx.URL(caller.endpoint.scoring_uri_of(DETECTION)).port
    assert port
    with pytest.raises(InvalidInput, match=f"port {port} on 127.0.0.1 cannot be opened"):
        LocalEndpoint(DETECTION, port=port).start()


def test_a_port_can_be_used_again_at_once():
    with LocalEndpoint(DETECTION) as endpoint:
        port = httpx.URL(endpoint.scoring_uri).port
        httpx.post(endpoint.scoring_uri)
    assert port
    with LocalEndpoint(DETECTION, port=port) as again:
        assert httpx.URL(again.scoring_uri).port == port


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.com", "", "::"])
def test_loopback_only(host: str):
    with pytest.raises(InvalidInput, match="loopback"):
        LocalEndpoint(DETECTION, host=host)


@pytest.mark.parametrize(
    "wrong",
    [
        {"task": "image-object-detektion"},
        {"key": ""},
        {"key": "a b"},
        {"key": "schlüssel"},
        {"deployments": ()},
        {"deployments": "blue"},
        {"max_in_flight": 0},
    ],
    ids=str,
)
def test_wrong_arguments(wrong: dict[str, Any]):
    with pytest.raises(InvalidInput):
        LocalEndpoint(**({"task": DETECTION} | wrong))


def test_a_port_out_of_range():
    with pytest.raises(InvalidInput, match="70000"):
        LocalEndpoint(DETECTION, port=70000).start()


def test_the_key_is_random_and_not_shown():
    first, two = LocalEndpoint(DETECTION), LocalEndpoint(DETECTION)
    assert first.key != two.key
    assert len(first.key) > 30
    assert first.key not in repr(first)
    assert "not running" in repr(first)


def test_stopping_does_not_wait_for_long_scoring(cat: bytes, monkeypatch: pytest.MonkeyPatch):
    scoring_began, go_on = threading.Event(), threading.Event()

    def held(self: Detector, images: list[Any]) -> list[dict[str, Any]]:
        scoring_began.set()
        go_on.wait(60)
        return [{"boxes": []} for _ in images]

    monkeypatch.setattr(Detector, "score", held)
    before = set(threading.enumerate())
    replies: list[httpx.Response] = []
    endpoint = LocalEndpoint(DETECTION).start()
    caller = Caller(endpoint)
    with caller.http:
        waiting = threading.Thread(target=lambda: replies.append(caller.post(scoring(encode(cat)))))
        waiting.start()
        assert scoring_began.wait(60)
        watch = Stopwatch()
        with watch.running():
            endpoint.stop()
        assert watch.seconds < 2
        assert "automl-cv-endpoint" not in {first.name for first in set(threading.enumerate()) - before}
        waiting.join()
        go_on.set()
    assert replies[0].status_code == 503


def test_requests_in_parallel_get_their_own_answers(caller: Caller, cat: bytes):
    rows = {"cat": encode(cat), "cup": photo("coffee.png"), "person": photo("astronaut.png")}
    seen: list[tuple[str, str]] = []

    def ask(label: str) -> None:
        found = caller.post(scoring(rows[label])).json()
        seen.append((label, found[0]["boxes"][0]["label"]))

    asking = [threading.Thread(target=ask, args=(label,)) for label in rows for _ in range(4)]
    for each in asking:
        each.start()
    for each in asking:
        each.join()
    assert len(seen) == 12
    assert all(wanted == got for wanted, got in seen)


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModuleNotFoundError, match=r'needs onnxruntime.*pip install "automl-cv-client\[local\]"'):
        LocalEndpoint(DETECTION)


def run_python(code: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)


def test_importing_the_room_loads_no_library_of_the_extra():
    code = (
        "import sys, automl_cv_client.local\n"
        "print(sorted({'numpy', 'onnxruntime', 'starlette', 'uvicorn', 'PIL'} & set(sys.modules)))"
    )
    with run_python(code) as process:
        assert process.communicate(timeout=120)[0].strip() == "[]"


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_runs_until_told_to_stop(number: signal.Signals):
    code = (
        "from automl_cv_client.local import serve\n"
        "serve('image-object-detection', key='k', on_ready=lambda e: print(e.scoring_uri, flush=True))\n"
        "print('done')"
    )
    with run_python(code) as process:
        assert process.stdout
        uri = process.stdout.readline().strip()
        assert httpx.post(uri, headers={"Authorization": "Bearer k"}).status_code == 424
        process.send_signal(number)
        assert process.communicate(timeout=120)[0].strip() == "done"
        assert process.returncode == 0

"""The recipes for other frameworks, each with its framework's own test client, and the sample's one command."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import io
import os
import queue
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from automl_cv_client import RetryPolicy
from automl_cv_client.testing import FakeEndpoint, detections, no_waiting, throttled, unavailable

SAMPLES = Path(__file__).parents[2] / "samples"
CAT = detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)))
ONCE = RetryPolicy(attempts=1)


def recipe(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SAMPLES / "recipes" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_flask(image: bytes) -> None:
    pytest.importorskip("flask")
    fake = FakeEndpoint(CAT, throttled(3))
    caller = recipe("flask_app").create_app(fake.client(retry=ONCE)).test_client()

    def post(data: bytes) -> Any:
        return caller.post("/detect", data={"image": (io.BytesIO(data), "a.jpg")})

    assert post(image).get_json()["objects"][0]["label"] == "cat"
    refused = post(image)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "3")
    assert refused.content_type == "application/problem+json"
    assert post(b"words").status_code == 422
    assert caller.post("/detect").status_code == 422
    assert post(bytes(21_000_000)).status_code == 413


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Django leaves its files open
def test_django(image: bytes) -> None:
    pytest.importorskip("django")
    module = recipe("django_app")
    fake = FakeEndpoint(CAT, unavailable())

    async def main() -> None:
        module.make_client = lambda: fake.async_client(retry=ONCE)
        transport = httpx.ASGITransport(module.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as caller:
            found = await caller.post("/detect", files={"image": ("a.jpg", image)})
            assert found.json()["objects"][0]["label"] == "cat"
            refused = await caller.post("/detect", files={"image": ("a.jpg", image)})
            assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
            assert (await caller.post("/detect", files={"image": ("a.jpg", b"words")})).status_code == 422
            await module.shared_client().close()

    asyncio.run(main())
    gc.collect()  # here, and not in another test


def test_queue_worker(image: bytes, tmp_path: Path) -> None:
    for name, data in (("good.jpg", image), ("words.jpg", b"words"), ("busy.jpg", image)):
        (tmp_path / name).write_bytes(data)
    jobs: queue.Queue[Path | None] = queue.Queue()
    for job in (tmp_path / "good.jpg", tmp_path / "words.jpg", tmp_path / "busy.jpg", None):
        jobs.put(job)
    told: list[tuple[str, str, Any]] = []
    with (
        no_waiting(),
        FakeEndpoint(CAT, throttled(7)).client() as client,
        client.stream("image-object-detection", concurrency=1) as run,
    ):
        recipe("queue_worker").work(
            jobs,
            run,
            done=lambda path, found: told.append(("done", path.name, found[0].label)),
            later=lambda path, wait: told.append(("later", path.name, wait)),
            dead=lambda path, error: told.append(("dead", path.name, type(error).__name__)),
        )
    assert told == [("done", "good.jpg", "cat"), ("dead", "words.jpg", "ImageError"), ("later", "busy.jpg", 7)]


def test_the_sample_runs_with_one_command_against_the_local_endpoint(image: bytes) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SAMPLES.parent / "src"), "PYTHONUNBUFFERED": "1"}
    port = free_port()
    command = [sys.executable, str(SAMPLES / "web_app" / "app.py"), str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == f"open http://127.0.0.1:{port}\n"
            base = f"http://127.0.0.1:{port}"
            transport = httpx.HTTPTransport(retries=5)  # it says so just before it listens
            with httpx.Client(transport=transport, timeout=30) as caller:
                offer = caller.get(f"{base}/api/offer").json()
                assert (len(offer["tasks"]), offer["deployments"]) == (4, ["blue", "green"])
                photo = (SAMPLES / "photos" / "coffee.png").read_bytes()
                sent = {"image": ("coffee.png", photo)}
                found = caller.post(
                    f"{base}/api/image-object-detection/score", files=sent, data={"deployment": "green"}
                )
                assert found.json()["objects"][0]["label"] == "cup"
                assert found.json()["call"]["deployment"] == "green"
                page = caller.get(base)
                assert "default-src 'self'" in page.headers["content-security-policy"]
                assert caller.get(f"{base}/api/image-object-detection/stats").json()["calls"] == 1
        finally:
            running.terminate()


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port

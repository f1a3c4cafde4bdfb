"""httpx2, httpx's successor, sends where httpx is not installed; the tests of this folder run over it, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import Answer, ScriptedServer, boxes

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
sys.modules["httpx"] = sys.modules["httpcore"] = None  # as where they are not installed
from PIL import Image
from automl_cv_client import AsyncClient, Client
from automl_cv_client.testing import FakeEndpoint, detections
url, image = sys.argv[1], Image.new("RGB", (4, 4))

async def main():
    async with AsyncClient(url, "the-key") as client:
        return (await client.detect(image))[0].label

with Client(url, "the-key") as client:
    print(client.detect(image)[0].label, asyncio.run(main()))
with FakeEndpoint(detections(("cat", 0.9, (0, 0, 1, 1)))).client() as client:
    print(len(client.detect(image)) > 0)
print("httpx2" in sys.modules)
"""


def test_it_serves_where_httpx_is_missing(server: ScriptedServer) -> None:
    server.steps = [Answer(200, boxes("cat")), Answer(200, boxes("dog"))]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, server.url], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["cat", "dog", "True", "True"]
    assert server.received[0].headers == {**server.received[1].headers} | {
        "x-ms-client-request-id": server.received[0].headers["x-ms-client-request-id"]
    }


QUICK = ("test_bounds", "test_proxies", "test_tls", "test_odd_peers", "test_connecting", "test_loop_network")


@pytest.mark.parametrize("files", [QUICK, pytest.param(None, marks=pytest.mark.slow)], ids=["quick", "all"])
def test_the_tests_of_this_folder_pass_over_it(files: tuple[str, ...] | None) -> None:
    here = "tests/transports"
    chosen = [f"{here}/{name}.py" for name in files] if files else [here, f"--ignore={here}/test_httpx2.py"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--over-httpx2", *chosen]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:]

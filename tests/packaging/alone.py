"""Run by the Python of an environment with the wheel alone: imports, calls, and what missing extras say.

Not a test module: it must run where there is no pytest. Prints one line, or fails.
"""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import Any

REPLY = [{"boxes": [{"box": {"topX": 0.1, "topY": 0.2, "bottomX": 0.5, "bottomY": 0.6}, "label": "cat", "score": 0.9}]}]


class Endpoint(BaseHTTPRequestHandler):
    """Finds the same cat in every image, if the key is right."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        right = self.headers["Authorization"] == "Bearer the-key"
        body = json.dumps(REPLY if right else {"error": "no"}).encode()
        self.send_response(200 if right else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def image() -> bytes:
    """A JPEG of 200x100 pixels."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (200, 100)).save(file, "JPEG")
    return file.getvalue()


def check_calls(url: str) -> None:
    """Both clients get their cat; a wrong key is told."""
    from automl_cv_client import AsyncClient, Client, errors

    async def awaited() -> Any:
        async with AsyncClient(url, "the-key") as client:
            return await client.detect(image())

    with Client(url, "the-key") as client:
        found = client.detect(image())
    assert found[0].label == "cat"
    assert [round(edge) for edge in found[0].pixel_box] == [20, 20, 100, 60]
    assert found == asyncio.run(awaited())
    assert found.draw(image()).size == (200, 100)
    try:
        Client(url, "another").detect(image())
    except errors.AuthenticationFailed:
        pass
    else:
        raise AssertionError("a wrong key was taken")


def check_given(url: str, installed: set[str]) -> None:
    """What users make with an extra's library and give to a client. Where it is missing, nothing is to be told."""
    if "aiohttp" in installed:
        assert asyncio.run(over_aiohttp(url))[0].label == "cat"
    if "fsspec" in installed:
        assert from_filesystem(url)[0].label == "cat"
    if "azureml" in installed:
        named_by_azure_ai_ml()


async def over_aiohttp(url: str) -> Any:
    import aiohttp

    from automl_cv_client import AsyncClient

    async with aiohttp.ClientSession() as session, AsyncClient(url, "the-key", http_client=session) as client:
        return await client.detect(image())


def from_filesystem(url: str) -> Any:
    import fsspec

    from automl_cv_client import Client, ImagePolicy

    files = fsspec.filesystem("memory")
    files.pipe("/cat.jpg", image())
    with Client(url, "the-key", images=ImagePolicy(filesystem=files)) as client:
        return client.detect("memory://cat.jpg")


def named_by_azure_ai_ml() -> None:
    """A real MLClient is asked for the endpoint; it asks its credential, which is as far as one gets offline."""
    from azure.ai.ml import MLClient

    from automl_cv_client import Client, errors

    class Credential:
        def get_token(self, *scopes: str, **options: Any) -> Any:
            raise InterruptedError("asked for a token")

        get_token_info = get_token

    ml_client = MLClient(Credential(), "11111111-2222-3333-4444-555555555555", "group", "work", enable_telemetry=False)
    said = "nothing: nobody was asked"
    try:
        Client.from_ml_client(ml_client, "cats")
    except errors.AutoMLVisionError as error:
        said = str(error)
    assert "InterruptedError" in said, said


def uses() -> dict[str, tuple[str, Callable[[], object]]]:
    """By a name: the extra it needs, and a use of it."""
    from automl_cv_client.testing import detections, instances

    boxes = detections(("cat", 0.9, (0.1, 0.2, 0.5, 0.6)))
    outlines = instances(("cat", 0.9, (0.1, 0.2, 0.5, 0.6)))

    def endpoint() -> None:
        from automl_cv_client.local import LocalEndpoint

        LocalEndpoint("image-classification")

    def hooks() -> None:
        from automl_cv_client.integrations.opentelemetry import opentelemetry_hooks

        opentelemetry_hooks()

    def ray() -> None:
        from automl_cv_client.integrations.ray import scored

        scored(None, task="image-object-detection")

    def spark() -> None:
        from automl_cv_client.integrations.spark import scored

        scored(None, task="image-object-detection")

    def parquet() -> None:
        from automl_cv_client.batch.exports import checked_formats

        checked_formats(["parquet"])

    return {
        "numpy": ("numpy", lambda: boxes.boxes_array),
        "labels": ("numpy", lambda: boxes.labels_array),
        "polygons": ("numpy", lambda: outlines.polygons_array),
        "mask": ("numpy", lambda: outlines[0].mask()),
        "local": ("local", endpoint),
        "eval": ("eval", lambda: __import__("automl_cv_client.evaluation")),
        "fastapi": ("fastapi", lambda: __import__("automl_cv_client.integrations.fastapi")),
        "otel": ("otel", hooks),
        "ray": ("ray", ray),
        "spark": ("spark", spark),
        "pandas": ("pandas", boxes.to_pandas),
        "arrow": ("parquet", boxes.to_arrow),
        "parquet": ("parquet", parquet),
        "shapely": ("shapely", outlines.to_shapely),
        "supervision": ("supervision", boxes.to_supervision),
    }


def check_extras(installed: set[str]) -> None:
    """Uses of extras that are there work; those of others name what to install."""
    told = {}
    for name, (extra, use) in uses().items():
        try:
            use()
            told[name] = "works"
        except Exception as error:  # noqa: BLE001 - looked at below
            told[name] = str(error)
        if extra in installed:
            assert told[name] == "works", (name, told[name])
        elif told[name] != "works" or not installed:  # some extras bring the libraries of others
            assert f"automl-cv-client[{extra}]" in told[name], (name, told[name])


def check_command(installed: bool) -> None:
    """The command shows its help, or which extra it needs."""
    done = subprocess.run([sys.executable, "-m", "automl_cv_client", "--help"], capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    assert "detect" in done.stdout if installed else "automl-cv-client[cli]" in done.stderr, done.stdout + done.stderr


def main(extras: list[str]) -> None:
    """Check everything, where these extras are installed."""
    import automl_cv_client

    assert "site-packages" in automl_cv_client.__file__, automl_cv_client.__file__
    assert extras or find_spec("numpy") is None, "this environment has more than the wheel brings"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/score"
    check_calls(url)
    check_given(url, set(extras))
    server.shutdown()
    check_extras(set(extras))
    if "cli" in extras or not extras:
        check_command("cli" in extras)
    print("well:", automl_cv_client.__version__, *extras)


if __name__ == "__main__":
    main(sys.argv[1:])

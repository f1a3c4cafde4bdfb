"""Calls a loopback server through one library, in that library's environment; prints what a call costs, as JSON.

Arguments: the library, the URL, the image file, the number of calls. Each call reads the file anew, sends it, and reads
a reply of 100 boxes in the form of the library's own service.
"""

import base64
import importlib.metadata
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

ROUNDS = 5


def httpx_ready(url: str, image: str) -> Callable[[], object]:
    """The least one could pay: the body is ready, the reply is not read."""
    import httpx

    with open(image, "rb") as file:
        body = b'{"input_data":{"columns":["image"],"data":["' + base64.b64encode(file.read()) + b'"]}}'
    client, headers = httpx.Client(), {"content-type": "application/json", "authorization": "Bearer key"}
    return lambda: client.post(url, content=body, headers=headers)


def automl_cv_client(url: str, image: str) -> Callable[[], object]:
    from automl_cv_client import Client

    client = Client(url, "key")
    return lambda: [detection.label for detection in client.detect(image)]


def httpx(url: str, image: str) -> Callable[[], object]:
    """What most people write: base64, json=, raise_for_status, json()."""
    import httpx

    client = httpx.Client(headers={"authorization": "Bearer key"})

    def call() -> object:
        with open(image, "rb") as file:
            text = base64.b64encode(file.read()).decode()
        reply = client.post(url, json={"input_data": {"columns": ["image"], "data": [text]}})
        reply.raise_for_status()
        return [box["label"] for box in reply.json()[0]["boxes"]]

    return call


def requests(url: str, image: str) -> Callable[[], object]:
    """What the service's notebooks show: a request file, a new connection each time."""
    import requests as library

    def call() -> object:
        with open(image, "rb") as file:
            text = base64.encodebytes(file.read()).decode("utf-8")
        with tempfile.NamedTemporaryFile("w+", suffix=".json") as request_file:
            json.dump({"input_data": {"columns": ["image"], "data": [text]}}, request_file)
            request_file.seek(0)
            headers = {"content-type": "application/json", "authorization": "Bearer key"}
            reply = library.post(url, data=request_file.read(), headers=headers)
        return [box["label"] for box in json.loads(reply.text)[0]["boxes"]]

    return call


def huggingface_hub(url: str, image: str) -> Callable[[], object]:
    from huggingface_hub import InferenceClient

    client = InferenceClient(url, token="key")
    return lambda: [box.label for box in client.object_detection(image)]


def inference_sdk(url: str, image: str) -> Callable[[], object]:
    from inference_sdk import InferenceHTTPClient

    client = InferenceHTTPClient(api_url=url, api_key="key")
    client.select_api_v0()
    return lambda: [box["class"] for box in client.infer(image, model_id="project/1")["predictions"]]


def landingai(url: str, image: str) -> Callable[[], object]:
    from landingai.predict import EdgePredictor
    from PIL import Image

    client = EdgePredictor("127.0.0.1", urlsplit(url).port, check_server_ready=False)

    def call() -> object:
        with Image.open(image) as opened:
            return [box.label_name for box in client.predict(opened)]

    return call


def main() -> None:
    library, url, image, calls = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    call: Callable[[], Any] = globals()[library](url, image)
    for _ in range(max(1, calls // 10)):
        call()
    cpu, seconds = [], []
    for _ in range(ROUNDS):
        used, began = time.process_time(), time.perf_counter()
        for _ in range(calls):
            call()
        cpu.append((time.process_time() - used) / calls)
        seconds.append((time.perf_counter() - began) / calls)
    name = library.removesuffix("_ready").replace("_", "-")
    version = importlib.metadata.version(name)
    print(json.dumps({"version": version, "cpu": cpu, "seconds": statistics.median(seconds)}), flush=True)
    os._exit(0)  # some leave threads behind


if __name__ == "__main__":
    main()

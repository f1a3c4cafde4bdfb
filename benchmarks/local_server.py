"""What the local endpoint's server costs a request besides the model: CPU of its process, against the container alone.

The model is as small as a model can be, and answers at once; the client is a process of its own.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from onnx import TensorProto, helper
from PIL import Image

from automl_cv_client.local import LocalEndpoint
from automl_cv_client.local.container import Call, Container
from automl_cv_client.local.recognition import own_model
from automl_cv_client.task import Task
from benchmarks.measuring import amount, table

REQUESTS = amount(500, 20)
ASK = """
import http.client, sys
host, path, key, count = sys.argv[1:]
body = sys.stdin.buffer.read()
connection = http.client.HTTPConnection(host)
for _ in range(int(count)):
    connection.request("POST", path, body, {"authorization": f"Bearer {key}", "content-type": "application/json"})
    assert connection.getresponse().read().startswith(b"[{")
"""


def tiny_model(folder: Path) -> Path:
    """Names the brightest channel of 32 x 32 pixels."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["input1"], ["means"]),
        helper.make_node("Flatten", ["means"], ["output1"]),
    ]
    given = helper.make_tensor_value_info("input1", TensorProto.FLOAT, ["batch", 3, 32, 32])
    told = helper.make_tensor_value_info("output1", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "colors", [given], [told])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "labels.json").write_text('["red", "green", "blue"]')
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return folder / "model.onnx"


def request_body(bytes_about: int) -> bytes:
    """A request of one image of about so many bytes."""
    side = max(8, int((bytes_about / 3) ** 0.5))
    file = io.BytesIO()
    Image.effect_noise((side, side), 80).convert("RGB").save(file, "BMP")
    encoded = base64.b64encode(file.getvalue()).decode()
    return json.dumps({"input_data": {"columns": ["image"], "data": [encoded]}}).encode()


def cpu_of_server(endpoint: LocalEndpoint, body: bytes) -> float:
    """Seconds of CPU of this process, the server's, a request."""
    address, _, path = endpoint.scoring_uri.removeprefix("http://").partition("/")
    words = [sys.executable, "-c", ASK, address, f"/{path}", endpoint.key]
    subprocess.run([*words, "5"], input=body, check=True)
    before = time.process_time()
    subprocess.run([*words, str(REQUESTS)], input=body, check=True)
    return (time.process_time() - before) / REQUESTS


def cpu_of_container(container: Container, body: bytes) -> float:
    """Seconds of CPU a request without a server: JSON, base64, the image, the model."""
    call = Call(headers={"content-type": "application/json"}, body=body)
    container.answer(call)
    before = time.process_time()
    for _ in range(REQUESTS):
        container.answer(call)
    return (time.process_time() - before) / REQUESTS


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = tiny_model(Path(folder))
        container = Container(Task.CLASSIFICATION, own_model(Task.CLASSIFICATION, model))
        with LocalEndpoint(Task.CLASSIFICATION, model=model) as endpoint:
            for size in (1_000, 200_000):
                body = request_body(size)
                alone, whole = cpu_of_container(container, body), cpu_of_server(endpoint, body)
                rows.append((f"container alone, {size:,} bytes", f"{alone * 1e3:.2f} ms", "1", ""))
                added = (whole - alone) * 1e3
                rows.append((f"behind the server, {size:,} bytes", f"{whole * 1e3:.2f} ms", f"{whole / alone:.2f}", ""))
                rows.append(("added by the server", f"{added:.2f} ms", f"{added / 2:.2f}", "≤ 1 (2 ms of CPU)"))
    table("The local endpoint's server", rows, "python -m benchmarks.local_server")


if __name__ == "__main__":
    main()

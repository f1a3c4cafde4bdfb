"""One call through us and through the libraries people compare us with, each in an environment of its own.

The server is the same: instant, on loopback, in a process of its own. Each library gets a reply of 100 boxes in the
form of its own service. The environments are made once, in ``.venv-peers``, which takes some minutes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.client_cpu import image
from benchmarks.measuring import amount, instant_server, table
from benchmarks.parsing import boxes

ENVIRONMENTS = Path(__file__).parents[1] / ".venv-peers"
SCRIPT = Path(__file__).with_name("peer_calls.py")
HERE = ("httpx_ready", "automl_cv_client", "httpx", "requests")  # what this environment has
ELSEWHERE = ("huggingface_hub", "inference_sdk", "landingai")
NAMES = {
    "httpx_ready": "bare httpx post, body ready, reply unread",
    "automl_cv_client": "automl-cv-client, typed results",
    "httpx": "httpx by hand",
    "requests": "requests by hand, as in the service's notebooks",
}


def replies() -> dict[str, bytes]:
    """100 boxes in the form of each library's service."""
    numbers = range(100)
    edges = {"xmin": 10, "ymin": 20, "xmax": 110, "ymax": 220}
    center = {"x": 60, "y": 120, "width": 100, "height": 200}
    shapes: dict[str, Any] = {
        "huggingface_hub": [{"label": f"label {n}", "score": 0.5, "box": edges} for n in numbers],
        "inference_sdk": {
            "image": {"width": 640, "height": 480},
            "predictions": [{**center, "class": f"label {n}", "confidence": 0.5, "class_id": n} for n in numbers],
        },
        "landingai": {
            "type": "ObjectDetectionPrediction",
            "predictions": {
                str(n): {"score": 0.5, "labelIndex": n, "labelName": f"label {n}", "coordinates": edges}
                for n in numbers
            },
        },
    }
    return {library: json.dumps(shape).encode() for library, shape in shapes.items()}


def python_of(library: str) -> str | None:
    """The interpreter of a library's environment, which is made when it is missing; None where that cannot be done."""
    if library in HERE:
        return sys.executable
    python = ENVIRONMENTS / library / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, library.replace("_", "-")], check=False)
    found = subprocess.run([str(python), "-c", f"import {library}"], capture_output=True)
    return None if found.returncode else str(python)


def measured(library: str, python: str, file: Path, calls: int) -> dict[str, Any]:
    """What a call costs: version, CPU seconds per round, wall-clock seconds."""
    with instant_server(replies().get(library, boxes(100))) as url:
        command = [python, str(SCRIPT), library, url, str(file), str(calls)]
        said: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return said


def main() -> None:
    libraries = [*HERE, *ELSEWHERE[: amount(len(ELSEWHERE), 0)]]
    rows: list[tuple[str, str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.jpg"
        file.write_bytes(image(193_000))
        costs: dict[str, list[dict[str, Any]]] = {}
        for _ in range(amount(3, 1)):  # side by side: whatever slows the machine slows all
            for library in libraries:
                if python := python_of(library):
                    costs.setdefault(library, []).append(measured(library, python, file, amount(100, 2)))
                else:
                    print(f"{library} cannot be installed here")
    least = statistics.median(cpu for run in costs["httpx_ready"] for cpu in run["cpu"])
    fastest = statistics.median(run["seconds"] for run in costs["httpx_ready"])
    for library, runs in costs.items():
        cpu = statistics.median(cpu for run in runs for cpu in run["cpu"])
        rate = fastest / statistics.median(run["seconds"] for run in runs)
        name = NAMES.get(library, library.replace("_", "-"))
        bar = "≤ 1.75" if library == "automl_cv_client" else ""
        figure = f"{cpu * 1e6:.0f} µs of CPU"
        rows.append((f"{name} ({runs[0]['version']})", figure, f"{cpu / least:.2f}; {rate:.2f} of its rate", bar))
    table("One call, 193 kB, 100 boxes, beside other libraries", rows, "python -m benchmarks.peers")


if __name__ == "__main__":
    main()

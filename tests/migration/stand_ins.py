"""Custom Vision and Image Analysis on loopback: each answers one photo, in its own words, for its own key."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "the-key-of-the-old-service"
PREDICTION = {
    "id": "5b7f0d1c-31f4-4a21-9a43-6a9d7c2b1e55",
    "project": "0c1e5c1a-4a3b-4c58-b7b1-55a6b1c0d0aa",
    "iteration": "f1b7c1de-6f6e-4d0c-8f4b-2c3f9a7d6e11",
    "created": "2026-03-08T11:02:51.163Z",
    "predictions": [
        {
            "probability": 0.9412,
            "tagId": "a3",
            "tagName": "cup",
            "tagType": "Regular",
            "boundingBox": {"left": 0.29, "top": 0.06, "width": 0.4, "height": 0.575},
        },
        {
            "probability": 0.1207,
            "tagId": "b8",
            "tagName": "bowl",
            "tagType": "Regular",
            "boundingBox": {"left": 0.28, "top": 0.4, "width": 0.42, "height": 0.24},
        },
    ],
}
ANALYSIS = {
    "modelVersion": "2023-10-01",
    "metadata": {"width": 600, "height": 400},
    "objectsResult": {
        "values": [
            {"boundingBox": {"x": 171, "y": 21, "w": 246, "h": 236}, "tags": [{"name": "cup", "confidence": 0.835}]}
        ]
    },
    "tagsResult": {"values": [{"name": "coffee", "confidence": 0.994}, {"name": "saucer", "confidence": 0.981}]},
}
ANSWERS = (
    (r"/customvision/v3\.0/Prediction/[^/]+/detect/iterations/[^/]+/image", "Prediction-Key", PREDICTION),
    (
        r"/computervision/imageanalysis:analyze\?api-version=.+&features=.+",
        "Ocp-Apim-Subscription-Key",
        ANALYSIS,
    ),
)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = _answer(self.path, dict(self.headers), body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _answer(path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
    for pattern, key, answer in ANSWERS:
        if re.fullmatch(pattern, path):
            if headers.get(key) != KEY:
                return 401, {"error": {"code": "401", "message": "Access denied due to invalid subscription key"}}
            if not body.startswith((b"\x89PNG", b"\xff\xd8")):
                return 400, {"code": "BadRequestImageFormat", "message": "Bad Request Image Format"}
            return 200, answer
    return 404, {"error": {"code": "404", "message": "Resource not found"}}


@contextmanager
def old_services() -> Iterator[str]:
    """The address at which both answer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)

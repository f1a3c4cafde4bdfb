"""An endpoint that says of each image which one it is, so that an answer to another image is noticed."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trustme
from PIL import Image

from tests.conftest import encoded
from tests.servers import boxes


@lru_cache(maxsize=1000)
def image(number: int) -> bytes:
    """One of sixteen million images."""
    return encoded(Image.new("RGB", (4, 4), (number >> 16, number >> 8 & 255, number & 255)), "PNG")


def name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


class NamingServer(ThreadingHTTPServer):
    """Names images.

    Attributes:
        ports: those of the clients' ends, one per request.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.ports: list[int] = []
        self.context = context
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        scheme, host = ("http", "127.0.0.1") if self.context is None else ("https", "localhost")
        return f"{scheme}://{host}:{self.server_port}/score"

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secured:  # here in a thread of its own
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: NamingServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.ports.append(self.client_address[1])
        rows = json.loads(body)["input_data"]["data"]
        answer = boxes(name(base64.b64decode(rows[0])))
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def naming(authority: trustme.CA | None = None) -> Iterator[NamingServer]:
    """A running one, behind TLS when there is an authority."""
    context = None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
    with NamingServer(context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()

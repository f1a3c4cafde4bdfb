"""Reaches a fake endpoint over a real loopback socket, for code under test that makes its own client."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from automl_cv_client.testing import delivery
from automl_cv_client.testing.replies import Reply, refused
from automl_cv_client.testing.sent import SentRequest

Answering = Callable[[SentRequest], Reply]


class SocketServer:
    """An HTTP/1.1 server on a free port of 127.0.0.1, one thread a connection."""

    def __init__(self, answer: Answering) -> None:
        self._server = _Server(answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Where it is, such as ``http://127.0.0.1:54321``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Close the port and all connections."""
        self._server.shutdown()
        self._server.hang_up()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, answer: Answering) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        """A connection is over."""
        self._open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """End all connections; their threads end with them."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each reply waits 40 ms for the client's acknowledgement
    server: _Server

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a test's output is its own."""

    def _scripted(self, request: SentRequest) -> Reply:
        try:
            return self.server.answer(request)
        except Exception as error:  # noqa: BLE001 - told to the test through its client; 400 is never retried
            return refused(400, f"the fake endpoint's script failed: {type(error).__name__}: {error}")

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self._scripted(SentRequest(self.command, self.path.partition("?")[0], headers, body))
        try:
            delivery.begin(reply)
            self.send_response(reply.status)
            for name, value in delivery.all_headers(reply).items():
                self.send_header(name, value)
            self.end_headers()
            for piece in delivery.pieces(reply):
                self.wfile.write(piece)
        except (delivery.BrokenOff, ConnectionError):
            self.close_connection = True

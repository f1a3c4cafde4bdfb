"""Real HTTP servers on loopback that answer by a script, faults included."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

JSON = "application/json"


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def images(self) -> list[str]:
        """The base64 strings of a scoring request."""
        rows = json.loads(self.body)["input_data"]["data"]
        assert isinstance(rows, list)
        return rows


@dataclass(frozen=True)
class Answer:
    """A whole, well-formed answer."""

    status: int = 200
    body: bytes = b"[]"
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, connection: socket.socket) -> None:
        connection.sendall(self.head(len(self.body)) + self.body)

    def head(self, length: int) -> bytes:
        lines = {"content-type": JSON, "content-length": str(length), **self.headers}
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 {self.status} Scripted\r\n{text}\r\n".encode()


@dataclass(frozen=True)
class Drip(Answer):
    """The answer a byte at a time, with a pause after each."""

    pause: float = 0.05
    head_too: bool = False

    def send(self, connection: socket.socket) -> None:
        head = self.head(len(self.body))
        if not self.head_too:
            connection.sendall(head)
            head = b""
        for byte in head + self.body:
            connection.sendall(bytes([byte]))
            time.sleep(self.pause)


@dataclass(frozen=True)
class Truncated(Answer):
    """Says it is longer than it is, and closes."""

    def send(self, connection: socket.socket) -> None:
        connection.sendall(self.head(len(self.body) + 100) + self.body)
        raise ConnectionAbortedError


@dataclass(frozen=True)
class Reset(Answer):
    """Resets the connection instead of answering."""

    def send(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError


@dataclass(frozen=True)
class Silence(Answer):
    """Never answers; the server's end frees it."""

    seconds: float = 5.0

    def send(self, connection: socket.socket) -> None:
        connection.settimeout(self.seconds)
        with suppress(TimeoutError):
            connection.recv(1)
        raise ConnectionAbortedError


def wait_until(true: Callable[[], object]) -> None:
    """Wait until another thread has made it true, a minute at most: a busy machine may be slow, and a hang ends."""
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, "it did not come true within a minute"
        time.sleep(0.005)


class ScriptedServer:
    """Answers request number n with step n; the last step repeats. Steps may be changed between calls."""

    def __init__(self, *steps: Answer) -> None:
        self.steps = list(steps)
        self.received: list[Received] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self._server.open_connections = set()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/score"

    def step_for(self, request: Received) -> Answer:
        with self._lock:
            self.received.append(request)
            return self.steps[min(len(self.received), len(self.steps)) - 1]

    def wait_for(self, requests: int) -> None:
        """Wait until as many requests have arrived, a minute at most."""
        wait_until(lambda: len(self.received) >= requests)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        for connection in list(self._server.open_connections):
            connection.close()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    script: ScriptedServer
    open_connections: set[socket.socket]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.open_connections.add(self.connection)
        try:
            while True:
                request = self._request()
                if request is None:
                    return
                self.server.script.step_for(request).send(self.connection)
        except (ConnectionError, OSError, ValueError):
            return
        finally:
            self.server.open_connections.discard(self.connection)

    def _request(self) -> Received | None:
        line = self.rfile.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        headers: dict[str, str] = {}
        while True:
            name, _, value = self.rfile.readline().decode("latin-1").strip().partition(":")
            if not name:
                break
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Received(line[0], line[1], headers, body)


@contextmanager
def scripted(*steps: Answer) -> Iterator[ScriptedServer]:
    """A running server that answers by the script."""
    server = ScriptedServer(*steps)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def boxes(*labels: str, score: float = 0.9) -> bytes:
    """A detection reply for one image."""
    objects = [
        {"box": {"topX": 0.25, "topY": 0.5, "bottomX": 0.75, "bottomY": 1.0}, "label": label, "score": score}
        for label in labels
    ]
    return json.dumps([{"boxes": objects}]).encode()

"""Through a proxy of the environment: TLS goes end to end, so it sees neither key nor image."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from automl_cv_client import errors
from tests.conftest import Caller
from tests.transports.test_tls import TlsServer


class TunnelProxy(socketserver.ThreadingTCPServer):
    """Answers CONNECT, and joins every tunnel to one port of this machine whatever name is asked for.

    Attributes:
        asked: the hosts and ports asked for.
        seen: all bytes that went through, both ways.
    """

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.target = port
        self.asked: list[str] = []
        self.seen = bytearray()
        super().__init__(("127.0.0.1", 0), _Tunnel)


class _Tunnel(socketserver.BaseRequestHandler):
    server: TunnelProxy

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(4096)
            if not piece:
                return
            head += piece
        self.server.asked.append(head.split()[1].decode())
        with socket.create_connection(("127.0.0.1", self.server.target)) as onward:
            self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            back = threading.Thread(target=self._carry, args=(onward, self.request))
            back.start()
            self._carry(self.request, onward)
            back.join()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.server.seen += data
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    proxied = trustme.CA()
    proxied.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return proxied


@pytest.fixture
def endpoint(authority: trustme.CA) -> Iterator[TlsServer]:
    """The endpoint behind the proxy; its name is known to nobody else."""
    server = TlsServer(authority, "endpoint.example")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(endpoint: TlsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TunnelProxy]:
    with TunnelProxy(endpoint.port) as proxied:
        thread = threading.Thread(target=proxied.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxied.server_address[1]}")
        monkeypatch.setenv("no_proxy", "")
        yield proxied
        proxied.shutdown()
        thread.join()


def test_a_image_goes_through_a_tunnel(call: Caller, endpoint: TlsServer, proxy: TunnelProxy, image: bytes) -> None:
    found = call("https://endpoint.example/score", "detect", image, key="k3y-of-mine")
    assert found[0].label == "cat"
    assert proxy.asked == ["endpoint.example:443"]
    assert endpoint.received[0].headers["authorization"] == "Bearer k3y-of-mine"
    assert b"k3y-of-mine" not in proxy.seen


def test_a_proxy_that_answers_itself_gets_nothing(
    call: Caller, proxy: TunnelProxy, authority: trustme.CA, image: bytes
) -> None:
    other = TlsServer(authority, "proxy.example")
    other.start()
    proxy.target = other.port
    with pytest.raises(errors.ConnectionFailed, match="certificate of endpoint"):
        call("https://endpoint.example/score", "detect", image)
    assert other.received == []
    other.stop()

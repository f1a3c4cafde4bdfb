"""Certificates are checked: no key and no image reaches a server that is not who it says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from automl_cv_client import errors
from tests.conftest import Caller
from tests.servers import Answer, ScriptedServer, boxes

pytestmark = pytest.mark.bar(13)


class TlsServer(ScriptedServer):
    """A scripted server behind TLS."""

    def __init__(self, authority: trustme.CA, name: str) -> None:
        super().__init__(Answer(200, boxes("cat")))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    item = trustme.CA()
    item.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return item


@pytest.fixture
def serve() -> Iterator[Any]:
    running: list[TlsServer] = []

    def start(authority: trustme.CA, name: str) -> TlsServer:
        running.append(TlsServer(authority, name))
        running[-1].start()
        return running[-1]

    yield start
    for item in running:
        item.stop()


def test_a_trusted_certificate(authority: trustme.CA, serve: Any, call: Caller, image: bytes) -> None:
    server = serve(authority, "localhost")
    found = call(f"https://localhost:{server.port}/score", "detect", image)
    assert found[0].label == "cat"


@pytest.mark.parametrize("wrong", ["unknown authority", "another host"])
def test_a_bad_certificate(wrong: str, authority: trustme.CA, serve: Any, call: Caller, image: bytes) -> None:
    server = serve(trustme.CA() if wrong == "unknown authority" else authority, "elsewhere.example")
    with pytest.raises(errors.ConnectionFailed, match="certificate of localhost") as caught:
        call(f"https://localhost:{server.port}/score", "detect", image)
    assert not caught.value.retryable
    assert caught.value.attempts == 1
    assert server.received == []

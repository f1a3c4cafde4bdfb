"""Variables for proxies and certificates: what httpx and curl take works, the rest is an error that names it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from automl_cv_client import Client, RetryPolicy, errors
from automl_cv_client._transports import environment
from automl_cv_client._transports.environment import proxy_for
from automl_cv_client.doctor import examine
from tests.conftest import Caller
from tests.servers import Answer, ScriptedServer, boxes
from tests.timing import Stopwatch, is_within
from tests.transports.test_tls import TlsServer

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "SSLKEYLOGFILE")
ONCE = RetryPolicy(attempts=1)
FAR = "https://x.westeurope.inference.ml.azure.com/score"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nothing leaves this machine


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def endpoint(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    monkeypatch.delenv("https_proxy")
    server = TlsServer(authority, "localhost")
    server.start()
    yield server
    server.stop()


FILES = {
    "none.pem": "there is no such file",
    "none/x.pem": "there is no such file",
    "empty": "it is a folder",
    "empty.pem": "no certificate can be read from it",
    "text.pem": "no certificate can be read from it",
    "cut.pem": "no certificate can be read from it",
}
UNUSABLE = [
    *(("SSL_CERT_FILE", file, reason) for file, reason in FILES.items()),
    *(("CURL_CA_BUNDLE", file, reason) for file, reason in FILES.items()),
    ("SSL_CERT_DIR", "none", "there is no such folder"),
    ("SSL_CERT_DIR", "text.pem", "there is no such folder"),
    ("SSL_CERT_DIR", "empty", "no certificate in it"),
    ("SSLKEYLOGFILE", "none/keys", "cannot be written"),
    ("SSLKEYLOGFILE", "empty", "cannot be written"),
]


@pytest.mark.parametrize(("variable", "file", "reason"), UNUSABLE)
def test_a_certificate_variable_that_cannot_be_used_is_named(
    variable: str, file: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.pem").write_bytes(b"")
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "cut.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    value = str(tmp_path / file)
    monkeypatch.setenv(variable, value)
    with pytest.raises(errors.InvalidInput, match=reason) as caught:
        call(FAR, "detect", image)
    assert str(caught.value).startswith(f"{variable}={value} ")


def test_the_command_line_names_it_too(tmp_path: Path, image: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(image)
    clean = {
        **os.environ,
        "SSL_CERT_FILE": "/nonexistent/ca.pem",
        "AUTOML_CV_SCORING_URI": FAR,
        "AUTOML_CV_KEY": "k" * 32,
    }
    command = [sys.executable, "-m", "automl_cv_client", "detect", str(tmp_path / "a.jpg"), "--json"]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    told = json.loads(done.stdout or done.stderr)
    assert "SSL_CERT_FILE=/nonexistent/ca.pem cannot be used" in json.dumps(told)


def test_the_doctor_names_a_certificate_variable(endpoint: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")
    found = {
        finding.check: finding for finding in examine(f"https://localhost:{endpoint.port}/score", "k" * 32).findings
    }
    assert found["tls"].state == "failed"
    assert "SSL_CERT_FILE=/nonexistent/ca.pem cannot be used" in found["tls"].detail


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_a_file_of_certificates_is_trusted(
    variable: str, authority: trustme.CA, endpoint: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    call: Caller, image: bytes,
) -> None:  # fmt: skip
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for other in VARIABLES:
        monkeypatch.setenv(other, "")  # as if it were not set
    monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert call(f"https://localhost:{endpoint.port}/score", "detect", image)[0].label == "cat"
    assert "CLIENT_" in (tmp_path / "keys").read_text()


def test_folders_of_certificates_are_trusted(
    authority: trustme.CA,
    endpoint: TlsServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Caller,
    image: bytes,
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    (tmp_path / "certs").mkdir()
    authority.cert_pem.write_to_path(tmp_path / "certs" / "ca.pem")
    subprocess.run([openssl, "rehash", str(tmp_path / "certs")], check=True)
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join([str(tmp_path / "none"), str(tmp_path / "certs")]))
    assert call(f"https://localhost:{endpoint.port}/score", "detect", image)[0].label == "cat"


@pytest.mark.parametrize(
    "value",
    [
        "ftp://proxy:1", "http://", "http://user:s3cret@", "http://user:s3cret@h:port", "//user:s3cret@h:1",
        "socks4://user:s3cret@h:1", "user:s3cret@h:99999", "http://[::1", "http://user:s3cret@a b:1", ":8080",
    ],
)  # fmt: skip
def test_a_proxy_variable_that_cannot_be_used_is_named_without_its_password(
    value: str, monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes
) -> None:
    monkeypatch.setenv("https_proxy", value)
    with pytest.raises(errors.InvalidInput, match=r"^https_proxy=") as caught:
        call(FAR, "detect", image)
    assert "s3cret" not in str(caught.value)
    found = examine(FAR, "k" * 32, timeout=2)
    assert found["proxy"].state == "failed"
    assert "https_proxy=" in found["proxy"].detail
    assert "s3cret" not in found["proxy"].detail


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("form", ["{}", "http://{}", "http://{}/", "http://user:pa%3Ass@{}", "user:pa%3Ass@{}"])
def test_a_dead_proxy_is_named(
    variable: str, form: str, monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes
) -> None:
    monkeypatch.delenv("https_proxy")
    monkeypatch.setenv(variable, form.format("127.0.0.1:9"))
    with pytest.raises(errors.ConnectionFailed) as caught:
        call(FAR, "detect", image, retry=ONCE)
    assert str(caught.value).startswith(f"the proxy 127.0.0.1:9 (from {variable}) does not answer")
    assert "pa:ss" not in str(caught.value)
    assert "pa%3Ass" not in str(caught.value)
    found = examine(FAR, "k" * 32, timeout=2)
    assert found["port"].detail.startswith(f"the proxy 127.0.0.1:9 (from {variable}) does not answer")


def test_a_proxy_that_refuses_is_named_and_tells_no_password(
    monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes, server: ScriptedServer
) -> None:
    class Refusal(Answer):
        def head(self, length: int) -> bytes:
            return b"HTTP/1.1 407 no dXNlcjpwdw== pw\r\ncontent-length: %d\r\n\r\n" % length

    server.steps = [Refusal(407, b"")]
    monkeypatch.setenv("https_proxy", f"http://user:pw@127.0.0.1:{server.port}")
    with pytest.raises(errors.ConnectionFailed) as caught:
        call(FAR, "detect", image, retry=ONCE, key="the-key-of-the-endpoint")
    assert str(caught.value).startswith(f"the proxy 127.0.0.1:{server.port} (from https_proxy) on the way to x.west")
    assert "dXNlcjpwdw" not in str(caught.value)
    assert " pw" not in str(caught.value)
    assert server.received[0].headers["proxy-authorization"] == "Basic dXNlcjpwdw=="
    assert "authorization" not in server.received[0].headers


def test_a_proxy_that_is_silent_is_named(monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(errors.TimedOut, match=r"by way of the proxy 127\.0\.0\.1:\d+ \(from https_proxy\)"):
            call(FAR, "detect", image, retry=ONCE, timeout=0.2)


@pytest.mark.parametrize(
    ("entries", "url", "exempt"),
    [
        ("*", "https://a.example.org/", True),
        ("example.org", "https://example.org/", True),
        ("example.org", "https://a.example.org/", True),
        (".example.org", "https://a.example.org/", True),
        ("*.example.org", "https://a.example.org/", True),
        ("EXAMPLE.ORG.", "https://a.example.org/", True),
        ("example.org", "https://notexample.org/", False),
        ("a, example.org ,b", "https://example.org/", True),
        ("a example.org b", "https://example.org/", True),
        ("example.org:443", "https://example.org/", True),
        ("example.org:8443", "https://example.org/", False),
        ("example.org:8443", "https://example.org:8443/", True),
        ("https://example.org", "https://example.org/", True),
        ("10.0.0.0/8", "https://10.2.3.4/", True),
        ("10.0.0.0/8", "https://11.2.3.4/", False),
        ("10.2.3.4", "https://10.2.3.4/", True),
        ("10.2.3.4:443", "https://10.2.3.4/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("[fd00::1]", "https://[fd00::1]/", True),
        ("fd00::2", "https://[fd00::1]/", False),
        ("", "https://example.org/", False),
        (",, ,", "https://example.org/", False),
        (".", "https://example.org/", False),
        ("", "https://localhost/", True),
        ("", "https://127.0.0.1/", True),
        ("", "https://[::1]/", True),
    ],
)
def test_no_proxy(entries: str, url: str, exempt: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv(name, entries)
        assert (proxy_for(url) is None) == exempt


def test_socks_needs_its_library(monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes) -> None:
    monkeypatch.setenv("https_proxy", "socks5://user:s3cret@127.0.0.1:9")
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    with pytest.raises(errors.InvalidInput, match=r"^https_proxy=socks5://<hidden>@.*pip install socksio"):
        call(FAR, "detect", image)


def test_a_name_without_an_address_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes
) -> None:
    monkeypatch.delenv("https_proxy")
    asked: list[Any] = []
    honest = socket.getaddrinfo

    def look_up(host: str, *more: Any, **options: Any) -> Any:
        if options.get("flags"):
            return honest(host, *more, **options)
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(errors.ConnectionFailed, match=r"the name nope\.example has no address") as caught:
        call("https://nope.example/score", "detect", image)
    assert caught.value.attempts == 1
    assert not caught.value.retryable
    assert asked == ["nope.example"]


def test_a_name_server_that_is_away_for_a_moment_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes, server: ScriptedServer
) -> None:
    server.steps = [Answer(200, boxes("cat"))]
    honest, failures = socket.getaddrinfo, [socket.gaierror(socket.EAI_AGAIN, "Temporary failure")]

    def look_up(host: str, *more: Any, **options: Any) -> Any:
        if options.get("flags"):
            return honest(host, *more, **options)
        if failures:
            raise failures.pop()
        return honest("127.0.0.1" if host == "some.example" else host, *more, **options)

    monkeypatch.delenv("https_proxy")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    found = call(
        f"http://some.example:{server.port}/score", "detect", image, allow_http=True, retry=RetryPolicy(backoff=0.001)
    )
    assert found.call.attempts == 2


@pytest.mark.bar(5)
@pytest.mark.parametrize("stuck", ["name", "addresses"])
def test_connecting_ends_with_the_deadline(
    stuck: str, monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes
) -> None:
    """Over all addresses, and over a name server that does not answer."""
    monkeypatch.delenv("https_proxy")
    honest = socket.getaddrinfo
    let_go = threading.Event()
    dead = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    for other in waiting:
        other.setblocking(False)
        other.connect_ex(dead.getsockname())

    def look_up(host: str, port: int, **options: Any) -> Any:
        if options.get("flags"):
            return honest(host, port, **options)
        if stuck == "name":
            let_go.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", dead.getsockname())] * 8

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    def fail(watch: Stopwatch) -> None:
        with watch.running(), pytest.raises(errors.DeadlineExceeded):
            call("http://some.example:80/score", "detect", image, deadline=0.5, allow_http=True)

    try:
        is_within(0.6, fail, at_most=3)
    finally:
        let_go.set()
        for other in (dead, *waiting):
            other.close()


def test_plain_http_reads_no_certificates(
    monkeypatch: pytest.MonkeyPatch, server: ScriptedServer, image: bytes
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")
    server.steps = [Answer(200, boxes("cat"))]
    with Client(server.url, "k") as client:
        assert client.detect(image)[0].label == "cat"

"""URLs as images: off by default; when on, nothing but public addresses is ever connected to."""

from __future__ import annotations

import io
import socket
from pathlib import Path
from typing import Any

import pytest
import trustme

from automl_cv_client import ImagePolicy, UrlRules, errors
from automl_cv_client._transports import addresses, connecting, image_urls
from automl_cv_client._transports.addresses import is_public
from automl_cv_client._transports.connecting import Address
from tests.conftest import Caller
from tests.servers import Answer, Drip, ScriptedServer, boxes
from tests.transports.test_tls import TlsServer

pytestmark = pytest.mark.bar(23)

PUBLIC = "93.184.216.34"
NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "168.63.129.16.", "not an address", "",
    # of Azure's machines, and forms that stand for such an address
    "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::1", "::168.63.129.16",
    "::ffff:0:169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2001:4860:0:1::5efe:a9fe:a9fe", "2002:a9fe:a9fe::1",
    "fe80::1234:5678:9abc",
    # site-local, documentation, benchmarks, protocols, segment routing, discard, answers for private addresses
    "fec0::1", "3fff::1", "2001:2::1", "2001:20::1", "2001:1::1", "5f00::1", "100::1", "100:0:0:1::1",
    "2620:4f:8000::1", "192.0.0.192", "192.88.99.1", "100.100.100.200", "198.19.255.255", "0.0.0.1", "4000::1",
]  # fmt: skip
FORMS = ["http://{}/c.png", "https://{}/c.png"]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> Network:
    return Network(monkeypatch, server)


class Network:
    """Names and addresses of our own making: public ones lead to the scripted server, and all are written down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.connected: list[str] = []
        self.port = server.port
        connect = connecting.connect_to

        def resolve(host: str, port: int, seconds: float) -> list[Address]:
            self.asked.append(host)
            answers = self.names.get(host, [[PUBLIC]])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in answer]

        def connect_to(chosen: list[Address], until: float) -> socket.socket:
            self.connected.extend(address[4][0] for address in chosen)
            return connect([(*chosen[0][:4], ("127.0.0.1", self.port))], until)

        monkeypatch.setattr(addresses, "addresses_of", resolve)
        monkeypatch.setattr(addresses, "connect_to", connect_to)


RULES = UrlRules(allow_http=True, seconds=60)


def fetch(url: str, **rules: Any) -> bytes:
    return image_urls.fetch_image(url, RULES.model_copy(update=rules))


def test_off_by_default(call: Caller, server: ScriptedServer) -> None:
    with pytest.raises(errors.ImageError, match=r"URLs are not fetched by default.*UrlRules"):
        call(server.url, "detect", "https://example.org/cat.jpg")
    with pytest.raises(errors.ImageError, match="an fsspec filesystem"):
        call(server.url, "detect", "abfs://container/cat.jpg")
    assert server.received == []


def test_a_url_is_scored(call: Caller, server: ScriptedServer, network: Network, image: bytes) -> None:
    server.steps = [Answer(200, image, {"content-type": "image/jpeg"}), Answer(200, boxes("cat"))]
    url = "http://images.example.org/cat.jpg?sig=a-secret"
    found = call(server.url, "detect", url, images=ImagePolicy(urls=RULES))
    assert found[0].label == "cat"
    assert found.image.size == (400, 200)
    assert found.image.source == "http://images.example.org/cat.jpg", "the query may be a signature"
    assert server.received[0].path == "/cat.jpg?sig=a-secret"
    assert server.received[0].headers["host"] == "images.example.org"
    assert "authorization" not in server.received[0].headers
    assert network.connected[0] == PUBLIC


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "168.63.129.17"]
)
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_with_such_an_address(address: str, network: Network) -> None:
    for found in ([address], [PUBLIC, address], [address, PUBLIC]):
        network.names["evil.example.org"] = [found]
        for form in FORMS:
            with pytest.raises(errors.ImageError, match="not on the public internet"):
                fetch(form.format("evil.example.org"))
    assert network.connected == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "0x7f.1",
        "0177.0.0.1",
        "2130706433",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
        "0.0.0.0",
    ],
)
def test_this_machine_under_its_many_names(host: str, server: ScriptedServer) -> None:
    """With the system's own resolver, and no network of ours."""
    with pytest.raises(errors.ImageError):
        fetch(f"http://{host}:{server.port}/c.png")
    assert server.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["http://inside.example.org/", "http://169.254.169.254/latest", "//inside.example.org/x"]
)
def test_redirects_are_checked_like_the_first(
    status: int, target: str, network: Network, server: ScriptedServer
) -> None:
    network.names = {"inside.example.org": [["10.0.0.7"]], "169.254.169.254": [["169.254.169.254"]]}
    server.steps = [Answer(status, b"", {"location": target})]
    with pytest.raises(errors.ImageError, match="not on the public internet"):
        fetch("http://images.example.org/cat.jpg")
    assert network.connected == [PUBLIC]


def test_a_name_that_changes_its_address(network: Network, server: ScriptedServer, image: bytes) -> None:
    """Rebinding: public when asked first, loopback ever after. It is asked once, and that answer is connected to."""
    network.names["rebind.example.org"] = [[PUBLIC], ["127.0.0.1"]]
    server.steps = [Answer(200, image)]
    assert fetch("http://rebind.example.org/") == image
    assert network.asked == ["rebind.example.org"]
    assert network.connected == [PUBLIC]
    with pytest.raises(errors.ImageError, match="not on the public internet"):
        fetch("http://rebind.example.org/")


def test_redirects_within_the_rules(network: Network, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(302, b"", {"location": "/moved.jpg"}), Answer(200, image)]
    assert fetch("http://images.example.org/cat.jpg") == image
    assert [request.path for request in server.received] == ["/cat.jpg", "/moved.jpg"]
    server.steps = [Answer(302, b"", {"location": "/again"})]
    with pytest.raises(errors.ImageError, match="redirects more than 3 times"):
        fetch("http://images.example.org/cat.jpg")


@pytest.mark.parametrize(
    ("url", "rules", "reason"),
    [
        ("http://a.example.org/x", {"allow_http": False}, "plain http is not allowed"),
        ("http://me:pw@a.example.org/x", {}, "user name or password"),
        ("http://a.example.org/x", {"hosts": ("b.example.org",)}, "is not among those allowed"),
        ("http://xexample.org/x", {"hosts": (".example.org",)}, "is not among those allowed"),
        ("http:///x", {}, "it has no host"),
        ("http://a.example.org/\r\nHost: b", {}, "no http"),
        ("http://a.example.org:99999/x", {}, "fetching it failed"),
        ("http://[::1/x", {}, "fetching it failed"),
        ("file:///etc/passwd", {}, "no http"),
    ],
)
def test_urls_against_the_rules(url: str, rules: dict[str, Any], reason: str, network: Network) -> None:
    with pytest.raises(errors.ImageError, match=reason) as caught:
        fetch(url, **rules)
    assert "pw" not in str(caught.value)
    assert network.connected == []


def test_hosts_below_an_allowed_one(network: Network, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, image)]
    assert fetch("http://A.Example.org/x", hosts=(".example.org",)) == image


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(404), "the server answered 404"),
        (Answer(200, b"x" * 2000), "larger than the 1,000 bytes allowed"),
        (Answer(200, b"x", {"content-encoding": "gzip"}), "fetching it failed"),
        (Drip(200, b"x" * 500, pause=0.02), "did not come within 0.3 s"),
        (Drip(200, b"x", pause=0.02, head_too=True), "did not come within 0.3 s"),
    ],
)
def test_bad_answers(answer: Answer, reason: str, network: Network, server: ScriptedServer) -> None:
    server.steps = [answer]
    seconds = 0.3 if "0.3 s" in reason else 60
    with pytest.raises(errors.ImageError, match=reason) as caught:
        fetch("http://images.example.org/x?sig=a-secret", most_bytes=1000, seconds=seconds)
    assert "a-secret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["images.example.org", "another.example.org"])
def test_the_certificate_must_be_the_names(
    name: str, network: Network, image: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """TLS is checked against the name in the URL, though the address is what is connected to."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    server = TlsServer(authority, name)
    server.steps = [Answer(200, image)]
    server.start()
    network.port = server.port
    try:
        if name == "images.example.org":
            assert fetch("https://images.example.org/x") == image
        else:
            with pytest.raises(errors.ImageError, match="fetching it failed"):
                fetch("https://images.example.org/x")
            assert server.received == []
    finally:
        server.stop()


class TestFilesystems:
    def test_memory(self, call: Caller, server: ScriptedServer, image: bytes) -> None:
        fsspec = pytest.importorskip("fsspec")
        files = fsspec.filesystem("memory")
        files.pipe("/folder/cat.jpg", image)
        server.steps = [Answer(200, boxes("cat"))]
        found = call(server.url, "detect", "memory://folder/cat.jpg", images=ImagePolicy(filesystem=files))
        assert (found[0].label, found.image.source) == ("cat", "memory://folder/cat.jpg")
        with pytest.raises(errors.ImageError, match=r"MemoryFileSystem cannot read it \(FileNotFoundError\)"):
            call(server.url, "detect", "memory://folder/none.jpg", images=ImagePolicy(filesystem=files))

    def test_blob_urls_and_azureml(self, call: Caller, server: ScriptedServer, image: bytes) -> None:
        opened: list[str] = []

        class Files:
            def open(self, path: str, mode: str) -> io.BytesIO:
                opened.append(path)
                return io.BytesIO(image)

        server.steps = [Answer(200, boxes("cat"))]
        for url in ("https://me.blob.core.windows.net/box/a%20cat.jpg?sig=a-secret", "azureml://x/paths/cat.jpg"):
            found = call(server.url, "detect", url, images=ImagePolicy(filesystem=Files()))
            assert "a-secret" not in str(found.image.source)
        assert opened == ["box/a cat.jpg", "azureml://x/paths/cat.jpg"]
        with pytest.raises(errors.ImageError, match="URLs are not fetched"):
            call(server.url, "detect", "https://example.org/c.png", images=ImagePolicy(filesystem=Files()))

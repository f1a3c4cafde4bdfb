"""What a hostile or odd server sends ends in one of our errors, within bounds of memory and time."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from automl_cv_client import Client, RetryPolicy, errors
from tests.conftest import Caller
from tests.servers import Answer, ScriptedServer, boxes

ONCE = RetryPolicy(attempts=1)


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    million = b" " * 1_000_000
    return b"".join(packer.compress(million) for _ in range(megabytes)) + packer.flush()


@pytest.mark.bar(11)
def test_a_gzip_bomb_is_refused_in_little_memory(server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, bomb(500), {"content-encoding": "gzip"})]
    with Client(server.url, "k", retry=ONCE) as client:
        client.health()
        tracemalloc.start()
        try:
            with pytest.raises(errors.UnexpectedReply, match="MB from"):
                client.detect(image)
            assert tracemalloc.get_traced_memory()[1] < 100_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(boxes("cat"))),
        ("deflate", zlib.compress(boxes("cat"))),
        ("identity", boxes("cat")),
        ("GZIP", gzip.compress(boxes("cat"))),
    ],
    ids=["gzip", "deflate", "identity", "GZIP"],  # a compressed body holds the time it was made
)
def test_an_honest_compressed_reply_is_read(
    encoding: str, body: bytes, call: Caller, server: ScriptedServer, image: bytes
) -> None:
    server.steps = [Answer(200, body, {"content-encoding": encoding})]
    assert call(server.url, "detect", image)[0].label == "cat"
    assert server.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("encoding", "body", "words"),
    [
        ("gzip", boxes("cat"), "cannot be read"),
        ("gzip", gzip.compress(boxes("cat"))[:-12], "ends early"),
        ("zstd", b"x", "unknown content encoding"),
    ],
    ids=["not gzip", "cut off", "unknown"],
)
def test_a_broken_compressed_reply_is_refused(
    encoding: str, body: bytes, words: str, call: Caller, server: ScriptedServer, image: bytes
) -> None:
    server.steps = [Answer(200, body, {"content-encoding": encoding})]
    with pytest.raises(errors.UnexpectedReply, match=words) as caught:
        call(server.url, "detect", image, retry=ONCE)
    assert caught.value.attempts == 1


@pytest.mark.bar(13)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int, call: Caller, server: ScriptedServer, image: bytes) -> None:
    other = ScriptedServer(Answer(200, boxes("cat")))
    other.start()
    server.steps = [Answer(status, b"", {"location": other.url})]
    with pytest.raises(errors.StatusError, match="never followed"):
        call(server.url, "detect", image)
    assert other.received == []
    other.stop()


@pytest.mark.bar(13)
def test_proxies_of_the_environment_are_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, call: Caller, server: ScriptedServer, image: bytes
) -> None:
    proxy = ScriptedServer(Answer(502))
    proxy.start()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    server.steps = [Answer(200, boxes("cat"))]
    assert len(call(server.url, "detect", image)) == 1
    assert proxy.received == []
    proxy.stop()


def test_a_proxy_of_the_environment_is_used_for_other_machines(
    monkeypatch: pytest.MonkeyPatch, call: Caller, image: bytes
) -> None:
    proxy = ScriptedServer(Answer(200, boxes("cat")))
    proxy.start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    found = call("http://endpoint.invalid/score", "detect", image, allow_http=True)
    assert len(found) == 1
    assert proxy.received[0].path == "http://endpoint.invalid/score"
    proxy.stop()

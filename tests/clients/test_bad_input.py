"""Bad input gets an error here, that says what, where and what to do; nothing is sent."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import Client, ImagePolicy, RetryPolicy, errors
from tests.conftest import Caller, encoded
from tests.servers import ScriptedServer


def bomb(side: int) -> bytes:
    """A small PNG file of side x side pixels of one grey."""
    packer = zlib.compressobj(9)
    line = bytes(1 + side)
    rows = b"".join(packer.compress(line * 100) for _ in range(side // 100)) + packer.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.jpg").write_text("This is a text file, whatever its name says.\n")
    photo = encoded(Image.effect_noise((200, 200), 50).convert("RGB"))
    (folder / "truncated.jpg").write_bytes(photo[: len(photo) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "huge.png").write_bytes(bomb(13400))
    return {
        "no such file": (folder / "missing.jpg", "no such file"),
        "a folder": (folder, "folder"),
        "a text file": (folder / "text.jpg", "text"),
        "truncated": (folder / "truncated.jpg", "truncated"),
        "empty": (folder / "empty.png", "empty"),
        "179 megapixels": (folder / "huge.png", "pixels"),
        "a URL": ("https://example.org/cat.jpg", "URL"),
        "nothing": (None, "path"),
        "a number": (17, "path"),
        "floats": (__import__("numpy").zeros((4, 4, 3)), "uint8"),
    }


CASES = [
    "no such file", "a folder", "a text file", "truncated", "empty", "179 megapixels",
    "a URL", "nothing", "a number", "floats",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_image_error_before_anything_is_sent(
    case: str, files: dict[str, Any], call: Caller, server: ScriptedServer
) -> None:
    image, words = files[case]
    with pytest.raises(errors.ImageError, match=words) as caught:
        call(server.url, "detect", image)
    assert server.received == []
    if isinstance(image, Path):
        assert image.name in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "must look like"),
        ("example.org/score", "must look like"),
        ("ftp://example.org/score", "must look like"),
        ("https://", "must look like"),
        ("https://exa mple.org/score", "must look like"),
        ("https://user:secret@example.org/score", "user name or password"),
        ("http://example.org/score", "plain http to example.org"),
        ("http://10.0.0.5/score", "allow_http=True"),
        ("http://10.0.0.5/score", r"a tunnel .*http://localhost"),  # what there is to do at the command line, too
        ("http://127.0.0.1.example.org/score", "plain http"),
        ("https://example.org:port/score", "cannot be read"),
        (None, "must be a str"),
    ],
)
def test_a_scoring_uri_that_is_not_safe_to_use(uri: Any, words: str) -> None:
    with pytest.raises(errors.InvalidInput, match=words) as caught:
        Client(uri, "k")
    assert "secret" not in str(caught.value)


@pytest.mark.bar(13)
@pytest.mark.parametrize("uri", ["http://127.0.0.1:1/score", "http://localhost/score", "http://[::1]:5/score"])
def test_plain_http_to_this_machine_is_fine(uri: str) -> None:
    with Client(uri, "k") as client:
        assert uri in repr(client)


@pytest.mark.bar(13)
def test_plain_http_elsewhere_when_asked_for() -> None:
    with Client("http://10.0.0.5/api/v1/service/a/score", "k", allow_http=True) as client:
        assert "10.0.0.5" in repr(client)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"timeout": 0}, "timeout must be a number of seconds above 0, not 0"),
        ({"timeout": "5"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"deadline": -1}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
        ({"deployment": "two words"}, "not a deployment name"),
        ({"deployment": "a\r\nx: y"}, "not a deployment name"),
        ({"dialect": "french"}, "automl, huggingface, legacy, legacy-raw"),
        ({"retry": 3}, r"retry must be RetryPolicy\(…\), not int"),
        ({"images": {}}, "images must be ImagePolicy"),
    ],
)
def test_an_option_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.InvalidInput, match=words):
        Client("https://example.org/score", "k", **options)
    with Client("https://example.org/score", "k") as client, pytest.raises(errors.InvalidInput, match=words):
        client.with_options(**options)


def test_an_unknown_option_names_the_known_ones() -> None:
    with (
        Client("https://example.org/score", "k") as client,
        pytest.raises(errors.InvalidInput, match=r"did you mean .deployment"),
    ):
        client.with_options(depolyment="green")  # type: ignore[call-arg]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "0.5", True])
def test_a_threshold_that_is_no_probability(threshold: Any, call: Caller, server: ScriptedServer, image: bytes) -> None:
    with pytest.raises(errors.InvalidInput, match="between 0 and 1"):
        call(server.url, "classify_multilabel", image, with_={"threshold": threshold})
    assert server.received == []


def test_a_closed_client_says_so(server: ScriptedServer, image: bytes) -> None:
    client = Client(server.url, "k", retry=RetryPolicy(attempts=1))
    client.close()
    with pytest.raises(errors.InvalidInput, match="closed"):
        client.detect(image)
    client.close()  # twice does no harm


def test_the_pixel_limit_is_the_users(call: Caller, server: ScriptedServer, image: bytes) -> None:
    with pytest.raises(errors.ImageError, match="80,000 pixels are more than the 79,999 allowed"):
        call(server.url, "detect", image, images=ImagePolicy(max_pixels=79_999))

"""What cannot be sent is an ImageError that says which image, why, and what to do."""

from __future__ import annotations

import base64
import gc
import io
import pickle
import re
import weakref
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from pydantic import ValidationError

from automl_cv_client._imaging import ImagePolicy, open_upright, prepare, sources
from automl_cv_client.errors import ImageError, InvalidInput
from tests.imaging.images import POLICY, encoded, scene

PNG = encoded(scene())

REFUSED = [
    (b"", "<bytes, 0 bytes>: it is empty"),
    (None, "<NoneType>: not an image. Give a path"),
    (42, "<int>: not an image"),
    ([PNG], "detect_many"),
    ("", "empty string"),
    ("no/such/file.jpg", "no/such/file.jpg: there is no such file"),
    ("nul\0.jpg", r"nul\\x00.jpg: this is not a usable path"),
    ("x" * 3000, "cannot be read"),
    ("https://example.com/cat.jpg", "URLs are not fetched by default. Download"),
    ("HTTP://example.com/cat.jpg", "URLs are not fetched by default"),
    ("azureml://subscriptions/s/cat.jpg", "azureml:// addresses are not read"),
    (base64.b64encode(encoded(scene(), "JPEG")).decode(), "base64.b64decode"),
    (base64.b64encode(PNG).decode(), "base64.b64decode"),
    ("data:image/png,rubbish", "only data URIs of the form"),
    ("data:image/png;base64", "only data URIs of the form"),
    ("data:image/png;base64,!!!!", "its base64 is damaged"),
    ("data:image/png;base64,ÄÖÜß", "its base64 is damaged"),
    ("data:image/png;base64,", "it is empty"),
    (io.StringIO("text"), 'opened in text mode; open it in binary mode: open\\(path, "rb"\\)'),
    (bytes(50), "nothing but zero bytes"),
    (b"hello, this is text", "looks like text"),
    ("\ufeff<!DOCTYPE html><html>".encode(), "an HTML page"),
    (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
    (b'{"error": "not found"}', "JSON"),
    (b"[]", "looks like JSON"),
    (b"[1, 2]", "looks like JSON"),
    (b"[-1.5]", "looks like JSON"),
    (b"[\n  [1]\n]\n", "looks like JSON"),
    (b"[1]\n[2]\n", "looks like a configuration file"),
    (b'{"a": 1}\n{"a": 2}', "looks like JSON"),
    (b"{}", "looks like JSON"),
    (b"[tool.ruff]\nline-length = 120\n", r"a configuration file \(TOML or INI\)"),
    (b"[[people]]\nname = 1\n", r"a configuration file \(TOML or INI\)"),
    (b'["a.b"]\r\nc = 1\r\n', r"a configuration file \(TOML or INI\)"),
    (b"[section] # why\nkey=value", r"a configuration file \(TOML or INI\)"),
    (b"[link](https://example.com) and more", "looks like text"),
    (b"{% if this %}", "looks like text"),
    (b"ab\n", "looks like text"),
    (b"BM is a company", "looks like text"),
    (b"P6 is a chip, and its key is hush", "looks like text"),
    (b"BM", "looks like text"),
    (b"BM\x99", "truncated"),
    (b"%PDF-1.7 \xe2\xe3", "a PDF document"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
    (b"PK\x03\x04\x14\0", "a ZIP archive"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC or HEIF photo"),
    (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "a video"),
    (b"\x93NUMPY\1\0v\0", "numpy.load"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", "Git LFS pointer"),
    (base64.b64encode(PNG), "base64 text; decode it first"),
    (b"data:image/png;base64,AAAA", "a data URI; in Python, pass it as str"),
    (bytes(range(1, 200)), "an unknown format"),
    (Image.new("RGB", (0, 5)), "no pixels"),
]


@pytest.mark.parametrize(("image", "reason"), REFUSED, ids=[reason[:30] for _, reason in REFUSED])
def test_refused_with_a_reason(image, reason):
    with pytest.raises(ImageError, match=reason) as caught:
        prepare(image, POLICY)
    assert isinstance(caught.value, InvalidInput)
    assert caught.value.__context__ is None
    assert len(str(caught.value)) < 500
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(ImageError):
        open_upright(image, POLICY)


def test_a_folder_is_named_as_one(tmp_path):
    with pytest.raises(ImageError, match="it is a folder: give the images in it"):
        prepare(tmp_path, POLICY)


def test_an_empty_and_a_text_file(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(ImageError, match=r"empty\.jpg: it is empty"):
        prepare(tmp_path / "empty.jpg", POLICY)
    (tmp_path / "notes.jpg").write_text("Dear diary")
    with pytest.raises(ImageError, match=r"notes\.jpg: not an image: it looks like text") as caught:
        prepare(tmp_path / "notes.jpg", POLICY)
    assert "diary" not in str(caught.value)


def test_text_and_closed_files(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open() as text, pytest.raises(ImageError, match="text mode"):
        prepare(text, POLICY)
    with path.open("rb") as closed:
        pass
    with pytest.raises(ImageError, match="is it closed"):
        prepare(closed, POLICY)
    with (tmp_path / "out").open("wb") as written, pytest.raises(ImageError, match="opened for writing only"):
        prepare(written, POLICY)

    class Odd:
        def read(self, size: int) -> str:
            return "text"

    with pytest.raises(ImageError, match="gave str, not bytes"):
        prepare(Odd(), POLICY)  # type: ignore[arg-type]


def test_a_closed_pil_image(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    image = Image.open(path)
    image.close()
    with pytest.raises(ImageError):
        prepare(image, POLICY)


@pytest.mark.parametrize("kind", [str, Path, lambda p: p.read_bytes(), lambda p: io.BytesIO(p.read_bytes())])
def test_files_above_the_cap_are_refused(tmp_path, monkeypatch, kind):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", len(PNG) - 1)
    with pytest.raises(ImageError, match="too large"):
        prepare(kind(path), POLICY)


def test_a_sparse_file_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(ImageError, match="too large"):
        prepare(path, POLICY)


def test_a_refused_image_is_not_kept_alive(monkeypatch):
    class Alive:
        pass

    witness = Alive()
    reference = weakref.ref(witness)

    def explode(*_: object, held: object = witness) -> None:
        raise KeyError(held)

    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    del witness
    with pytest.raises(ImageError, match="KeyError") as caught:
        prepare(encoded(scene(), "BMP"), POLICY)
    monkeypatch.undo()
    del explode
    gc.collect()
    assert reference() is None
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "error",
    [
        OSError("x"),
        SyntaxError("x"),
        ValueError("x"),
        EOFError(),
        MemoryError(),
        OverflowError(),
        KeyError(1),
        IndexError(),
        TypeError(),
        AttributeError(),
        AssertionError(),
        ZeroDivisionError(),
        RuntimeError(),
        Image.DecompressionBombError(),
    ],
    ids=repr,
)
def test_whatever_a_decoder_raises_is_an_image_error(monkeypatch, error):
    def explode(*_: object) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    with pytest.raises(ImageError, match="<bytes, "):
        prepare(encoded(scene(), "BMP"), POLICY)


def test_an_interrupt_passes(monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageFile.ImageFile, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare(encoded(scene(), "BMP"), POLICY)


def test_policy_is_frozen_and_strict():
    assert ImagePolicy() == ImagePolicy(color="rgb", max_pixels=100_000_000)
    for wrong in ({"color": "gbr"}, {"max_pixels": 0}, {"max_pixel": 5}):
        with pytest.raises(ValidationError):
            ImagePolicy.model_validate(wrong)
        with pytest.raises(InvalidInput, match=rf"ImagePolicy.*{next(iter(wrong))}.*(must be|did you mean)"):
            ImagePolicy(**wrong)
    with pytest.raises(ValidationError):
        POLICY.max_pixels = 5  # type: ignore[misc]


def test_things_that_turn_into_arrays_are_not_taken_silently():
    class Tensor:
        def __array__(self) -> object:
            return numpy.zeros((3, 3), numpy.uint8)

    with pytest.raises(ImageError, match=r"numpy\.asarray"):
        prepare(Tensor(), POLICY)  # type: ignore[arg-type]


PLAIN = re.compile(
    r"<bytes, \d+ bytes>: (it is empty|not an image: it looks like [\w (,)/;.:]+|the image is truncated: its data "
    r"end too early|the image is damaged[\w ,.:;()/+-]+|it claims more pixels than Pillow decodes|"
    r"[\d,]+ × [\d,]+ = .*)"
)
CLUMSY = re.compile(r"buffer|unpack|index|literal|decoded \(\(|[\"'\\]")
BEGINNINGS = (
    *(b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0\x08\0\0\0"),
    *(b"RIFF\0\0\0\0WEBP", b"BM", b"\n\5", b"\0\0\1\0", b"P6\n", b"P5 3 3 255\n", b"8BPS", b"qoif", b"\1\xda"),
    *(b"\x28\0\0\0", b"\x0c\0\0\0", b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"\0\0\0\x18ftypavif", b"\0\0\2"),
)


@given(st.sampled_from(BEGINNINGS), st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
@settings(max_examples=500)
def test_the_smallest_files_of_anything_have_a_clear_message(beginning: bytes, rest: bytes) -> None:
    data = (beginning + rest)[:64]
    try:
        prepare(data, ImagePolicy(max_pixels=10_000))
    except ImageError as error:
        message = str(error)
    else:
        return
    assert PLAIN.fullmatch(message), message
    assert not CLUMSY.search(message), message

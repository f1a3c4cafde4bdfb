"""Every kind of input gives the same pixels, and is named in messages without showing its content."""

from __future__ import annotations

import array
import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from PIL import Image

from automl_cv_client._imaging import describe, open_upright, prepare
from automl_cv_client.errors import ImageError
from tests.imaging.images import POLICY, decoded, difference, encoded, scene, sent

PNG = encoded(scene())


class Located(os.PathLike[str]):
    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "scène 1.png"
    path.write_bytes(PNG)
    return path


@pytest.mark.parametrize("kind", [str, Path, Located])
def test_paths_are_sent_untouched_and_remembered(path, kind):
    prepared, _ = sent(kind(path))
    assert prepared.data == PNG
    assert prepared.info.source == str(path)
    assert prepared.info.changes == ()


def _stepped() -> memoryview:
    doubled = bytearray(2 * len(PNG))
    doubled[::2] = PNG
    return memoryview(doubled)[::2]


ENCODED = {
    "bytes": PNG,
    "bytearray": bytearray(PNG),
    "memoryview": memoryview(PNG),
    "memoryview with gaps": _stepped(),
    "BytesIO": io.BytesIO(PNG),
    "data URI": "data:image/png;base64," + base64.b64encode(PNG).decode(),
    "data URI with newlines": "  DATA:image/png;name=x;Base64 , \n" + base64.encodebytes(PNG).decode(),
    "data URI, URL-safe and unpadded": "data:;base64," + base64.urlsafe_b64encode(PNG).decode().rstrip("="),
    "data URI, percent-encoded": "data:;base64,"
    + base64.b64encode(PNG).decode().replace("+", "%2B").replace("=", "%3D"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_encoded_inputs_are_sent_untouched(name):
    prepared, _ = sent(ENCODED[name])
    assert prepared.data == PNG
    assert prepared.info.source is None


@pytest.mark.parametrize("image", [scene(), numpy.asarray(scene())], ids=["PIL", "numpy"])
def test_pixels_are_sent_losslessly(image):
    prepared, photo = sent(image)
    assert prepared.info.media_type == "image/png"
    assert prepared.info.changes == ()
    assert difference(photo, scene()) == 0


@pytest.mark.parametrize(
    "image", [*(b for b in ENCODED.values() if not hasattr(b, "read")), scene(), numpy.asarray(scene())]
)
def test_all_inputs_are_drawn_on_alike(image):
    photo = open_upright(image, POLICY)
    assert photo.mode == "RGB"
    assert photo.info == {}
    assert difference(photo, scene()) == 0


def test_a_file_is_read_from_where_it_stands_and_stays_open(path):
    with path.open("rb") as plain:
        assert prepare(plain, POLICY).data == PNG
        assert not plain.closed
    behind = io.BytesIO(b"a header of another format" + PNG)
    behind.seek(len(b"a header of another format"))
    assert prepare(behind, POLICY).data == PNG
    with pytest.raises(ImageError, match="empty from its current position"):
        prepare(behind, POLICY)


def test_a_file_that_gives_little_at_a_time():
    class Drip(io.RawIOBase):
        position = 0

        def read(self, size: int = -1, /) -> bytes:
            self.position += 7
            return PNG[self.position - 7 : self.position]

    assert prepare(Drip(), POLICY).data == PNG  # type: ignore[arg-type]


def test_a_lazily_opened_image_is_used_and_left_open(path):
    with Image.open(path) as lazy:
        assert difference(decoded(prepare(lazy, POLICY).data), scene()) == 0
        assert lazy.getpixel((0, 0)) == scene().getpixel((0, 0))


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with subprocess.Popen([sys.executable, "-c", f"open({str(pipe)!r}, 'wb').write({PNG!r})"]):
        assert prepare(pipe, POLICY).data == PNG


NAMES = [
    ("cat.jpg", "cat.jpg"),
    (Path("photos", "cat.jpg"), str(Path("photos", "cat.jpg"))),
    ("a\x1b[31m\nb\u202e.jpg", r"a\x1b[31m\nb\u202e.jpg"),
    ("\udc80.jpg", r"\udc80.jpg"),
    ("Katze 猫.jpg", "Katze 猫.jpg"),
    ("", "<empty path>"),
    (bytes(193_000), "<bytes, 193 kB>"),
    (bytearray(12), "<bytearray, 12 bytes>"),
    (memoryview(bytes(5_200_000)), "<memoryview, 5.2 MB>"),
    (numpy.zeros((480, 640, 3), numpy.uint8), "<array (480, 640, 3) uint8>"),
    (Image.new("RGB", (640, 480)), "<PIL image 640x480 RGB>"),
    ("data:image/png;base64,AAAA", "<data URI>"),
    (io.BytesIO(b"x"), "<file object>"),
    (None, "<NoneType>"),
    ("/9j/" + "A" * 90_000, "<str, 90,004 characters>"),
]


@pytest.mark.parametrize(("image", "name"), NAMES, ids=lambda value: str(value)[:20] if isinstance(value, str) else "")
def test_inputs_have_names(image, name):
    assert describe(image) == name


def test_long_names_are_shortened_in_the_middle():
    name = describe("/very/long" * 100 + "/cat.jpg")
    assert len(name) == 160
    assert name.startswith("/very/long")
    assert name.endswith("/cat.jpg")


def test_an_ordinary_jpeg_needs_neither_pillow_nor_numpy(path):
    path = path.with_suffix(".jpg")
    path.write_bytes(encoded(scene(), "JPEG"))
    code = (
        "import sys; from automl_cv_client._imaging import ImagePolicy, prepare, describe\n"
        f"prepare({str(path)!r}, ImagePolicy()); prepare(open({str(path)!r}, 'rb').read(), ImagePolicy())\n"
        "describe(object()); print(sorted({'PIL', 'numpy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_other_buffers_are_refused_by_name():
    with pytest.raises(ImageError, match="<array>: not an image"):
        prepare(array.array("B", PNG), POLICY)  # type: ignore[arg-type]

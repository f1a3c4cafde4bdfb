"""All eight EXIF orientations arrive upright at the server, and boxes fit the upright image."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Caller, encoded
from tests.servers import Answer, ScriptedServer, boxes

STORED_AS = {  # how a camera stores an upright image under each orientation
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def upright() -> Image.Image:
    """80x40, with four different quarters."""
    photo = Image.new("RGB", (80, 40), (250, 250, 250))
    photo.paste((220, 30, 30), (0, 0, 40, 20))
    photo.paste((30, 30, 220), (0, 20, 40, 40))
    photo.paste((30, 180, 30), (40, 0, 80, 20))
    return photo


def stored(orientation: int, format: str) -> bytes:
    transpose = STORED_AS[orientation]
    photo = upright() if transpose is None else upright().transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"quality": 95, "subsampling": 0} if format == "JPEG" else {}
    return encoded(photo, format, exif=exif, **options)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright(orientation: int, format: str, call: Caller, server: ScriptedServer) -> None:
    server.steps = [Answer(200, boxes("red"))]
    found = call(server.url, "detect", stored(orientation, format))
    arrived = Image.open(io.BytesIO(base64.b64decode(server.received[0].images[0])))
    assert arrived.getexif().get(0x0112, 1) == 1
    difference = np.asarray(arrived.convert("RGB")).astype(int) - np.asarray(upright())
    assert np.abs(difference).mean() < (3 if format == "JPEG" else 0.001)
    assert found.image.size == found.image.sent_size == (80, 40)
    assert found.image.raw_size == ((40, 80) if orientation > 4 else (80, 40))
    assert found.image.orientation == orientation
    assert found[0].pixel_box == (20, 20, 60, 40)


def test_an_upright_file_is_sent_as_it_is(call: Caller, server: ScriptedServer, image: bytes) -> None:
    server.steps = [Answer(200, boxes())]
    found = call(server.url, "detect", image)
    assert base64.b64decode(server.received[0].images[0]) == image
    assert found.image.changes == ()

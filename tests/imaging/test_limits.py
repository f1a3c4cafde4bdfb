"""Decompression bombs are refused before they are decoded, and Pillow's global state is left alone."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
import tracemalloc
import warnings
import zlib

import pytest
from PIL import Image, ImageFile

from automl_cv_client._imaging import ImagePolicy, open_upright, prepare
from automl_cv_client.errors import ImageError
from tests.imaging.images import AVIF, POLICY, encoded, png_chunk, png_of, scene, sent


@pytest.fixture(scope="session")
def bomb() -> bytes:
    """A sound PNG of 179 megapixels in about 174 kB."""
    side = 13_380
    packer = zlib.compressobj(9)
    row = bytes(side + 1) * 60
    packed = b"".join(packer.compress(row) for _ in range(side // 60)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.bar(10)
@pytest.mark.parametrize("use", [prepare, open_upright])
@pytest.mark.parametrize("doubt", [False, True], ids=["header", "Pillow"])
def test_a_bomb_is_refused_at_once(bomb, use, doubt):
    assert 170_000 < len(bomb) < 180_000
    if doubt:  # an unknown chunk before the pixels, so that Pillow is asked
        bomb = bomb[:33] + png_chunk(b"QqQq", b"") + bomb[33:]
    prepare(encoded(scene(), "BMP"), POLICY)  # Pillow's import is not the bomb's
    tracemalloc.start()
    started = time.thread_time()
    with pytest.raises(ImageError, match="179,024,400 pixels are more than the 100,000,000 allowed"):
        use(bomb, POLICY)
    busy = time.thread_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert busy < 0.5  # a few milliseconds; decoding it takes seconds


def test_a_bomb_under_the_limit_of_the_caller_is_fine_by_pillow_too():
    """95 megapixels: Pillow would warn, and under ``-W error`` fail."""
    image = encoded(Image.new("1", (9_750, 9_750)), "BMP")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert prepare(image, POLICY).data == image


def test_far_above_pillows_limit_when_the_caller_says_so():
    image = encoded(Image.new("1", (20_000, 10_000)), "BMP")
    assert prepare(image, ImagePolicy(max_pixels=200_000_000)).info.size == (20_000, 10_000)


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (100_000, 100_000)])
def test_absurd_sizes(size):
    with pytest.raises(ImageError):
        prepare(png_of(*size), POLICY)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", *AVIF, "JPEG2000", "PPM", "TGA"])
def test_the_limit_holds_for_every_format(format):
    data = encoded(scene(), format)
    assert sent(data, ImagePolicy(max_pixels=48 * 32))
    with pytest.raises(ImageError, match="48 × 32 = 1,536 pixels are more than the 1,535 allowed"):
        prepare(data, ImagePolicy(max_pixels=48 * 32 - 1))


def test_pillows_global_state_is_untouched(bomb):
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    for data in (bomb, encoded(scene(), "GIF"), encoded(scene(), "TIFF")[:-9]):
        try:
            prepare(data, POLICY)
        except ImageError:
            continue
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


def test_warnings_as_errors_do_not_escape(bomb, tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb)
    code = (
        "from automl_cv_client._imaging import ImagePolicy, prepare\n"
        "from automl_cv_client.errors import ImageError\n"
        f"try: prepare({str(path)!r}, ImagePolicy())\n"
        "except ImageError as error: print('refused')"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "refused"

"""What would keep a decoder busy for seconds, or take gigabytes, is refused before it is decoded; or made harmless."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from PIL import Image

from automl_cv_client._imaging import ImagePolicy, open_upright, prepare
from automl_cv_client.errors import DeadlineExceeded, ImageError
from automl_cv_client.task import Task
from automl_cv_client.testing import FakeEndpoint
from tests.imaging.images import POLICY, encoded, png_chunk, scene, sent

pytestmark = pytest.mark.bar(29)

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def run_length_bmp(width: int, height: int, codes: bytes) -> bytes:
    palette = bytes(1024)
    start = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(codes), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(codes), 0, 0, start) + header + palette + codes


def tiff(fields: list[tuple[int, int, int, int]], data: bytes) -> bytes:
    entries = b"".join(struct.pack("<HHII", *field) for field in sorted(fields))
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(fields)) + entries + bytes(4)


def tiff_of_pages(pages: int) -> bytes:
    fields = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    fields += [(273, 4, 1, 8), (278, 3, 1, 1), (279, 4, 1, 1)]
    entries = b"".join(struct.pack("<HHII", *field) for field in fields)
    length = 2 + len(entries) + 4
    links = [10 + length * number for number in range(1, pages)] + [0]
    directories = (struct.pack("<H", len(fields)) + entries + struct.pack("<I", link) for link in links)
    return b"II*\0" + struct.pack("<I", 10) + b"\7\0" + b"".join(directories)


def tiff_of_one_huge_tile() -> bytes:
    packed = zlib.compress(bytes(100))
    fields = [(256, 3, 1, 16), (257, 3, 1, 16), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    return tiff([*fields, (322, 4, 1, 40_000), (323, 4, 1, 40_000), (324, 4, 1, 8), (325, 4, 1, len(packed))], packed)


def tiff_of_strips(strips: int) -> bytes:
    starts = struct.pack("<I", 8) * strips + struct.pack("<I", 1) * strips
    fields = [(256, 3, 1, 1), (257, 4, 1, strips), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (278, 3, 1, 1)]
    return tiff([*fields, (273, 4, strips, 16), (279, 4, strips, 16 + 4 * strips)], bytes(8) + starts)


def progressive_jpeg(scans: int) -> bytes:
    data = encoded(Image.new("RGB", (3000, 3000), "white"), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + b"\xff\xd9"


def jpeg_of_segments() -> bytes:
    data = encoded(scene().convert("CMYK"), "JPEG")
    return data[:2] + b"\xff\xe5\0\2" * 1_000_000 + data[2:]


def icon_of_a_large_png() -> bytes:
    head = struct.pack(">IIBBBBB", 9400, 9400, 8, 0, 0, 0, 0)
    png = SIGNATURE + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(bytes(99))) + png_chunk(b"IEND", b"")
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22) + png


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "BMP, 12 GB in 1 kB": (lambda: run_length_bmp(50_000_000, 2, b"\0\2\xff\xff"), "a run-length BMP"),
    "BMP, a long row": (lambda: run_length_bmp(50_000_000, 2, b"\1\7\0\0"), "a run-length BMP"),
    "BMP, many codes": (lambda: run_length_bmp(2000, 2000, b"\1\7" * 2_000_000), "a run-length BMP"),
    "TIFF, a huge tile": (tiff_of_one_huge_tile, "tiles are much larger than the image"),
    "TIFF, many strips": (lambda: tiff_of_strips(600_000), "more than 100,000 strips or tiles"),
    "JPEG, hundreds of scans": (lambda: progressive_jpeg(500), "a progressive JPEG of so many scans"),
    "JPEG, many segments": (jpeg_of_segments, "more than 10,000 segments"),
    "QOI, large": (lambda: b"qoif" + struct.pack(">IIBB", 2200, 2200, 3, 0) + bytes(4_840_008), "a QOI file"),
    "PPM, many comments": (lambda: b"P2\n25 10\n255\n" + b"#\n" * 200_000 + b"7 " * 250, "100,000 comments"),
    "JPEG 2000, empty and large": (
        lambda: (
            b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIIIH", 47, 0, 9500, 9500, 0, 0, 9500, 9500, 0, 0, 3) + bytes(60)
        ),
        "a JPEG 2000 of 9,500 × 9,500 pixels",
    ),
    "PNG, many chunks": (
        lambda: SIGNATURE + png_chunk(b"IHDR", bytes(13)) + png_chunk(b"quQq", b"") * 150_000 + png_chunk(b"IEND", b""),
        "more than 100,000 chunks",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("use", [prepare, open_upright])
def test_refused_before_decoding(name, use):
    make, reason = REFUSED[name]
    data = make()
    policy = ImagePolicy(longest_side=30)  # so that a file that could be sent as it is has to be decoded
    with pytest.raises(ImageError):  # Pillow's import is not the file's
        use(b"no image", policy)
    started = time.thread_time()
    with pytest.raises(ImageError, match=reason):
        use(data, policy)
    busy = time.thread_time() - started
    if "many" not in name:  # counting the memory of each of many small objects takes long
        tracemalloc.start()
        with pytest.raises(ImageError, match=reason):
            use(data, policy)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 5 * len(data) + 5_000_000
    assert busy < 2


def test_pages_of_a_tiff_are_counted_without_reading_them():
    started = time.thread_time()
    prepared, _ = sent(tiff_of_pages(30_000))
    assert prepared.info.changes == ("first of 30,000 frames",)
    assert time.thread_time() - started < 2  # Pillow takes 9 seconds


def test_an_icon_is_held_to_the_size_of_the_image_inside():
    with pytest.raises(ImageError, match="9,400 × 9,400 = 88,360,000 pixels are more than the 1,000,000 allowed"):
        prepare(icon_of_a_large_png(), ImagePolicy(max_pixels=1_000_000))


def test_comments_of_a_ppm_do_no_harm():
    plain = b"P2 # grey\n2 1 # size\n255\n# the pixels\n7 # one\n250\n"
    assert list(sent(plain)[1].tobytes()) == [7, 250]
    assert list(sent(b"P5\n#" + b"x" * 99_000 + b"\n2 1\n255\n\x07\xfa")[1].tobytes()) == [7, 250]


def test_ordinary_large_files_are_read():
    side = 3000
    image = scene((side, side))
    for format, options in (
        ("JPEG", {"progressive": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("JPEG2000", {"tile_size": (512, 512)}),
        ("GIF", {}),
    ):
        assert open_upright(encoded(image, format, **options), POLICY).size == (side, side)
    indexed = image.resize((800, 800)).quantize(16)
    assert open_upright(encoded(indexed, "BMP"), POLICY).size == (800, 800)


def test_decoding_ends_with_the_deadline_of_the_call():
    slow = b"P2\n2500 1000\n255\n" + b"7 " * 2_500_000
    with FakeEndpoint().client(deadline=0.05) as client:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            client.detect(slow)
        assert time.monotonic() - started < 5
        assert caught.value.elapsed >= 0.05


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_that_nobody_writes_to_ends_with_the_deadline(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with FakeEndpoint().client(deadline=0.3) as client:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            client.score(str(tmp_path / "pipe.png"), Task.DETECTION)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/proc/self/pagemap", "/proc/self/environ"])
def test_devices_and_files_of_the_system_are_refused(name):
    if not os.path.exists(name):
        pytest.skip("not on this system")
    with pytest.raises(ImageError):
        prepare(name, POLICY)

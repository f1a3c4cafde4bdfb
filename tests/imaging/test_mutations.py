"""Damaged files of any kind either succeed or raise ImageError, never anything else."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client._imaging import ImagePolicy, prepare
from automl_cv_client._imaging.header_reader import read_header
from automl_cv_client.errors import ImageError
from tests.imaging.images import AVIF, decoded, encoded, exif, scene

pytestmark = pytest.mark.bar(12)

SMALL = ImagePolicy(max_pixels=1_000_000)
SOURCES = [
    encoded(scene(), "JPEG"),
    encoded(scene(), "JPEG", exif=exif(6), progressive=True),
    encoded(scene().convert("CMYK"), "JPEG"),
    encoded(scene(), "MPO", save_all=True, append_images=[scene()]),
    encoded(scene(), "PNG", exif=exif(5)),
    encoded(scene().quantize(16), "PNG"),
    encoded(scene().convert("I;16"), "PNG"),
    encoded(scene(), "GIF", save_all=True, append_images=[scene().rotate(90)]),
    encoded(scene(), "BMP"),
    encoded(scene(), "TIFF", exif=exif(8)),
    encoded(scene(), "WEBP", exif=exif(3)),
    *(encoded(scene(), format) for format in AVIF),
    encoded(scene(), "JPEG2000"),
    encoded(scene(), "ICO"),
    encoded(scene(), "TGA"),
    b"data:image/png;base64,",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 6))):
        reach = min(len(data), 700) if draw(st.booleans()) else len(data)
        where = draw(st.integers(0, max(0, reach - 1)))
        match draw(st.sampled_from("obdi")):
            case "o" | "b":
                data[where : where + 1] = bytes([draw(st.sampled_from([0, 255, 0xD8, 0xD9]) | st.integers(0, 255))])
            case "d":
                del data[where : where + draw(st.integers(1, 60))]
            case _:
                data[where:where] = draw(st.binary(max_size=20))
    return bytes(data)


def _only_image_errors(data: bytes) -> None:
    refused: ImageError | None = None
    try:
        prepared = prepare(data, SMALL)
    except ImageError as error:
        refused = error
    if refused is not None:
        assert len(str(refused)) < 600
        assert refused.__context__ is None
        return
    header = read_header(data)
    if prepared.info.changes:
        assert decoded(prepared.data).size == prepared.info.sent_size
        assert header is None or header.orientation != 1
    else:
        assert prepared.data == data


@given(damaged())
@settings(max_examples=250, suppress_health_check=list(HealthCheck))
def test_damaged_files(data):
    _only_image_errors(data)


@given(damaged() | st.binary(max_size=400))
@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
@pytest.mark.slow
def test_many_damaged_files(data):
    _only_image_errors(data)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*", b"RIFF"]),
)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_rubbish_behind_a_signature(rubbish, signature):
    _only_image_errors(signature + rubbish)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["L", "RGB", "P", "1", "RGBA", "LA"]),
    st.integers(1, 100),
    st.booleans(),
    st.sampled_from([0, 1, 2]),
)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_what_the_headers_accept_pillow_decodes(width, height, mode, quality, progressive, subsampling):
    image = scene((64, 64)).resize((width, height)).convert(mode)
    files = [encoded(image, "PNG")]
    if mode in ("L", "RGB"):
        files.append(encoded(image, "JPEG", quality=quality, progressive=progressive, subsampling=subsampling))
    for data in files:
        header = read_header(data)
        assert header is not None
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()
            assert opened.size == header.size


KINDS: dict[str, bytes] = {
    "JPEG": encoded(scene(), "JPEG"),
    "JPEG, progressive": encoded(scene(), "JPEG", progressive=True),
    "JPEG, turned": encoded(scene(), "JPEG", exif=exif(6)),
    "JPEG, restarts": encoded(scene(), "JPEG", restart_marker_rows=1),
    "JPEG, CMYK": encoded(scene().convert("CMYK"), "JPEG"),
    "JPEG, grey": encoded(scene().convert("L"), "JPEG"),
    "MPO": encoded(scene(), "MPO", save_all=True, append_images=[scene()]),
    "PNG": encoded(scene(), "PNG"),
    "PNG, turned": encoded(scene(), "PNG", exif=exif(5)),
    "PNG, palette": encoded(scene().quantize(16), "PNG"),
    "PNG, 16 bit": encoded(scene().convert("I;16"), "PNG"),
    "PNG, animated": encoded(scene(), "PNG", save_all=True, append_images=[scene().rotate(90)]),
    "GIF": encoded(scene(), "GIF"),
    "GIF, frames": encoded(scene(), "GIF", save_all=True, append_images=[scene().rotate(90)]),
    "BMP": encoded(scene(), "BMP"),
    "BMP, palette": encoded(scene().quantize(16), "BMP"),
    "DIB": encoded(scene(), "DIB"),
    "TIFF": encoded(scene(), "TIFF", exif=exif(8)),
    "TIFF, LZW": encoded(scene(), "TIFF", compression="tiff_lzw"),
    "TIFF, JPEG": encoded(scene(), "TIFF", compression="jpeg"),
    "TIFF, pages": encoded(scene(), "TIFF", save_all=True, append_images=[scene().rotate(90)]),
    "TIFF, float": encoded(scene().convert("F"), "TIFF"),
    "BigTIFF": encoded(scene(), "TIFF", big_tiff=True),
    "WebP": encoded(scene(), "WEBP"),
    "WebP, lossless": encoded(scene(), "WEBP", lossless=True),
    "WebP, frames": encoded(scene(), "WEBP", save_all=True, append_images=[scene().rotate(90)]),
    **{format: encoded(scene(), format) for format in AVIF},
    "JPEG 2000": encoded(scene(), "JPEG2000"),
    "PPM": encoded(scene(), "PPM"),
    "PPM, plain": b"P3\n# plain\n4 4\n255\n" + b"7 8 9 " * 16,
    "ICO": encoded(scene(), "ICO"),
    "PCX": encoded(scene(), "PCX"),
    "SGI": encoded(scene(), "SGI"),
    "TGA": encoded(scene(), "TGA"),
    "QOI": encoded(scene(), "QOI"),
}
POLICIES = (
    ImagePolicy(max_pixels=1_000_000),
    ImagePolicy(max_pixels=1_000_000, strip_metadata=True),
    ImagePolicy(max_pixels=1_000_000, most_bytes=700),
    ImagePolicy(max_pixels=1_000_000, longest_side=20),
    ImagePolicy(max_pixels=1_000_000, format="jpeg", most_request_bytes=2000),
)


def _mutated(data: bytes, chance: random.Random) -> bytes:
    mutated = bytearray(data)
    for _ in range(chance.randint(1, 5)):
        where = chance.randrange(min(len(mutated), 300) if chance.random() < 0.5 else len(mutated))
        change = chance.randrange(5)
        if change == 0:
            mutated[where] = chance.choice((0, 255, 0xD8, 0xD9, 0xDA, chance.randrange(256)))
        elif change == 1:
            mutated[where : where + 2] = chance.choice((b"\xff\x05", b"\xff\xe1", b"\xff\xff", b"\0\0", b"\x7f\xff"))
        elif change == 2:
            del mutated[where : where + chance.randint(1, 50)]
        elif change == 3:
            mutated[where:where] = mutated[where : where + chance.randint(1, 50)]
        else:
            del mutated[max(1, where) :]
        if len(mutated) < 2:
            break
    return bytes(mutated)


def _mutated_images_give_a_result_or_our_error(count: int) -> None:
    chance = random.Random(20261201)
    kinds = list(KINDS)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        data = _mutated(KINDS[kind], chance)
        started = time.thread_time()
        with suppress(ImageError):
            prepare(data, POLICIES[number // len(kinds) % len(POLICIES)])
        assert time.thread_time() - started < 1, (kind, number)


def test_a_thousand_mutated_images_of_every_kind():
    assert len(KINDS) >= 30
    _mutated_images_give_a_result_or_our_error(1_000)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory as Linux tells it")
def test_twenty_thousand_mutated_images_in_little_time_and_memory():
    code = (
        "import resource, pathlib\n"
        "from tests.imaging import test_mutations as t\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "t._mutated_images_give_a_result_or_our_error(200)\n"
        "before = peak()\n"
        "t._mutated_images_give_a_result_or_our_error(20_000)\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000  # kB

"""Limits are kept with the least loss that does, and the result says what was done."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client._imaging import ImagePolicy, PreparedImage, prepare
from automl_cv_client._imaging.encoding import quality_of
from automl_cv_client.errors import ImageError
from tests.imaging.images import difference, encoded, exif, scene, stored

BIG = scene((1600, 1200))


def noisy(size: tuple[int, int] = (800, 600), mode: str = "RGB") -> Image.Image:
    """An image that does not pack well, as photos do not."""
    values = np.random.default_rng(3).normal(0, 12, (size[1], size[0], 1))
    return Image.fromarray((np.asarray(scene(size)) + values).clip(0, 255).astype(np.uint8)).convert(mode)


def fit(image: Any, **limits: Any) -> tuple[PreparedImage, Image.Image]:
    prepared = prepare(image, ImagePolicy(**limits))
    arrived = Image.open(io.BytesIO(prepared.data))
    arrived.load()
    assert arrived.size == prepared.info.sent_size
    assert len(prepared.data) == prepared.info.sent_bytes
    assert Image.MIME[str(arrived.format)] == prepared.info.media_type
    return prepared, arrived


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_sides(format):
    prepared, arrived = fit(encoded(BIG, format), longest_side=640)
    assert arrived.size == (640, 480)
    assert prepared.info.size == prepared.info.raw_size == (1600, 1200)
    assert "reduced from 1600 × 1200 to 640 × 480" in prepared.info.changes
    assert difference(arrived, BIG.resize((640, 480))) < (6 if format == "GIF" else 3)


def test_what_is_within_its_limits_is_sent_as_it_is():
    data = encoded(BIG, "JPEG")
    limits = {"longest_side": 1600, "shortest_side": 1200, "most_bytes": len(data), "format": "jpeg"}
    prepared, _ = fit(data, **limits)
    assert prepared.data == data
    assert prepared.info.changes == ()


@pytest.mark.parametrize(
    ("policy", "size"),
    [
        (ImagePolicy.for_classification(), (341, 256)),
        (ImagePolicy.for_rcnn(), (1067, 800)),
        (ImagePolicy.for_yolo(), (640, 480)),
        (ImagePolicy.for_yolo(320, quality=70), (320, 240)),
        (ImagePolicy.for_rcnn(600, 700), (700, 525)),
    ],
)
def test_presets(policy, size):
    assert prepare(encoded(BIG, "JPEG"), policy).info.sent_size == size
    assert prepare(encoded(BIG, "PNG"), policy).info.media_type == "image/jpeg"
    assert prepare(BIG, policy).info.sent_size == size


def test_small_images_are_never_enlarged():
    assert fit(encoded(scene(), "JPEG"), longest_side=640, shortest_side=300)[0].info.changes == ()


@pytest.mark.parametrize("share", [0.95, 0.7, 0.4, 0.1, 0.03])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_bytes(format, share):
    data = encoded(noisy(), format, quality=92)
    limit = int(len(data) * share)
    prepared, arrived = fit(data, most_bytes=limit)
    assert limit / 5 < len(prepared.data) <= limit
    assert prepared.info.changes
    assert arrived.format == "JPEG"
    if share > 0.5:
        assert arrived.size == (800, 600), "quality goes before pixels"


def test_the_first_thing_to_go_is_the_metadata():
    notes = exif(1)
    notes[0x010E] = "x" * 30_000
    data = encoded(noisy(), "JPEG", exif=notes)
    prepared, _ = fit(data, most_bytes=len(data) - 100)
    assert prepared.info.changes == ("metadata removed",)
    assert len(prepared.data) < len(data) - 30_000


def test_lossless_stays_lossless_when_asked():
    prepared, arrived = fit(encoded(noisy(), "PNG"), most_bytes=100_000, format="png")
    assert arrived.format == "PNG"
    assert prepared.info.changes[0].startswith("reduced from 800 × 600 to ")


def test_a_limit_on_requests_is_one_on_images():
    prepared, _ = fit(encoded(noisy(), "JPEG"), most_request_bytes=20_000)
    assert len(prepared.data) * 4 / 3 < 20_000


def test_what_cannot_fit_is_refused():
    with pytest.raises(ImageError, match="it cannot be made to fit into 150 bytes: raise most_bytes"):
        prepare(encoded(noisy(), "JPEG"), ImagePolicy(most_bytes=150))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_can_be_reduced(mode):
    image = noisy(mode="L").convert("F") if mode == "F" else None
    if mode == "I;16":
        image = Image.fromarray(np.asarray(noisy(mode="L")).astype(np.uint16) * 256)
    image = image or (noisy().quantize(64) if mode == "P" else noisy(mode=mode))
    for limits in ({"longest_side": 200}, {"longest_side": 200, "format": "jpeg"}, {"most_bytes": 8_000}):
        prepared, arrived = fit(image, **limits)
        assert max(arrived.size) <= 800
        assert prepared.info.size == (800, 600)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("limits", [{"longest_side": 24}, {"most_bytes": 900}, {"longest_side": 24, "format": "png"}])
def test_turned_images_are_reduced_upright(orientation, limits):
    prepared, arrived = fit(stored(orientation, "JPEG", quality=95, subsampling=0), **limits)
    assert prepared.info.size == (48, 32)
    assert prepared.info.raw_size == ((32, 48) if orientation > 4 else (48, 32))
    assert difference(arrived, scene().resize(arrived.size)) < 12
    assert not arrived.getexif()


def test_a_coarse_jpeg_is_not_written_finer_than_it_was():
    prepared, arrived = fit(encoded(noisy(), "JPEG", quality=40), longest_side=400)
    assert abs(quality_of(arrived) - 40) <= 2
    assert "written as JPEG of quality 40" in prepared.info.changes


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 8), st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=80)
def test_places_survive_orientation_and_reduction(width, height, orientation, longest, shortest):
    """A place in the raw file, the middle of what was sent and the upright image agree within half a pixel."""
    policy = ImagePolicy(longest_side=longest, shortest_side=shortest)
    image = encoded(Image.new("L", (width, height)), "JPEG", exif=exif(orientation))
    info = prepare(image, policy).info
    assert info.raw_size == (width, height)
    assert max(info.sent_size) <= longest
    assert min(info.sent_size) <= shortest
    frames = info.frames
    for x, y in ((0.0, 0.0), (width / 3, height / 7), (width, height)):
        sent = frames.point(x, y, "raw", "sent")
        assert all(-1e-9 <= value <= extent + 1e-9 for value, extent in zip(sent, info.sent_size, strict=True))
        back = frames.point(*sent, "sent", "raw")
        assert abs(back[0] - x) < 0.5
        assert abs(back[1] - y) < 0.5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(160, 120), (90, 200)])
@pytest.mark.parametrize("longest_side", [None, 64])
def test_a_spot_is_found_where_the_frames_say(orientation, size, longest_side):
    """A white spot in the stored file; its middle as sent, mapped back to the file."""
    spot = Image.new("L", size)
    spot.paste(255, (40, 64, 56, 80))
    prepared = prepare(encoded(spot, "PNG", exif=exif(orientation)), ImagePolicy(longest_side=longest_side))
    seen = np.asarray(Image.open(io.BytesIO(prepared.data)).convert("L")).astype(float)
    ys, xs = np.mgrid[: seen.shape[0], : seen.shape[1]] + 0.5
    middle = (float((xs * seen).sum() / seen.sum()), float((ys * seen).sum() / seen.sum()))
    x, y = prepared.info.frames.point(*middle, "sent", "raw")
    assert abs(x - 48) < 0.5
    assert abs(y - 72) < 0.5

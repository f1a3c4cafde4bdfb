"""Any place maps from frame to frame and back: by arithmetic, and in real images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Box, Frame, Frames, PixelBox, Size

NAMES: tuple[Frame, ...] = ("normalised", "upright", "raw", "sent")
sides = st.integers(1, 20_000)
UNTURNED = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
"""By orientation, Pillow's Transpose that turns an upright image into the stored one."""


@st.composite
def frames(draw):
    upright = Size(draw(sides), draw(sides))
    orientation = draw(st.integers(1, 8))
    scale = draw(st.floats(0.01, 1))
    sent = Size(max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
    raw = Size(upright.height, upright.width) if orientation >= 5 else upright
    return Frames(upright, raw, sent, orientation)


@given(frames(), st.floats(0, 1), st.floats(0, 1), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_there_and_back_is_within_half_a_pixel(frames, x, y, source, target):
    width, height = (1, 1) if source == "normalised" else getattr(frames, source)
    there = frames.point(x * width, y * height, source, target)
    back = frames.point(*there, target, source)
    limit = 1e-9 if source != "normalised" else 1e-12
    assert back == pytest.approx((x * width, y * height), abs=limit)
    full = (1, 1) if target == "normalised" else getattr(frames, target)
    assert all(-1e-9 <= value <= extent + 1e-9 for value, extent in zip(there, full, strict=True))


@given(frames(), st.floats(0, 1), st.floats(0, 1), st.sampled_from(NAMES), st.sampled_from(NAMES))
@settings(max_examples=50)
def test_the_way_does_not_matter(frames, x, y, through, target):
    straight = frames.point(x, y, "normalised", target)
    around = frames.point(*frames.point(x, y, "normalised", through), through, target)
    assert around == pytest.approx(straight, abs=1e-8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_in_real_images(orientation):
    """A marked pixel of the upright image is found where the frame says it is stored."""
    upright = np.zeros((20, 30), np.uint8)
    upright[4, 7] = 255
    turn = UNTURNED[orientation]
    image = Image.fromarray(upright)
    stored = image if turn is None else image.transpose(Image.Transpose(turn))
    frames = Frames(Size(30, 20), Size(*stored.size), Size(15, 10), orientation)
    x, y = frames.point(7.5, 4.5, "upright", "raw")
    assert np.asarray(stored)[int(y), int(x)] == 255
    left, top, right, bottom = frames.box(Box(7 / 30, 4 / 20, 8 / 30, 5 / 20), "normalised", "raw")
    assert (right - left, bottom - top) == pytest.approx((1, 1))
    assert np.asarray(stored)[round(top) : round(bottom), round(left) : round(right)].tolist() == [[255]]


def test_boxes_and_segments_know_their_kind():
    frames = Frames(Size(300, 400), Size(400, 300), Size(150, 200), 6)
    assert frames.box(Box(0, 0, 0.5, 0.5), "normalised", "sent") == PixelBox(0, 0, 75, 100)
    assert isinstance(frames.box(PixelBox(0, 0, 75, 100), "sent", "normalised"), Box)
    assert frames.segment((0.0, 0.0, 0.5, 0.5), "normalised", "raw") == (0, 300, 200, 150)
    with pytest.raises(InvalidInput, match="unknown frame 'screen': use one of normalised, upright, raw, sent"):
        frames.point(0, 0, "screen", "raw")  # type: ignore[arg-type]

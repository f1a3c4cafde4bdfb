"""What a model is fed, against the libraries the service uses: facts taken from them, and torchvision itself."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from automl_cv_client.local.preprocessing import (
    GREY,
    MEAN,
    STD,
    centre_crop,
    letterboxed,
    model_input,
    padded,
    resized,
    stretched,
    view_box,
)

# size -> size after torchvision 0.29's Resize(256), and left and top of its CenterCrop(224).
TORCHVISION = {
    (451, 300): ((384, 256), (80, 16)),
    (300, 451): ((256, 384), (16, 80)),
    (640, 427): ((383, 256), (80, 16)),
    (427, 640): ((256, 383), (16, 80)),
    (500, 333): ((384, 256), (80, 16)),
    (1000, 667): ((383, 256), (80, 16)),
    (333, 1000): ((256, 768), (16, 272)),
    (1023, 767): ((341, 256), (58, 16)),
    (256, 256): ((256, 256), (16, 16)),
    (17, 16): ((272, 256), (24, 16)),
    (229, 228): ((257, 256), (16, 16)),
    (231, 228): ((259, 256), (18, 16)),
}


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("size", TORCHVISION)
def test_sizes_and_corners_are_torchvisions(size: tuple[int, int]) -> None:
    to, corner = TORCHVISION[size]
    assert resized(size, 256) == to
    left, top, right, bottom = view_box(size)
    scale = (size[0] / to[0], size[1] / to[1])
    assert (left, top) == pytest.approx((corner[0] * scale[0], corner[1] * scale[1]))
    assert (right, bottom) == pytest.approx(((corner[0] + 224) * scale[0], (corner[1] + 224) * scale[1]))
    pixels = np.asarray(centre_crop(noise(*size)))
    whole = np.asarray(noise(*size).resize(to, Image.Resampling.BILINEAR))
    assert np.array_equal(pixels, whole[corner[1] : corner[1] + 224, corner[0] : corner[0] + 224])


def test_a_crop_larger_than_the_image_is_black_around_it() -> None:
    pixels = np.asarray(centre_crop(Image.new("RGB", (50, 50), "white"), 63, 64))
    assert pixels.shape == (64, 64, 3)
    assert not pixels[-1].any()
    assert pixels[0, 0, 0] == 255  # torchvision puts an odd pixel behind


@pytest.mark.parametrize("size", [(1, 5000), (5000, 3), (3, 60)])
def test_a_long_strip_is_cropped_as_if_it_were_resized_whole(size: tuple[int, int]) -> None:
    """Enlarged whole, one pixel by 5,000 would be 300 million pixels: only the crop is made."""
    strip = noise(*size)
    pixels = np.asarray(centre_crop(strip), int)
    assert pixels.shape == (224, 224, 3)
    if max(size) < 100:
        whole = strip.resize(resized(size, 256), Image.Resampling.BILINEAR)
        top = round((whole.height - 224) / 2)
        reference = np.asarray(whole.crop((16, top, 240, top + 224)), int)
        assert np.abs(pixels - reference).max() <= 1


def test_the_whole_image_is_stretched_as_pillow_does_it() -> None:
    image = noise(123, 77)
    assert np.array_equal(stretched(image, (800, 600)).pixels, np.asarray(image.resize((800, 600))))


# size -> size after the service's resize, which truncates, and left and top of its letterbox of 640.
OPENCV = {
    (1500, 900): ((640, 384), (0, 128)),
    (900, 1500): ((384, 640), (128, 0)),
    (333, 500): ((426, 640), (107, 0)),
    (640, 480): ((640, 480), (0, 80)),
    (31, 7): ((640, 144), (0, 248)),
    (999, 998): ((640, 639), (0, 0)),
}


@pytest.mark.parametrize("size", OPENCV)
def test_the_letterbox_is_the_services(size: tuple[int, int]) -> None:
    (width, height), (left, top) = OPENCV[size]
    fitted = letterboxed(Image.new("RGB", size, (200, 100, 50)), (640, 640))
    assert fitted.box == (left, top, left + width, top + height)
    inside = np.zeros((640, 640), dtype=bool)
    inside[top : top + height, left : left + width] = True
    assert (fitted.pixels[inside] == (200, 100, 50)).all()
    assert (fitted.pixels[~inside] == GREY).all()


def test_shrinking_takes_the_mean_over_the_area() -> None:
    """By 2.5: two whole pixels and half of the next one, as INTER_AREA."""
    row = np.array([0, 100, 200, 40, 80], dtype=np.uint8)
    image = Image.fromarray(np.repeat(np.tile(row, (5, 1))[..., np.newaxis], 3, axis=2))
    assert letterboxed(image, (2, 2)).pixels[0, :, 0].tolist() == [80, 88]  # (0+100+200/2)/2.5, (200/2+40+80)/2.5


def test_growing_is_bilinear_between_the_middles_of_pixels() -> None:
    image = Image.fromarray(np.tile(np.array([0, 100], dtype=np.uint8)[:, np.newaxis], (2, 1, 3)))
    assert letterboxed(image, (4, 4)).pixels[0, :, 0].tolist() == [0, 25, 75, 100]


def test_mm_detection_keeps_proportions_and_fills_up() -> None:
    fitted = padded(Image.new("RGB", (451, 300), "white"))
    assert fitted.box == (0, 0, 1203, 800)
    assert fitted.pixels.shape == (800, 1216, 3)
    beyond = model_input(fitted.pixels, "imagenet")[:, :, 1203:]
    assert np.abs(beyond).max() < 0.02
    assert padded(Image.new("RGB", (3000, 300))).box == (0, 0, 1333, 133)


def test_the_scales() -> None:
    pixels = np.full((2, 3, 3), (255, 0, 51), dtype=np.uint8)
    assert model_input(pixels, "bytes")[:, 0, 0].tolist() == [255, 0, 51]
    assert model_input(pixels, "unit")[:, 0, 0].tolist() == pytest.approx([1, 0, 0.2])
    assert model_input(pixels, "imagenet")[:, 1, 2].tolist() == pytest.approx((np.array([1, 0, 0.2]) - MEAN) / STD)
    assert model_input(pixels, "unit").shape == (3, 2, 3)


@pytest.mark.slow
def test_classification_pixels_equal_torchvisions() -> None:
    """200 random sizes. torchvision and torch are too large for the extra ``dev``: install them to run this."""
    transforms: Any = pytest.importorskip("torchvision.transforms")
    functional: Any = importlib.import_module("torchvision.transforms.functional")
    random = np.random.default_rng(7)
    for number in range(200):
        width, height = (int(side) for side in random.integers(1, 900, 2))
        image = noise(width, height, number)
        for resize, crop in ((256, 224), (232, 224), (72, 64)):
            if max(width, height) * resize / min(width, height) > 20_000:
                continue
            prepare = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(crop)])
            reference = functional.to_tensor(prepare(image)).numpy()
            ours = model_input(np.asarray(centre_crop(image, resize, crop)), "unit")
            bound = 1 / 255 if max(width, height) > 8 * min(width, height) else 0
            assert np.abs(reference - ours).max() <= bound + 1e-7, (width, height, resize, crop)

"""Objects cut out of their image."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from automl_cv_client.errors import InvalidInput
from automl_cv_client.testing import detections

SIZE = (100, 50)


def painted() -> Image.Image:
    """Red, but for a blue rectangle of 20 x 10 pixels."""
    image = Image.new("RGB", SIZE, (255, 0, 0))
    image.paste((0, 0, 255), (40, 20, 60, 30))
    return image


def found(*boxes: tuple[float, float, float, float]) -> Any:
    return detections(*(("a", 0.9, box) for box in boxes), size=SIZE)


def test_an_object_is_cut_out_to_the_pixel() -> None:
    (crop,) = found((0.4, 0.4, 0.6, 0.6)).crops(painted())
    assert crop.size == (20, 10)
    assert crop.getcolors() == [(200, (0, 0, 255))]


def test_a_margin_keeps_some_of_the_surroundings() -> None:
    (crop,) = found((0.4, 0.4, 0.6, 0.6)).crops(painted(), margin=0.5)
    assert crop.size == (40, 20)
    assert crop.getpixel((0, 0)) == (255, 0, 0)
    assert crop.getpixel((20, 10)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((-0.5, -0.5, 0.5, 0.5), (50, 25)),
        ((0.9, 0.9, 1.5, 1.5), (10, 5)),
        ((1.2, 1.2, 1.5, 1.5), (1, 1)),
        ((-0.5, -0.5, -0.2, -0.2), (1, 1)),
        ((0.5, 0.5, 0.5, 0.5), (1, 1)),
        ((0.6, 0.6, 0.4, 0.4), (1, 1)),
    ],
)
def test_boxes_are_cut_at_the_edges_and_no_crop_is_empty(box: tuple[float, float, float, float], size: Any) -> None:
    (crop,) = found(box).crops(painted())
    assert crop.size == size


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_that_cannot_be(margin: float) -> None:
    with pytest.raises(InvalidInput, match="margin must be 0 or more"):
        found((0, 0, 1, 1)).crops(painted(), margin=margin)


def test_without_an_image() -> None:
    with pytest.raises(InvalidInput, match="the result does not know its image"):
        found((0, 0, 1, 1)).crops()

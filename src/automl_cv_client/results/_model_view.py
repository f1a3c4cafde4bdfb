"""Which part of an image a classification model sees; plain arithmetic.

AutoML's classification models resize the shorter side and cut the square in the middle out, at 256 and 224 pixels
or in the same proportion (docs/explain.md names the source).
"""

from __future__ import annotations

from automl_cv_client.geometry import PixelBox, Size

_RESIZE_TO_CROP = 256 / 224


def model_view(sent: Size, shown: Size, crop: tuple[int, int]) -> PixelBox:
    """The crop in pixels of the upright image.

    Args:
        sent: (width, height) of the image that was sent.
        shown: (width, height) of the image the box is wanted for: the same image at any size.
        crop: (width, height) of the model's input: the attributions' last two extents, columns first.

    >>> model_view(Size(512, 256), Size(512, 256), (224, 224))
    PixelBox(left=144.0, top=16.0, right=368.0, bottom=240.0)
    """
    shorter = round(min(crop) * _RESIZE_TO_CROP)
    width, height = _resized(sent, shorter)
    # Half a pixel is rounded as torchvision's CenterCrop does it: to even.
    left, top = round((width - crop[0]) / 2), round((height - crop[1]) / 2)
    across, down = shown[0] / width, shown[1] / height
    return PixelBox(left * across, top * down, (left + crop[0]) * across, (top + crop[1]) * down)


def _resized(size: Size, shorter: int) -> tuple[int, int]:
    """As torchvision's Resize: the shorter side exact, the longer one cut to whole pixels."""
    width, height = size
    if width <= height:
        return shorter, int(shorter * height / width)
    return int(shorter * width / height), shorter

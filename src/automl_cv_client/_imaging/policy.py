"""What the caller decides about pictures before they are sent."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ImagePolicy(BaseModel):
    """How pictures are read and prepared. Frozen; an unknown name is an error.

    Attributes:
        color: order of the colour channels in numpy arrays: ``"rgb"`` as Pillow, scikit-image and matplotlib
            hold them, ``"bgr"`` as OpenCV's ``cv2.imread`` does. Files and PIL pictures know their own order.
        max_pixels: width × height above which a picture is refused before it is decoded, at least 1. Decoding
            takes about 4 bytes of memory a pixel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    color: Literal["rgb", "bgr"] = "rgb"
    max_pixels: int = Field(default=100_000_000, ge=1)

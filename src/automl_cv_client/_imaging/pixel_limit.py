"""Refuses pictures with more pixels than the policy allows, before they are decoded."""

from __future__ import annotations

from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._imaging.refusals import refusal


def check_pixels(size: tuple[int, int], policy: ImagePolicy, image: object) -> None:
    """Raises ImageError unless the picture of ``size`` (width, height) may be decoded."""
    width, height = size
    if width < 1 or height < 1:
        raise refusal(image, f"a picture of {width} × {height} has no pixels")
    if width * height > policy.max_pixels:
        raise refusal(
            image,
            f"{width:,} × {height:,} = {width * height:,} pixels are more than the {policy.max_pixels:,} allowed. "
            "Send a smaller picture, or in Python raise the limit: ImagePolicy(max_pixels=…)",
        )

"""What a header tells."""

from __future__ import annotations

from typing import NamedTuple

from automl_cv_client.geometry import Size


class Header(NamedTuple):
    """An ordinary image, read from its header alone.

    Attributes:
        media_type: e.g. ``image/jpeg``.
        size: (width, height) in pixels as stored, before the orientation is applied; neither is 0.
        orientation: EXIF orientation, 1 to 8.
    """

    media_type: str
    size: Size
    orientation: int

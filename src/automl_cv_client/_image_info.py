"""The image that a result speaks of: its size, its orientation, and what of it was sent."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainSerializer

from automl_cv_client._record import Record
from automl_cv_client.geometry import Frames, Size


def _as_text(path: str) -> str:
    """A path as JSON can hold it: file names need not be text, and bytes that are not come as ``\\udcff``."""
    return path.encode("utf-8", "backslashreplace").decode()


class ImageInfo(Record, frozen=True):
    """The image a result speaks of. All sizes are (width, height) in pixels.

    Attributes:
        size: the upright image, as a person sees it: the frame of every pixel coordinate.
        orientation: EXIF orientation found in the input, 1 to 8; 1 is upright. See EXIF 2.3, tag 0x0112.
        raw_size: the image as stored, before its orientation is applied.
        sent_size: the image that was sent, upright.
        sent_bytes: bytes of the encoded image that was sent, before base64.
        media_type: what was sent, e.g. ``image/jpeg``.
        source: the path the image came from; None for bytes, arrays and open files.
        changes: what was done to the image before it was sent, in words; empty when its bytes were sent untouched.
    """

    size: Size
    orientation: int = 1
    raw_size: Size
    sent_size: Size
    sent_bytes: int = 0
    media_type: str = ""
    source: Annotated[str, PlainSerializer(_as_text, when_used="json")] | None = None
    changes: tuple[str, ...] = ()

    @property
    def frames(self) -> Frames:
        """Maps points, boxes and segments between the normalised, upright, raw and sent frames."""
        return Frames(self.size, self.raw_size, self.sent_size, self.orientation)

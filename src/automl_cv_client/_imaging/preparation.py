"""Turns any input into the bytes to send: untouched when every server model reads them alike, else rewritten.

What the server does with an image (contract, sections 3 and 4): R-CNN and classification models ignore the
EXIF orientation, YOLO obeys it and cannot read GIF; 16-bit grey saturates; an image that cannot be read is left
out of the reply without a word. So what leaves here is whole, upright without a tag, has 8 bits a channel, and
keeps the policy's limits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._imaging import caller_images
from automl_cv_client._imaging.arrays import image_of
from automl_cv_client._imaging.fitting import first_size, size_within, write_within
from automl_cv_client._imaging.header_reader import Header, read_header
from automl_cv_client._imaging.image_header import UPRIGHT
from automl_cv_client._imaging.inputs import (
    ImageInput,
    check_pixels,
    guarded,
    is_array,
    is_data_uri,
    is_image,
    without_secrets,
)
from automl_cv_client._imaging.metadata import without_metadata
from automl_cv_client._imaging.opening import Opened, open_encoded
from automl_cv_client._imaging.pixels import PLAIN_MODES, bits_for, to_plain, turn, without_notes
from automl_cv_client._imaging.png_header import repaired, wrong_sums
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._imaging.sources import read_encoded
from automl_cv_client.geometry import Size

if TYPE_CHECKING:
    from PIL.Image import Image

SENT_AS_THEY_ARE = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
}
"""Formats that the readers of all server models know, with their media types."""

_SAYS_ITS_DEPTH = frozenset(["PPM", "JPEG2000"])
"""Formats whose header says what white is; Pillow scales them to all 16 bits by it."""

_LIGHT = 256 * 1024  # bytes; header and base64 of so many take 0.1 ms, a thread and back 0.1 to 0.2 ms


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image ready to be sent.

    Attributes:
        data: the encoded image, exactly as it is sent.
        info: its sizes, its orientation, and what was done to it.
    """

    data: bytes = field(repr=False)
    info: ImageInfo


def prepare(image: ImageInput, policy: ImagePolicy, check_time: Callable[[], None] | None = None) -> PreparedImage:
    """The bytes to send for ``image``. Raises ImageError when it cannot be read whole, and nothing else.

    A file object is read from its current position to its end and stays open. May be called from several
    threads at once.

    Args:
        image: the caller's image.
        policy: how it is to be prepared.
        check_time: called while an image is decoded; raises DeadlineExceeded when the time for the call is over.
    """
    if is_array(image) or is_image(image):
        return guarded(image, lambda: _rewritten(*_open_pixels(image, policy), image, policy))
    return prepare_encoded(read_encoded(image, policy, check_time), image, policy, check_time)


def prepare_lightly(image: ImageInput, policy: ImagePolicy) -> PreparedImage | None:
    """As :func:`prepare`, where that takes less time than to hand the work to another thread; else None.

    That is so for ``bytes`` of up to 256 kB that are sent as they are: then only their header is read.
    """
    if not isinstance(image, bytes) or len(image) > _LIGHT:
        return None
    header = read_header(image)
    if header is None or header.orientation != UPRIGHT:
        return None
    check_pixels(header.size, policy, image)
    return _as_it_is(image, header, image, policy)


def prepare_encoded(
    data: bytes, image: object, policy: ImagePolicy, check_time: Callable[[], None] | None = None
) -> PreparedImage:
    """As :func:`prepare`, of an encoded image that was read already; ``image`` is what the caller calls it."""
    return guarded(image, lambda: _prepare_encoded(data, image, policy, check_time))


def _prepare_encoded(
    data: bytes, image: object, policy: ImagePolicy, check_time: Callable[[], None] | None
) -> PreparedImage:
    header, enough = read_header(data), None
    changes: tuple[str, ...] = ()
    if header is None:
        data, changes = repaired(data)
    else:
        check_pixels(header.size, policy, image)
        if header.orientation == UPRIGHT:
            untouched = _as_it_is(data, header, image, policy)
            if untouched is not None:
                return untouched
        enough = _turned(first_size(_turned(header.size, header.orientation), len(data), policy), header.orientation)
    opened = open_encoded(data, image, policy, enough, check_time)
    return _from_opened(data, opened, image, policy, changes)


def open_upright(image: ImageInput, policy: ImagePolicy) -> Image:
    """The first frame, upright, as RGB, to draw on: an image of its own. Raises ImageError.

    Transparency is dropped, as the models drop it.
    """
    return open_upright_with_info(image, policy)[0]


def open_upright_with_info(
    image: ImageInput, policy: ImagePolicy, check_time: Callable[[], None] | None = None
) -> tuple[Image, ImageInfo]:
    """As :func:`open_upright`, and what is known of the image, as if it was sent whole."""

    def upright() -> tuple[Image, ImageInfo]:
        if is_array(image) or is_image(image):
            opened = _open_pixels(image, policy)[0]
        else:
            data = read_encoded(image, policy, check_time)
            opened = open_encoded(data, image, policy, check_time=check_time)
        pixels, _ = to_plain(opened.pixels, image, policy.grey_range, full_range=opened.format in _SAYS_ITS_DEPTH)
        pixels = without_notes(turn(_rgb(pixels), opened.to_turn))
        size = Size(*pixels.size)
        media_type = "image/jpeg" if opened.format == "JPEG" else "image/png"
        info = ImageInfo(
            size=size,
            orientation=opened.orientation,
            raw_size=_turned(size, opened.orientation),
            sent_size=size,
            media_type=media_type,
            source=_source(image),
        )
        return pixels, info

    return guarded(image, upright)


def _rgb(pixels: Image) -> Image:
    # Through RGBA: Pillow warns about palettes whose transparency is a table of bytes.
    if pixels.mode == "P" and "transparency" in pixels.info:
        pixels = pixels.convert("RGBA")
    return pixels.convert("RGB")


def _open_pixels(image: Any, policy: ImagePolicy) -> tuple[Opened, list[str]]:
    """An array or PIL image, and what was done to its values."""
    if is_image(image):
        return caller_images.open_copy(image, policy), []
    pixels, change = image_of(image, policy)
    return Opened(pixels, None, UPRIGHT, UPRIGHT), [change] if change else []


def _as_it_is(data: bytes, header: Header, image: object, policy: ImagePolicy) -> PreparedImage | None:
    """The file itself, perhaps without its notes, where that keeps all limits."""
    if size_within(header.size, policy) != header.size:
        return None
    limit, sent = policy.byte_limit, data
    if policy.strip_metadata or (limit is not None and len(data) > limit):
        sent = without_metadata(data)
    if limit is not None and len(sent) > limit:
        return None
    return _untouched(sent, header, image, () if sent is data else ("metadata removed",))


def _untouched(data: bytes, header: Header, image: object, changes: tuple[str, ...] = ()) -> PreparedImage:
    values = {
        "size": header.size,
        "orientation": UPRIGHT,
        "raw_size": header.size,
        "sent_size": header.size,
        "sent_bytes": len(data),
        "media_type": header.media_type,
        "source": _source(image),
        "changes": changes,
    }
    return PreparedImage(data, ImageInfo._trusted(values))


def _from_opened(
    data: bytes, opened: Opened, image: object, policy: ImagePolicy, changes: tuple[str, ...]
) -> PreparedImage:
    reasons = _reasons_to_rewrite(data, opened, policy, changes)
    full = Size(*(opened.stored or opened.pixels.size))
    limit = policy.byte_limit
    too_large = size_within(full, policy) != full or (limit is not None and len(data) > limit)
    if reasons or too_large or opened.orientation != UPRIGHT or opened.pixels.mode not in PLAIN_MODES:
        return _rewritten(opened, [*changes, *reasons], image, policy, len(data))
    return _untouched(data, Header(SENT_AS_THEY_ARE[opened.format or ""], full, UPRIGHT), image, changes)


def _reasons_to_rewrite(data: bytes, opened: Opened, policy: ImagePolicy, changes: tuple[str, ...]) -> list[str]:
    """Those that lie in the file, not in its pixels."""
    reasons = []
    if opened.frames > 1:
        reasons.append(f"first of {opened.frames:,} frames")
    if opened.format not in SENT_AS_THEY_ARE:
        reasons.append(f"{opened.format} rewritten as {'JPEG' if policy.format == 'jpeg' else 'PNG'}")
    if opened.deep and opened.pixels.mode in ("RGB", "RGBA", "LA"):
        dark = bits_for(_brightest(opened.pixels) << 8) if _brightest(opened.pixels) else 16
        doubt = f" (all values are below {1 << (dark or 16)}: if that is white, give it as a numpy array of uint16)"
        reasons.append("16-bit color reduced to 8 bits" + (doubt if dark and dark < 16 else ""))
    if opened.format == "PNG" and wrong_sums(data):
        reasons.append("wrong checksums of the PNG's notes: written anew")
    if policy.strip_metadata and not reasons and opened.format != "BMP" and "metadata removed" not in changes:
        reasons.append("metadata removed")
    return reasons


def _rewritten(
    opened: Opened, reasons: list[str], image: object, policy: ImagePolicy, byte_count: int = 0
) -> PreparedImage:
    pixels, change = to_plain(opened.pixels, image, policy.grey_range, full_range=opened.format in _SAYS_ITS_DEPTH)
    pixels = without_notes(turn(pixels, opened.to_turn))
    changes = [*reasons, *([change] if change else [])]
    if opened.orientation != UPRIGHT:
        changes.append(f"turned upright (EXIF orientation {opened.orientation})")
    full = Size(*pixels.size) if opened.stored is None else _turned(opened.stored, opened.to_turn)
    target = first_size(full, byte_count, policy) if opened.format == "JPEG" else size_within(full, policy)
    written = write_within(pixels, opened, full, target, policy, image)
    info = ImageInfo(
        size=full,
        orientation=opened.orientation,
        raw_size=_turned(full, opened.orientation),
        sent_size=written.size,
        sent_bytes=len(written.data),
        media_type=written.media_type,
        source=_source(image),
        changes=(*changes, *written.changes),
    )
    return PreparedImage(written.data, info)


def _brightest(pixels: Image) -> int:
    extremes = [high for _, high in pixels.getextrema()]  # type: ignore[misc]
    return int(max(extremes[:3] if pixels.mode.startswith("RGB") else extremes[:1]))


def _turned(size: tuple[int, int], orientation: int) -> Size:
    """Width and height change places where the image lies on its side."""
    return Size(size[1], size[0]) if orientation >= 5 else Size(*size)


def _source(image: object) -> str | None:
    if isinstance(image, (str, os.PathLike)) and not is_data_uri(image):
        return without_secrets(os.fsdecode(os.fspath(image)))
    return None

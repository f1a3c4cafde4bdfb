"""Decodes images with Pillow, whole, or says why not.

Not through ``PIL.Image.open``: it warns about large images, which under ``-W error`` is an error and cannot
be silenced for one thread alone, and it opens formats that start other programs (PostScript). The plugins it
keeps in ``PIL.Image.OPEN`` are asked here one by one, and the size is ours to judge.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl_cv_client._files import READ_FORMATS
from automl_cv_client._imaging import tiff_header
from automl_cv_client._imaging.bounds import as_decoders_need_it, check_costs
from automl_cv_client._imaging.image_header import ORIENTATION_TAG, UPRIGHT
from automl_cv_client._imaging.inputs import check_pixels, guarded, refusal
from automl_cv_client._imaging.png_header import PNG_SIGNATURE, is_critical, repaired, wrong_sums
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._imaging.sniffing import looks_like
from automl_cv_client._imaging.truncation import ends_early
from automl_cv_client.errors import DeadlineExceeded

if TYPE_CHECKING:
    from PIL.Image import Image

_ANIMATED = frozenset(["GIF", "PNG", "TIFF", "WEBP", "AVIF"])
"""May hold further images that a reader on the server might stumble over. Those in JPEG files it never sees."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An image decoded whole.

    Attributes:
        image: the pixels, turned by ``turned``.
        format: Pillow's name of the format, e.g. ``JPEG``; None for images that came from no file.
        orientation: EXIF orientation of the input, 1 to 8.
        to_turn: orientation still to be applied to ``image``: Pillow applies TIFF's by itself.
        frames: number of frames or pages in the file, at least 1.
        deep: whether the file has more than 8 bits a channel, which ``image`` may no longer show.
        stored: (width, height) of the file, when ``image`` was decoded reduced; else None.
    """

    pixels: Image
    format: str | None
    orientation: int
    to_turn: int
    frames: int = 1
    deep: bool = False
    stored: tuple[int, int] | None = None


def open_encoded(
    data: bytes,
    image: object,
    policy: ImagePolicy,
    at_least: tuple[int, int] | None = None,
    check_time: Callable[[], None] | None = None,
) -> Opened:
    """Decodes the first frame. Raises ImageError: not an image, truncated, damaged, too many pixels, too costly.

    Args:
        data: the encoded image.
        image: the caller's image, for messages.
        policy: holds the pixel limit.
        at_least: (width, height) as stored that is enough: a JPEG may be decoded reduced by 2, 4 or 8, which
            takes a fraction of the time.
        check_time: called while the decoder reads; raises DeadlineExceeded when the time for the call is over.
    """
    return guarded(image, lambda: _decode(data, image, policy, at_least, check_time))


def _decode(
    data: bytes,
    image: object,
    policy: ImagePolicy,
    at_least: tuple[int, int] | None,
    check_time: Callable[[], None] | None,
) -> Opened:
    data = repaired(data).data
    if ends_early(data):
        raise refusal(image, "the image is truncated: its data end too early")
    if data.startswith(PNG_SIGNATURE) and any(map(is_critical, wrong_sums(data))):
        # Of images with one byte changed Pillow decodes 5 to 30 in 100 into wrong pixels without a word;
        # OpenCV's reader, on the server, refuses them.
        raise refusal(image, "the image is damaged: a checksum of its PNG data is wrong")
    check_costs(data, image, policy)
    readable = as_decoders_need_it(data)
    pixels = _identify(readable, check_time)
    if pixels is None:
        raise refusal(image, f"not an image: it looks like {looks_like(data)}")
    check_pixels(pixels.size, policy, image)
    before = orientation_before_decoding(pixels)
    # Pillow reads every directory of a TIFF to count its pages, at 0.3 ms each.
    frames = tiff_header.count_pages(data) if pixels.format == "TIFF" else _frames_of(pixels)
    deep = _is_deep(pixels, data)
    stored = pixels.size
    if at_least is not None and pixels.format == "JPEG":
        pixels.draft(None, at_least)
    pixels.load()
    check_pixels(pixels.size, policy, image)
    after = orientation_of(pixels)
    return Opened(
        pixels, pixels.format, max(before, after), after, frames, deep, stored if pixels.size != stored else None
    )


def _frames_of(pixels: Any) -> int:
    return int(getattr(pixels, "n_frames", 1)) if pixels.format in _ANIMATED else 1


class _Watched(io.BytesIO):
    """The encoded image, which a decoder reads piece by piece; stops it when the time for the call is over."""

    def __init__(self, data: bytes, check_time: Callable[[], None]) -> None:
        super().__init__(data)
        self._check_time = check_time

    def read(self, size: int | None = -1, /) -> bytes:
        self._check_time()
        return super().read(size)


def _identify(data: bytes, check_time: Callable[[], None] | None) -> Any:
    """The opened, not yet decoded image; None when no plugin knows the format."""
    from PIL import Image

    asked: set[str] = set()
    broken: str | None = None
    for load_plugins in (Image.preinit, Image.init):
        load_plugins()
        for name in (name for name in tuple(Image.ID) if name not in asked):
            asked.add(name)
            factory, accept = Image.OPEN[name]
            if not _is_read(name, factory):
                continue
            if not _is_accepted(data, accept):
                continue
            try:
                file = io.BytesIO(data) if check_time is None else _Watched(data, check_time)
                return _first_frame_factory(name, factory)(file, "")
            except (SyntaxError, ValueError, IndexError, TypeError, struct.error) as error:
                # How plugins say "not mine"; with a signature of its own it is theirs, and broken.
                broken = broken or (_in_words(error) if accept else None)
    if broken is not None and not data.isascii():  # signatures of two letters begin texts, too
        raise SyntaxError(broken)
    return None


def _is_accepted(data: bytes, accept: Any) -> bool:
    """Whether a plugin takes the data for its own by their first bytes; one without an opinion takes all."""
    try:
        verdict = accept(data[:16]) if accept else True
    except (IndexError, struct.error):  # fewer bytes than it looks at
        return False
    return bool(verdict) and not isinstance(verdict, str)  # a str says which library is missing


def why_no_image(head: bytes) -> str | None:
    """What data that begin like this seem to be, if no decoder takes them; None when one does.

    Formats that others registered with Pillow, as pillow-heif does, are taken, too.

    Args:
        head: the first 1,024 bytes, or fewer when there are no more.
    """
    from PIL import Image

    Image.init()
    for name in tuple(Image.ID):
        factory, accept = Image.OPEN[name]
        if accept and _is_read(name, factory) and _is_accepted(head, accept):
            return None
    return looks_like(head)


def _in_words(error: Exception) -> str:
    origin = error.__cause__ or error  # Pillow wraps what its plugins stumble over
    if isinstance(origin, IndexError | EOFError | struct.error):
        return "truncated"
    return str(origin) if isinstance(origin, SyntaxError | ValueError) else type(origin).__name__


def _is_read(name: str, factory: Any) -> bool:
    return name in READ_FORMATS or not str(factory.__module__).startswith("PIL.")


def _first_frame_factory(name: str, factory: Any) -> Any:
    if name != "JPEG":
        return factory
    # The registered one looks for further images in the file (MPO) and warns when it finds half of one.
    from PIL.JpegImagePlugin import JpegImageFile

    return JpegImageFile


def orientation_before_decoding(pixels: Image) -> int:
    """The orientation of a TIFF, which Pillow applies and forgets as it decodes; 1 for all others.

    Not asked of others: for a PNG, Pillow decodes the pixels to find its EXIF data, and an error in the pixels
    would be taken for one in the notes.
    """
    return orientation_of(pixels) if pixels.format == "TIFF" else UPRIGHT


def orientation_of(pixels: Image) -> int:
    """The EXIF orientation a decoded image carries, 1 to 8, as Pillow's ``exif_transpose`` would find it."""
    try:
        value = pixels.getexif().get(ORIENTATION_TAG, UPRIGHT)
    except DeadlineExceeded:
        raise
    except Exception:  # noqa: BLE001  (unreadable notes about an image do not make the image unreadable)
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def _is_deep(pixels: Any, data: bytes) -> bool:
    if pixels.format == "PNG":
        return data[24] == 16  # bit depth in IHDR
    if pixels.format == "TIFF":
        return any(bits > 8 for bits in pixels.tag_v2.get(tiff_header.BITS_PER_SAMPLE, (8,)))
    return False

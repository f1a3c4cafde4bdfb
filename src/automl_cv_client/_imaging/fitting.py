"""Makes images keep the policy's limits, with the least loss that does, and says what was done."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from automl_cv_client._imaging.encoding import quality_of, write_jpeg, write_jpeg_at, write_png
from automl_cv_client._imaging.inputs import refusal
from automl_cv_client._imaging.opening import Opened
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._text import bytes_in_words
from automl_cv_client.geometry import Size

if TYPE_CHECKING:
    from PIL.Image import Image

_WRITTEN_WHOLE = 0.5
"""A limit below this share of a JPEG's bytes is not met by writing it anew alone: it is reduced at once."""
_LOWER_QUALITIES = ((85, 1.25), (75, 1.6))
"""A JPEG up to this many times too large is first tried with a lower quality: boxes need pixels more than that."""
_SMALLEST = 16
_ATTEMPTS = 12


class Written(NamedTuple):
    """An encoded image.

    Attributes:
        data: its bytes.
        media_type: ``image/jpeg`` or ``image/png``.
        size: (width, height) as written.
        changes: what was done to keep the limits, in words.
    """

    data: bytes
    media_type: str
    size: Size
    changes: tuple[str, ...]


def size_within(size: tuple[int, int], policy: ImagePolicy) -> Size:
    """The (width, height) an image has once its sides keep the limits; never larger than it is.

    >>> size_within((4000, 3000), ImagePolicy.for_rcnn())
    Size(width=1067, height=800)
    """
    scale = 1.0
    if policy.longest_side is not None:
        scale = min(scale, policy.longest_side / max(size))
    if policy.shortest_side is not None:
        scale = min(scale, policy.shortest_side / min(size))
    return _scaled(size, scale)


def first_size(size: tuple[int, int], byte_count: int, policy: ImagePolicy) -> Size:
    """The size to try first for a JPEG of ``byte_count`` bytes, so that it can be decoded reduced."""
    wanted, limit = size_within(size, policy), policy.byte_limit
    if limit is None or limit >= byte_count * _WRITTEN_WHOLE:
        return wanted
    scale = math.sqrt(limit / byte_count)
    for whole in (2, 4, 8):  # decoders reduce by these for nothing
        if abs(scale * whole - 1) < 0.12:
            scale = 1 / whole
    return min(wanted, _scaled(size, scale))


def write_within(
    pixels: Image, opened: Opened, full: Size, target: Size, policy: ImagePolicy, image: object
) -> Written:
    """The image, upright and plain, encoded within the limits. Raises ImageError when nothing fits.

    Args:
        image: its pixels, perhaps decoded reduced, but not smaller than ``target``.
        opened: the file it came from.
        full: size of the whole image, upright.
        target: size to try first.
        policy: the limits.
        image: the caller's image, for messages.
    """
    written = _first(pixels, opened, full, target, policy)
    limit = policy.byte_limit
    if limit is None:
        return written
    quality, size = min(policy.quality, quality_of(opened.pixels)), written.size
    for _ in range(_ATTEMPTS):
        excess = len(written.data) / max(limit, 1)
        if excess <= 1:
            return written
        if written.media_type == "image/png" and policy.format != "png":
            written = _as_jpeg(pixels, full, size, quality)
            continue
        lower = [q for q, most in _LOWER_QUALITIES if excess < most and quality > q]
        if lower and written.media_type == "image/jpeg":
            quality = lower[0]
        else:
            size = _scaled(size, 0.95 / math.sqrt(excess))
        if min(size) < _SMALLEST:
            break
        written = _again(pixels, written.media_type, full, size, quality)
    raise refusal(
        image, f"it cannot be made to fit into {bytes_in_words(limit)}: raise most_bytes or most_request_bytes"
    )


def _first(pixels: Image, opened: Opened, full: Size, target: Size, policy: ImagePolicy) -> Written:
    is_jpeg = opened.format == "JPEG" and pixels.mode in ("L", "RGB")
    if policy.format == "png" or (policy.format == "keep" and not is_jpeg):
        return _as_png(pixels, full, target)
    if is_jpeg and target == full:
        data = write_jpeg(pixels, opened.pixels, sideways=opened.to_turn >= 5)
        return Written(data, "image/jpeg", full, ())
    return _as_jpeg(pixels, full, target, min(policy.quality, quality_of(opened.pixels)))


def _again(pixels: Image, media_type: str, full: Size, size: Size, quality: int) -> Written:
    if media_type == "image/png":
        return _as_png(pixels, full, size)
    return _as_jpeg(pixels, full, size, quality)


def _as_png(pixels: Image, full: Size, size: Size) -> Written:
    return Written(write_png(_reduced(pixels, size)), "image/png", size, _reduction(full, size))


def _as_jpeg(pixels: Image, full: Size, size: Size, quality: int) -> Written:
    data = write_jpeg_at(_reduced(_opaque(pixels), size), quality)
    return Written(data, "image/jpeg", size, (*_reduction(full, size), f"written as JPEG of quality {quality}"))


def _reduction(full: Size, size: Size) -> tuple[str, ...]:
    return () if size == full else (f"reduced from {full.width} × {full.height} to {size.width} × {size.height}",)


def _reduced(pixels: Image, size: Size) -> Image:
    if pixels.size == size:
        return pixels
    from PIL.Image import Resampling

    return _opaque(pixels).resize(size, Resampling.BICUBIC, reducing_gap=2.0)


def _opaque(pixels: Image) -> Image:
    """In mode L or RGB; transparency is dropped, as the models drop it."""
    if pixels.mode in ("L", "RGB"):
        return pixels
    if pixels.mode in ("1", "LA"):
        return pixels.convert("L")
    if pixels.mode == "P" and "transparency" in pixels.info:
        pixels = pixels.convert("RGBA")  # Pillow warns about palettes whose transparency is a table of bytes
    return pixels.convert("RGB")


def _scaled(size: tuple[int, int], scale: float) -> Size:
    if scale >= 1:
        return Size(*size)
    return Size(max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))

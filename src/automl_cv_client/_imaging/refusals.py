"""How an image is refused: an ImageError with a plain reason that keeps nothing else alive."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from typing import TypeVar

from automl_cv_client._imaging.inputs import describe
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._text import shortened
from automl_cv_client.errors import DeadlineExceeded, ImageError

T = TypeVar("T")

_HARMLESS = re.compile(r"[\w ,.:;()/+-]+", re.ASCII)
"""Words of a decoder that quote nothing of the file: its bytes come in quotation marks."""


def refusal(image: object, reason: str) -> ImageError:
    """The error for this input. ``reason`` follows its name and a colon."""
    return ImageError(f"{describe(image)}: {reason}")


def check_pixels(size: tuple[int, int], policy: ImagePolicy, image: object) -> None:
    """Raises ImageError unless the image of ``size`` (width, height) may be decoded."""
    width, height = size
    if width < 1 or height < 1:
        raise refusal(image, f"an image of {width} × {height} has no pixels")
    if width * height > policy.max_pixels:
        raise refusal(
            image,
            f"{width:,} × {height:,} = {width * height:,} pixels are more than the {policy.max_pixels:,} allowed. "
            "Send a smaller image, or in Python raise the limit: ImagePolicy(max_pixels=…)",
        )


def guarded(image: object, action: Callable[[], T]) -> T:
    """What ``action`` returns; whatever it raises becomes an ImageError that names ``image``.

    The ImageError is raised outside the ``except`` block: an error kept as its context would keep the frames
    of the decoder, and with them the image, alive for as long as somebody keeps the error.
    """
    try:
        return action()
    except (ImageError, DeadlineExceeded):
        raise
    except Exception as error:  # noqa: BLE001  (a damaged file makes a decoder raise just about anything)
        reason = _plain_reason(error)
    raise refusal(image, reason)


def _plain_reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode it"
    if type(error).__name__.startswith("DecompressionBomb"):
        return "it claims more pixels than Pillow decodes"
    words = str(error)
    if "truncated" in words.lower() or isinstance(error, EOFError | struct.error):
        return "the image is truncated: its data end too early"
    if isinstance(error, OSError | SyntaxError | ValueError | Warning | zlib.error) and _HARMLESS.fullmatch(words):
        return f"the image is damaged and cannot be decoded ({shortened(words, 120)})"
    return f"the image is damaged and cannot be decoded ({type(error).__name__})"

"""Copies PIL images that belong to the caller, who may use them in several threads."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from automl_cv_client._imaging.inputs import check_pixels, guarded, refusal
from automl_cv_client._imaging.opening import Opened, orientation_before_decoding, orientation_of
from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

_LOCKS = tuple(threading.Lock() for _ in range(16))
"""An image opened from a file is decoded on first use, and Pillow does not guard that against other threads.
Two calls with the same image share a lock; calls with different ones rarely do."""

_BROKEN: weakref.WeakValueDictionary[int, Image] = weakref.WeakValueDictionary()
"""Images whose decoding failed: Pillow takes them for decoded, and black, when they are used again."""


def open_copy(image: Image, policy: ImagePolicy) -> Opened:
    """A copy of the image's pixels as they are now, with its orientation. Raises ImageError.

    An image that still carries an orientation has not been turned: Pillow's ``exif_transpose`` removes it.
    """
    check_pixels(image.size, policy, image)
    if _BROKEN.get(id(image)) is image:
        raise refusal(image, "decoding this image failed before")
    try:
        return guarded(image, lambda: _copy(image))
    except ImageError:
        _BROKEN[id(image)] = image
        raise


def _copy(image: Image) -> Opened:
    with _LOCKS[id(image) // 64 % len(_LOCKS)]:
        before = orientation_before_decoding(image)
        pixels = image.copy()
        after = orientation_of(image)
    return Opened(pixels, None, max(before, after), after)

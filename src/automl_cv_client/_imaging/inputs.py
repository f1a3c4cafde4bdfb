"""What counts as a picture, and how to name one in a message without showing its content."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard, Union

if TYPE_CHECKING:
    import numpy
    import PIL.Image

ImageInput: TypeAlias = Union[
    str,
    "os.PathLike[str]",
    bytes,
    bytearray,
    memoryview,
    BinaryIO,
    "PIL.Image.Image",
    "numpy.ndarray[Any, Any]",
]
"""A path, the bytes of an encoded picture, an open binary file, a PIL picture, a numpy array, or a data URI."""

ACCEPTED = "a path, bytes, an open binary file, a PIL picture, a numpy array of uint8 or a data URI"

LONGEST_NAME = 160
LONGEST_PATH = 4096
"""PATH_MAX on Linux; no path is longer on the other systems either."""

_BASE64 = re.compile(r"\s*(/9j/|iVBOR|R0lGOD|UklGR|Qk[0-9A-Za-z]|SUkq|TU0A)[A-Za-z0-9+/_\s-]{60}")
"""How JPEG, PNG, GIF, WebP, BMP and TIFF files begin in base64."""
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+://")
_DATA_URI = re.compile(r"\s*data:", re.IGNORECASE)


def is_array(image: object) -> TypeGuard[numpy.ndarray[Any, Any]]:
    """Whether this is a numpy array, found out without importing numpy."""
    return _is_a(image, "numpy", "ndarray")


def is_picture(image: object) -> TypeGuard[PIL.Image.Image]:
    """Whether this is a PIL picture, found out without importing pillow."""
    return _is_a(image, "PIL.Image", "Image")


def _is_a(image: object, module: str, name: str) -> bool:
    """Another thread may be importing the module just now: then its class is missing, and nothing is one of it yet."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(image, kind)


def is_data_uri(image: object) -> TypeGuard[str]:
    return isinstance(image, str) and _DATA_URI.match(image) is not None


def is_base64_picture(text: str) -> bool:
    """Whether this, given as a path, is rather a picture as base64 text: by its first letters, or its length."""
    return _BASE64.match(text) is not None or len(text) > LONGEST_PATH


def describe(image: object) -> str:
    """A short name for an input, fit for a message: never its content, never a control character.

    >>> describe("holiday/cat.jpg"), describe(bytes(193_000))
    ('holiday/cat.jpg', '<bytes, 193 kB>')
    """
    if is_data_uri(image):
        return "<data URI>"
    if isinstance(image, (str, os.PathLike)):
        return _describe_path(image)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return f"<{type(image).__name__}, {bytes_in_words(memoryview(image).nbytes)}>"
    if is_array(image):
        return f"<array {image.shape} {image.dtype}>"
    if is_picture(image):
        return f"<PIL image {image.width}x{image.height} {image.mode}>"
    if hasattr(image, "read"):
        return "<file object>"
    return f"<{shortened(type(image).__name__)}>"


def _describe_path(path: str | os.PathLike[Any]) -> str:
    name = without_secrets(os.fsdecode(os.fspath(path)))
    if is_base64_picture(name):  # which does not belong in a message
        return f"<str, {len(name):,} characters>"
    return shortened(name) or "<empty path>"


def is_address(image: object) -> TypeGuard[str]:
    """Whether this is a URL or another address with a scheme, such as ``abfs://…``."""
    return isinstance(image, str) and _ADDRESS.match(image) is not None


def without_secrets(name: str) -> str:
    """A path as it is, an address without its query, which may hold a signature, and without a user's name.

    >>> without_secrets("https://me:pw@a.blob.core.windows.net/c/cat.jpg?sv=1&sig=secret")
    'https://a.blob.core.windows.net/c/cat.jpg'
    """
    if not is_address(name):
        return name
    scheme, _, rest = re.split(r"[?#]", name, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.strip()}://{host.rpartition('@')[2]}{slash}{path}"


def shortened(text: str, limit: int = LONGEST_NAME) -> str:
    """The text with control characters and lone surrogates escaped, and its middle left out when too long."""
    if len(text) > limit:
        text = text[: limit // 2 - 1] + "…" + text[-(limit // 2) :]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def bytes_in_words(count: int) -> str:
    """
    >>> bytes_in_words(12), bytes_in_words(193_400), bytes_in_words(5_250_000)
    ('12 bytes', '193 kB', '5.2 MB')
    """
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"

"""What counts as an image, and how to name one in a message without showing its content."""

from __future__ import annotations

import os
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard, TypeVar, Union

from automl_cv_client._imaging.policy import ImagePolicy
from automl_cv_client._text import bytes_in_words, shortened
from automl_cv_client.errors import DeadlineExceeded, ImageError, InvalidInput

if TYPE_CHECKING:
    import numpy
    import PIL.Image


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
"""A path, the bytes of an encoded image, an open binary file, a PIL image, a numpy array, or a data URI."""

ACCEPTED = "a path, bytes, an open binary file, a PIL image, a numpy array of uint8 or a data URI"

COLUMN_HINT = "a column of images goes through detect_many, classify_many and so on; score takes it as a list"

LONGEST_PATH = 4096
"""PATH_MAX on Linux; no path is longer on the other systems either."""

_BASE64 = re.compile(r"\s*(/9j/|iVBOR|R0lGOD|UklGR|Qk[0-9A-Za-z]|SUkq|TU0A)[A-Za-z0-9+/_\s-]{60}")
"""How JPEG, PNG, GIF, WebP, BMP and TIFF files begin in base64."""
_ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]+://")
_DATA_URI = re.compile(r"\s*data:", re.IGNORECASE)


def is_array(image: object) -> TypeGuard[numpy.ndarray[Any, Any]]:
    """Whether this is a numpy array, found out without importing numpy."""
    return _is_a(image, "numpy", "ndarray")


def is_image(image: object) -> TypeGuard[PIL.Image.Image]:
    """Whether this is a PIL image, found out without importing pillow."""
    return _is_a(image, "PIL.Image", "Image")


def _is_a(image: object, module: str, name: str) -> bool:
    """Another thread may be importing the module just now: then its class is missing, and nothing is one of it yet."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(image, kind)


def is_column(images: object) -> bool:
    """Whether this is a column of texts or objects, such as paths: pandas, polars, pyarrow, or a flat numpy array.

    A column of numbers is none: that is a line of pixels.
    """
    if not hasattr(images, "__array__"):
        return False
    return _holds_text(images) and getattr(images, "ndim", 1) == 1


def _holds_text(column: Any) -> bool:
    dtype = getattr(column, "dtype", None) or getattr(column, "type", None)
    kind = getattr(dtype, "kind", None)  # numpy's letter, which the types of pandas have, too
    return kind in tuple("OSTU") if kind else str(dtype).lower().startswith(_TEXT_TYPES)


_TEXT_TYPES = (
    "string",
    "large_string",
    "binary",
    "large_binary",
    "dictionary<values=string",
    "object",
    "categorical",
    "enum",
)
"""How polars and pyarrow name the types of texts and of encoded images."""


def items_of(images: Any) -> Iterator[Any]:
    """The images of an iterable, a column of paths among them. Raises InvalidInput for what is one image, or none."""
    if is_column(images):
        return (item.as_py() if hasattr(item, "as_py") else item for item in images)
    if hasattr(type(images), "columns") or (hasattr(images, "__array__") and _holds_text(images)):
        raise InvalidInput(
            f'{describe(images)} is a table: give its column of paths, such as table["path"] or array[:, 0]'
        )
    if isinstance(images, bytes | bytearray | memoryview) or not isinstance(images, Iterable) or _is_pixels(images):
        raise InvalidInput(f"{describe(images)} is one image, or none: give a folder, or images in an iterable")
    return iter(images)


def _is_pixels(images: object) -> bool:
    """A numpy array or an open file: iterable, and yet one image."""
    return hasattr(images, "__array__") or hasattr(images, "read")


def is_data_uri(image: object) -> TypeGuard[str]:
    return isinstance(image, str) and _DATA_URI.match(image) is not None


def is_base64_image(text: str) -> bool:
    """Whether this, given as a path, is rather an image as base64 text: by its first letters, or its length."""
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
    if is_image(image):
        return f"<PIL image {image.width}x{image.height} {image.mode}>"
    if hasattr(image, "read"):
        return "<file object>"
    return f"<{shortened(type(image).__name__)}>"


def _describe_path(path: str | os.PathLike[Any]) -> str:
    name = without_secrets(os.fsdecode(os.fspath(path)))
    if is_base64_image(name):  # which does not belong in a message
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

"""Compares what a row says of its image with the file itself. Reads the header, not the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from automl_cv_client.dataset.faults import Fault
from automl_cv_client.dataset.rows import Row
from automl_cv_client.geometry import Size

_SAME_KIND = {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg", "mpo": "jpg", "tiff": "tif"}


def image_header(file: Path) -> tuple[Size, str] | None:
    """The size as stored in pixels and Pillow's name of the format, such as ``jpeg``; None for no image."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels: none is decoded here
            with Image.open(file) as image:
                return Size(*image.size), str(image.format).lower()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def size_faults(row: Row, file: Path) -> Iterator[Fault]:
    """What the row says wrongly of the file."""
    header = image_header(file)
    if header is None:
        yield Fault("file-unreadable", "error", f"{file.name[-100:]!r} is no image that can be read")
        return
    size, kind = header
    details = row.image_details
    if details is None:
        return
    told = (details.width or size.width, details.height or size.height)
    if told == (size.height, size.width) and told != size:
        message = f"width and height are swapped, or the image is turned by its EXIF: it is stored {_by(size)}"
        yield Fault("size-turned", "warning", message)
    elif told != size:
        yield Fault("size-disagrees", "error", f"image_details says {_by(told)}, the file is {_by(size)}")
    if details.format is not None and _plain(details.format) != _plain(kind):
        yield Fault("format-disagrees", "warning", f"image_details says {details.format[:20]!r}, the file is {kind!r}")


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _plain(kind: str) -> str:
    plain = kind.lower().lstrip(".")
    return _SAME_KIND.get(plain, plain)

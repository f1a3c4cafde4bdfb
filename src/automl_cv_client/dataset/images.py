"""Compares what a row says of its image with the file itself. Reads the header, not the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from automl_cv_client.dataset.faults import Fault
from automl_cv_client.dataset.rows import Row
from automl_cv_client.formats.reading import ImageFile
from automl_cv_client.geometry import Size

if TYPE_CHECKING:
    from PIL.Image import Image as OpenedImage

_SAME_KIND = {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg", "mpo": "jpg", "tiff": "tif"}


class ImageHeader(NamedTuple):
    """What the first bytes of an image file tell.

    Attributes:
        size: (width, height) in pixels, as stored.
        kind: Pillow's name of the format, such as ``jpeg``.
        orientation: of the EXIF, 1 to 8; 1 where it tells none.
    """

    size: Size
    kind: str
    orientation: int = 1

    @property
    def turned(self) -> bool:
        """Whether the upright image is the stored one turned by 90 degrees."""
        return self.orientation >= 5

    @property
    def upright(self) -> Size:
        """The size of the upright image."""
        return Size(self.size.height, self.size.width) if self.turned else self.size


def image_file(file: Path, name: str) -> ImageFile:
    """What a reader of a format needs to know of an image file; ``name`` is its path below the folder of images."""
    header = image_header(file)
    return ImageFile(name, None, False) if header is None else ImageFile(name, header.upright, header.turned)


def image_header(file: Path) -> ImageHeader | None:
    """What the file's header tells; None for no image."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels: none is decoded here
            with Image.open(file) as image:
                return ImageHeader(Size(*image.size), str(image.format).lower(), _orientation(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


_ORIENTATION = 0x0112


def _orientation(image: OpenedImage) -> int:
    if image.format == "PNG" and "exif" not in image.info:  # to look behind the pixels, Pillow would decode them
        return 1
    told = image.getexif().get(_ORIENTATION, 1)
    return told if isinstance(told, int) and 1 <= told <= 8 else 1


def size_faults(row: Row, file: Path) -> Iterator[Fault]:
    """What the row says wrongly of the file."""
    header = image_header(file)
    if header is None:
        yield Fault("file-unreadable", "error", f"{file.name[-100:]!r} is no image that can be read")
        return
    size, kind = header.size, header.kind
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

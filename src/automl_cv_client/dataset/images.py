"""Image files: what their headers tell, whether they are whole, and whether rows say the same of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from automl_cv_client.dataset.faults import Fault
from automl_cv_client.dataset.rows import FORMATS, Row
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
    given = image.getexif().get(_ORIENTATION, 1)
    return given if isinstance(given, int) and 1 <= given <= 8 else 1


_FAMILIES = (
    "classification, Faster R-CNN, RetinaNet and Mask R-CNN are trained on it as stored, YOLOv5 on it upright: save it "
    "upright and without the tag"
)
"""What EXIF orientation does to a training job (wire contract, "EXIF orientation")."""

_MOST_DECODED = 200_000_000  # pixels of an image that is decoded to see whether it is whole


def file_faults(row: Row, file: Path) -> Iterator[Fault]:
    """What is wrong with the image file, and what the row says wrongly of it."""
    header = image_header(file)
    if header is None:
        yield Fault("file-unreadable", "error", f"{file.name[-100:]!r} is no image that can be read")
        return
    size, kind = header.size, header.kind
    if problem := _not_whole(file, size):
        yield Fault("file-truncated", "error", f"{file.name[-100:]!r} is damaged: {problem}: replace it")
    if header.orientation != 1:
        yield Fault("image-turned", "warning", f"its EXIF orientation is {header.orientation}: {_FAMILIES}")
    ending = file.suffix.lower().lstrip(".")
    details = row.image_details
    given = details.format if details is not None and details.format is not None else ""
    if ending and _plain(ending) != _plain(kind) and _plain(given) != _plain(ending):
        yield Fault("ending-disagrees", "warning", f"the file is {kind!r}, its name ends in {ending[:20]!r}: rename it")
    if _plain(kind) not in FORMATS and not given:
        yield Fault("format-unlisted", "warning", f"the file is {kind!r}, and AutoML lists {', '.join(FORMATS)}")
    if details is None:
        return
    sides = (details.width or size.width, details.height or size.height)
    if sides == (size.height, size.width) and sides != size:
        message = f"width and height are swapped, or the image is turned by its EXIF: it is stored {_by(size)}"
        yield Fault("size-turned", "warning", message)
    elif sides != size:
        yield Fault("size-disagrees", "error", f"image_details says {_by(sides)}, the file is {_by(size)}")
    if given and _plain(given) != _plain(kind):
        yield Fault("format-disagrees", "warning", f"image_details says {given[:20]!r}, the file is {kind!r}")


def _not_whole(file: Path, size: Size) -> str:
    """Why the pixels cannot be decoded, in words; empty when they can. A JPEG is decoded at an eighth of its size."""
    import warnings

    from PIL import Image

    if size.width * size.height > _MOST_DECODED:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file) as image:
                image.draft("L", (max(1, size.width // 8), max(1, size.height // 8)))
                image.load()
    except Image.DecompressionBombError:
        return ""
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        return str(error)[:100] or "its pixels cannot be decoded"
    return ""


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _plain(kind: str) -> str:
    plain = kind.lower().lstrip(".")
    return _SAME_KIND.get(plain, plain)

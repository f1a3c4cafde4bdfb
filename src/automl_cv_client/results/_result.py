"""What the results of all four tasks share: the image, the call, drawing and saving."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._record import Record
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Size
from automl_cv_client.results._context import CallInfo
from automl_cv_client.results._exports import Exports
from automl_cv_client.results._notebook import Notebook
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

    from automl_cv_client._imaging import ImageInput


class Result(Record, Exports, Notebook, frozen=True):
    """What the endpoint said of one image.

    Two results are equal when they say the same of images of the same size. How the call went (``call``),
    where the image came from and unknown keys (``extra``) do not count.

    Attributes:
        task: what was asked of the image.
        image: the image: its size, orientation and what was sent.
        call: request ids, deployment, attempts, seconds.
        extra: keys of the reply's object that this package does not know, as sent (such as ``filename``).
    """

    task: ClassVar[Task]
    image: ImageInfo
    call: CallInfo = Field(default_factory=CallInfo)
    extra: dict[str, Any] = Field(default_factory=dict, repr=False)

    @property
    def size(self) -> Size:
        """The upright image's (width, height) in pixels."""
        return self.image.size

    @abstractmethod
    def annotated(self) -> AnnotatedImage:
        """Labels or objects as plain values, as the formats of other tools, drawings and tables take them."""

    def draw(self, image: ImageInput | None = None) -> Image:
        """The result drawn on its image: a new PIL image, RGB, upright.

        Args:
            image: the image, in any form the client takes. May be left out when the result came from a
                file that is still there.

        Raises:
            InvalidInput: no image is given and the result does not come from a file.
            ImageError: the image cannot be read.
        """
        return self._drawn(self._image(image))

    def draw_beside(
        self, other: Result, image: ImageInput | None = None, *, titles: tuple[str, str] = ("", "")
    ) -> Image:
        """This result and another one of the same image, drawn side by side: a new PIL image, RGB.

        Args:
            other: drawn on the right, such as the answer of another deployment.
            image: as for :meth:`draw`.
            titles: a line above each.
        """
        from automl_cv_client.drawing import side_by_side

        canvas = self._image(image)
        return side_by_side(self._drawn(canvas), other._drawn(canvas), titles)

    def save(self, path: str | os.PathLike[str], image: ImageInput | None = None) -> Path:
        """Write the result to a file and return its path: JSON for ``.json``, else the drawn image.

        Args:
            path: where to; its ending chooses the format (``.json``, ``.png``, ``.jpg``, …).
            image: as for :meth:`draw`; not needed for JSON.
        """
        target = Path(path)
        if target.suffix.lower() == ".json":
            target.write_text(self.model_dump_json(indent=2), encoding="utf-8")
        else:
            save_image(self.draw(image), target)
        return target

    def show(self, image: ImageInput | None = None) -> None:
        """Open the drawn image in the desktop's viewer."""
        self.draw(image).show()

    @abstractmethod
    def _drawn(self, canvas: Image) -> Image:
        """Draw on an upright RGB image."""

    def _image(self, image: ImageInput | None) -> Image:
        return open_image(self.image, image)


def open_image(info: ImageInfo, image: ImageInput | None) -> Image:
    """The given image, or the file that ``info`` tells of: upright, RGB. Raises InvalidInput, ImageError."""
    from automl_cv_client._imaging import ImagePolicy, open_upright

    if image is None and info.source is None:
        raise InvalidInput("the result does not know its image, as it did not come from a file: draw(image)")
    return open_upright(info.source if image is None else image, ImagePolicy())  # type: ignore[arg-type]


def save_image(canvas: Image, target: Path) -> None:
    """Write an image in the format of its file's ending. Raises InvalidInput for an unknown one."""
    try:
        canvas.save(target)
    except (ValueError, KeyError) as error:  # Pillow's words for an ending it does not know
        reason = str(error)
    else:
        return
    raise InvalidInput(f"cannot write an image to {target.name!r}: {reason}; use an ending such as .png or .jpg")

"""What the results of all four tasks share: the image, the call, drawing and saving."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from automl_cv_client._image_info import ImageInfo
from automl_cv_client._notebook import Display, Displayed, Table, show_image
from automl_cv_client._numbers import rank
from automl_cv_client._record import Record
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.errors import ImageError, InvalidInput
from automl_cv_client.geometry import Size
from automl_cv_client.results._context import CallInfo
from automl_cv_client.results._exports import Exports
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

    from automl_cv_client._imaging import ImageInput
    from automl_cv_client.drawing.style import ColorChoice, Style


class Result(Record, Exports, Displayed, frozen=True):
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

    def draw(
        self,
        image: ImageInput | None = None,
        *,
        labels: bool = True,
        scores: bool = True,
        boxes: bool = True,
        masks: bool = True,
        line: int | None = None,
        text: int | None = None,
        colors: Mapping[str, ColorChoice] | None = None,
        threshold: float | None = None,
        blur: bool = False,
        font: str | None = None,
        note: bool = False,
    ) -> Image:
        """The result drawn on its image: a new PIL image, RGB, upright.

        Args:
            image: the image, in any form the client takes. May be left out when the result came from a
                file that is still there.
            labels: write the label of each object.
            scores: write its score behind the label.
            boxes: draw the boxes.
            masks: fill the outlines of instances, and draw their edges.
            line: thickness of lines in pixels; by default it follows the size of the image.
            text: height of letters in pixels; by default it follows the size of the image and how many tags there are.
            colors: of some labels, such as ``{"cat": "#f00"}``; of up to 20 labels no two share a color.
            threshold: draw only what has a score above it, 0 to 1.
            blur: make the objects unrecognisable, such as faces and number plates.
            font: a font file; by default one that has the letters is looked for (``AUTOML_CV_FONT`` names one, too).
            note: write a line where there is nothing to draw, such as "nothing above 0.5".

        Raises:
            InvalidInput: no image is given and the result does not come from a file; or an option is none.
            ImageError: the image cannot be read.

        >>> found.draw(threshold=0.5, colors={"cat": "#f00"}).save("cat.jpg")  # doctest: +SKIP
        """
        from automl_cv_client.drawing import Style

        return self._drawn(image, Style(labels, scores, boxes, masks, line, text, colors, threshold, blur, font, note))

    def draw_beside(
        self,
        other: Result,
        image: ImageInput | None = None,
        *,
        titles: tuple[str, str] = ("", ""),
        labels: bool = True,
        scores: bool = True,
        boxes: bool = True,
        masks: bool = True,
        line: int | None = None,
        text: int | None = None,
        colors: Mapping[str, ColorChoice] | None = None,
        threshold: float | None = None,
        blur: bool = False,
        font: str | None = None,
        note: bool = False,
    ) -> Image:
        """This result and another of the same image, drawn side by side: a new PIL image, RGB.

        A label has the same color in both.

        Args:
            other: drawn on the right, such as the answer of another deployment.
            image: as for :meth:`draw`, as are all that follow ``titles``.
            titles: a line above each.

        Raises:
            InvalidInput, ImageError: as for :meth:`draw`.

        >>> blue.draw_beside(green, titles=("blue", "green"), threshold=0.5).save("both.jpg")  # doctest: +SKIP
        """
        from automl_cv_client.drawing import Style, colors_of, draw, side_by_side

        canvas = open_image(self.image, image)
        both = (self.annotated(), other.annotated())
        shared = colors_of((item.label for content in both for item in content.objects), colors)
        style = Style(labels, scores, boxes, masks, line, text, colors, threshold, blur, font, note)
        left, right = (draw(canvas, content, style, shared) for content in both)
        return side_by_side(left, right, titles)

    def save(
        self,
        path: str | os.PathLike[str],
        image: ImageInput | None = None,
        *,
        labels: bool = True,
        scores: bool = True,
        boxes: bool = True,
        masks: bool = True,
        line: int | None = None,
        text: int | None = None,
        colors: Mapping[str, ColorChoice] | None = None,
        threshold: float | None = None,
        blur: bool = False,
        font: str | None = None,
        note: bool = False,
    ) -> Path:
        """Write the result to a file and return its path: JSON for ``.json``, else the drawn image.

        Args:
            path: where to; its ending chooses the format (``.json``, ``.png``, ``.jpg``, …).
            image: as for :meth:`draw`, as are all that follow; not needed for JSON.

        Raises:
            InvalidInput: as for :meth:`draw`, or for an unknown ending.
            ImageError: the image cannot be read.
        """
        target = Path(path)
        if target.suffix.lower() == ".json":
            target.write_text(self.model_dump_json(indent=2), encoding="utf-8")
        else:
            from automl_cv_client.drawing import Style

            style = Style(labels, scores, boxes, masks, line, text, colors, threshold, blur, font, note)
            drawn = self._drawn(image, style)
            save_image(drawn, target)
        return target

    def show(
        self,
        image: ImageInput | None = None,
        *,
        labels: bool = True,
        scores: bool = True,
        boxes: bool = True,
        masks: bool = True,
        line: int | None = None,
        text: int | None = None,
        colors: Mapping[str, ColorChoice] | None = None,
        threshold: float | None = None,
        blur: bool = False,
        font: str | None = None,
        note: bool = False,
    ) -> None:
        """Show the drawn image: inline in a notebook, elsewhere in the desktop's viewer. Arguments as :meth:`draw`."""
        from automl_cv_client.drawing import Style

        style = Style(labels, scores, boxes, masks, line, text, colors, threshold, blur, font, note)
        drawn = self._drawn(image, style)
        show_image(drawn)

    def _drawn(self, image: ImageInput | None, style: Style) -> Image:
        from automl_cv_client.drawing import draw

        return draw(open_image(self.image, image), self, style)

    def _display(self) -> Display:
        from automl_cv_client.formats.tables import columns_of

        names = [name for name in columns_of(self) if name not in ("image", "index")]
        rows = sorted(self.to_rows(), key=lambda row: rank(row["score"]))
        table = Table(names, [[row[name] for name in names] for row in rows])
        return Display(repr(self), self._shown_images(), [table])

    def _shown_images(self) -> list[Image]:
        if self.image.source is None:
            return []
        try:
            return [self.draw()]
        except (ImageError, InvalidInput):  # the file went away: the table is still worth showing
            return []


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

"""Why the model chose a class: the service's figure, the numbers, and both laid over the caller's own image.

Both parts stay as they came until they are looked at: the reply of five classes has 25 MB.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from automl_cv_client._extras import need
from automl_cv_client._image_info import ImageInfo
from automl_cv_client._notebook import Display, Displayed, show_image
from automl_cv_client._record import MaybeNone, Record
from automl_cv_client.errors import ImageError, InvalidInput, UnexpectedReply
from automl_cv_client.geometry import PixelBox, Size
from automl_cv_client.results._float_map import FloatMap
from automl_cv_client.results._model_view import model_view
from automl_cv_client.results._result import open_image, save_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from automl_cv_client._imaging import ImageInput

MapKind = Literal["positive", "absolute", "signed"]
"""How the channels of attributions become one value a pixel:

* ``positive``: their sum where it speaks for the class, 0 elsewhere; 0 to 1;
* ``absolute``: the sum of their absolute values, for or against; 0 to 1;
* ``signed``: their sum; -1 (against) to 1 (for).
"""

_ENDS: dict[str, tuple[str, str]] = {
    "positive": ("nothing", "most for it"),
    "absolute": ("nothing", "most"),
    "signed": ("against it", "for it"),
}
"""What the ends of the color scale mean."""

_LARGEST_FIGURE = 50_000_000  # pixels; the service's figure has 1.4 million
_FloatMapField = Annotated[
    FloatMap,
    PlainValidator(FloatMap.read),
    PlainSerializer(FloatMap.to_json),
    WithJsonSchema({"type": "object", "properties": {"shape": {"type": "array"}, "float32": {"type": "string"}}}),
]


class Explanation(Record, Displayed, frozen=True):
    """Why one class got its probability. In JSON the parts are text: the figure as sent, the numbers as base64.

    Attributes:
        label: the class that is explained.
        score: its probability, 0 to 1.
        algorithm: the method, as in :class:`XaiParameters`.
        image: the image that was explained.
        sent_visualization: the service's figure as sent, base64 of a PNG; None when it was not asked for.
        sent_attributions: the numbers, not decoded before they are looked at; None when they were not asked for.
    """

    label: str
    score: float
    algorithm: str
    image: ImageInfo
    sent_visualization: bytes | None = Field(default=None, repr=False)
    sent_attributions: _FloatMapField | None = Field(default=None, repr=False)

    @property
    def visualization(self) -> Image | MaybeNone:
        """The service's own figure of four panels, RGBA, 1157 x 1181 pixels. It is no overlay: see :meth:`overlay`.

        None when it was not asked for, by ``XaiParameters(visualizations=True)``.

        Raises:
            UnexpectedReply: what was sent is not an image.
        """
        if self.sent_visualization is None:
            return None
        return _figure_of(self.sent_visualization)

    @property
    def attributions(self) -> NDArray[np.float32] | MaybeNone:
        """What each value of the model's input adds to the probability: float32 [3, 224, 224], read-only.

        Channels are red, green, blue; rows and columns those of the crop the model sees (:attr:`view`). None when
        they were not asked for, by ``XaiParameters(attributions=True)``.

        Raises:
            UnexpectedReply: what was sent is not an array of numbers.
        """
        if self.sent_attributions is None:
            return None
        need("numpy", "numpy")
        import numpy as np

        numbers = np.frombuffer(self.sent_attributions.float32, dtype="<f4")
        return numbers.reshape(self.sent_attributions.shape)

    @property
    def view(self) -> PixelBox:
        """The part of the upright image that the model saw, in pixels. Raises InvalidInput without attributions."""
        return self._view(self.image.size)

    def heatmap(self, kind: MapKind = "positive") -> NDArray[np.float32]:
        """One value a pixel of the model's crop: float32 [224, 224], 0 to 1, or -1 to 1 for ``kind="signed"``.

        The largest hundredth of the values is cut off before scaling, so that single pixels do not darken the rest.

        Raises:
            InvalidInput: there are no attributions, or ``kind`` is unknown.
        """
        from automl_cv_client.drawing.heat import heat

        return heat(self._numbers(), kind)

    def mask(self, top: float = 0.2, kind: MapKind = "positive") -> NDArray[np.bool_]:
        """The share ``top`` (above 0, at most 1) of the crop's pixels that count most: bool [224, 224].

        With ``positive`` and ``signed`` that is what speaks most for the class. Of equal pixels the upper left ones
        are taken, so that the number of pixels is exact.
        """
        from automl_cv_client.drawing.heat import strongest

        return strongest(self._numbers(), top, kind)

    def overlay(
        self,
        image: ImageInput | None = None,
        *,
        kind: MapKind = "positive",
        colormap: str | None = None,
        opacity: float = 0.7,
        caption: bool = False,
    ) -> Image:
        """The attributions laid over the image, at its own size: a new PIL image, RGB, upright.

        What the model did not see, outside :attr:`view`, is dimmed.

        Args:
            image: the image, in any form the client takes, at any size. May be left out when the result came from
                a file that is still there.
            kind: see :data:`MapKind`.
            colormap: ``"inferno"``, ``"viridis"``, ``"turbo"``, ``"grey"`` or ``"blue-red"``; by default the last
                one for ``signed`` and the first one else.
            opacity: of the strongest places, 0 to 1; weak places show the image.
            caption: add lines below with class, score, method and the scale of the colors.

        Raises:
            InvalidInput: there are no attributions (ask for them: ``XaiParameters(attributions=True)``), or no image.
        """
        from automl_cv_client.drawing.heat import heat, overlay
        from automl_cv_client.drawing.legend import captioned
        from automl_cv_client.drawing.lettering import score_in_words

        values = heat(self._numbers(), kind, smooth=self.algorithm != "xrai")
        canvas = open_image(self.image, image)
        colors = colormap or _colors_for(kind)
        drawn = overlay(canvas, values, self._view(Size(*canvas.size)), colors, opacity)
        if not caption:
            return drawn
        words = f"{self.label} {score_in_words(self.score)}, {self.algorithm}; dimmed: not seen by the model"
        return captioned(drawn, words, colors, _ENDS[kind])

    def draw(self, image: ImageInput | None = None) -> Image:
        """The overlay; without attributions the service's own figure. Raises InvalidInput when there is neither."""
        if self.sent_attributions is not None:
            return self.overlay(image)
        if self.sent_visualization is None:
            raise InvalidInput("neither a figure nor numbers were asked for: XaiParameters(attributions=True)")
        return self.visualization

    def save(self, path: str | os.PathLike[str], image: ImageInput | None = None) -> Path:
        """Write to a file and return its path: ``.json`` everything, ``.npy`` the attributions, else :meth:`draw`."""
        target = Path(path)
        if target.suffix.lower() == ".json":
            target.write_text(self.model_dump_json(), encoding="utf-8")
        elif target.suffix.lower() == ".npy":
            import numpy as np

            np.save(target, self._numbers())
        else:
            canvas = self.draw(image)
            opaque = target.suffix.lower() in (".jpg", ".jpeg")
            save_image(canvas.convert("RGB") if opaque else canvas, target)
        return target

    def show(self, image: ImageInput | None = None) -> None:
        """Show what :meth:`draw` gives: inline in a notebook, elsewhere in the desktop's viewer."""
        show_image(self.draw(image))

    def _display(self) -> Display:
        return Display(repr(self), self._shown_images())

    def _shown_images(self) -> list[Image]:
        """The image with the attributions over it, or else the service's figure; none where both cannot be had."""
        try:
            if self.sent_attributions is not None and self.image.source is not None:
                return [self.overlay(caption=True)]
        except (ImageError, InvalidInput):  # the file went away
            pass
        try:
            return [] if self.visualization is None else [self.visualization]
        except UnexpectedReply:
            return []

    def _numbers(self) -> NDArray[np.float32]:
        if self.sent_attributions is None:
            raise InvalidInput(
                "there are no attributions, as they were not asked for: XaiParameters(attributions=True)"
            )
        return self.attributions

    def _view(self, shown: Size) -> PixelBox:
        if self.sent_attributions is None:
            raise InvalidInput(
                "what the model saw is known from the attributions only: XaiParameters(attributions=True)"
            )
        _, rows, columns = self.sent_attributions.shape
        return model_view(self.image.sent_size, shown, (columns, rows))

    def _content(self) -> tuple[object, ...]:
        parts = (self.sent_visualization, self.sent_attributions)
        return (self.label, self.score, self.algorithm, self.image.size, *parts)

    def __repr__(self) -> str:
        parts = [name for name, part in (("visualization", self.sent_visualization),
                                         ("attributions", self.sent_attributions)) if part is not None]  # fmt: skip
        return f"Explanation({self.label!r} {self.score:.3f}, {self.algorithm}: {', '.join(parts) or 'no parts'})"

    __str__ = __repr__


def _colors_for(kind: MapKind) -> str:
    return "blue-red" if kind == "signed" else "inferno"


def _figure_of(text: bytes) -> Image:
    from automl_cv_client._imaging import ImagePolicy
    from automl_cv_client._imaging.opening import open_encoded
    from automl_cv_client.errors import ImageError

    try:
        png = base64.b64decode(text, validate=True)
        return open_encoded(png, png, ImagePolicy(max_pixels=_LARGEST_FIGURE)).pixels
    except (ImageError, binascii.Error) as error:
        problem = str(error)
    raise UnexpectedReply(f"the visualization cannot be read: {problem}")

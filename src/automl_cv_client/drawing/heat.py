"""From attributions to one value a pixel, to a mask, and onto an image. Knows arrays and images, not results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from automl_cv_client.drawing.colormaps import colored
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import PixelBox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Floats = NDArray[np.float32]

KINDS = ("positive", "absolute", "signed")
_CUT = 99.0  # percentile that becomes 1
_SMOOTHING = 3.0  # standard deviation in pixels of the model's crop
_UNSEEN = 0.45  # brightness of what the model did not see
_BAND = 256  # rows drawn at a time


def heat(attributions: Floats, kind: str, *, smooth: bool = False) -> Floats:
    """One value a pixel, ``[rows, columns]``: 0 to 1, or -1 to 1 for ``signed``; all 0 when there is nothing.

    Args:
        attributions: ``[channels, rows, columns]``; values that are not finite count as 0.
        kind: one of :data:`KINDS`.
        smooth: whether to blur, as attributions of single pixels are too fine to be seen on an image.
    """
    import numpy as np

    values = _folded(attributions, kind)
    if smooth:
        values = _blurred(values)
    strongest = float(np.percentile(np.abs(values), _CUT)) or float(np.abs(values).max())
    if strongest == 0:
        return values
    scaled: Floats = np.clip(values / np.float32(strongest), -1, 1)
    return scaled


def strongest(attributions: Floats, top: float, kind: str) -> NDArray[np.bool_]:
    """A mask of exactly ``round(top * pixels)`` pixels, at least one: those with the largest values."""
    import numpy as np

    if isinstance(top, bool) or not isinstance(top, int | float) or not 0 < top <= 1:
        raise InvalidInput(f"top must be a share above 0 and at most 1, such as 0.2 for 20 %; not {top!r}")
    # What speaks against a class is left out last, so positive parts are compared by their signed values.
    values = _folded(attributions, "signed" if kind == "positive" else kind).ravel()
    order = np.argsort(-values, kind="stable")[: max(1, round(top * values.size))]
    mask = np.zeros(values.size, dtype=bool)
    mask[order] = True
    return mask.reshape(attributions.shape[1:])


def overlay(image: Image, values: Floats, view: PixelBox, colormap: str, opacity: float) -> Image:
    """A new image of the same size with ``values`` laid over ``view``; outside it, dimmed.

    Args:
        image: RGB.
        values: ``[rows, columns]``, -1 to 1.
        view: where the values lie, in pixels of the image; may be fractional.
        colormap: a name of :data:`COLORMAPS`; its first color is 0, or -1 when there are negative values or the map
            is ``blue-red``.
        opacity: of the strongest values, 0 to 1; that of the others follows their values, so that weak ones do not look
            like shadows.
    """
    import numpy as np
    from PIL import Image as images

    if not 0 <= opacity <= 1:
        raise InvalidInput(f"opacity must be between 0 and 1, not {opacity!r}")
    if colormap != "blue-red":
        values = np.abs(values)
    drawn = image.copy()
    for top in range(0, image.height, _BAND):  # in bands: as floats, an image of 50 megapixels takes 600 MB
        area = (0, top, image.width, min(image.height, top + _BAND))
        band = np.asarray(image.crop(area), dtype=np.float32)
        placed, seen = _placed(values, view._replace(top=view.top - top, bottom=view.bottom - top), band.shape)
        shares = (placed + 1) / np.float32(2) if colormap == "blue-red" else placed
        alpha = (opacity * np.abs(placed))[..., np.newaxis]
        band = band * np.where(seen, np.float32(1), np.float32(_UNSEEN))[..., np.newaxis]
        mixed = band * (1 - alpha) + colored(shares, colormap) * alpha
        drawn.paste(images.fromarray(np.clip(np.rint(mixed), 0, 255).astype(np.uint8)), area)
    return drawn


def _folded(attributions: Floats, kind: str) -> Floats:
    import numpy as np

    if kind not in KINDS:
        raise InvalidInput(f"unknown kind of map {kind!r}: use {', '.join(KINDS)}")
    finite = np.where(np.isfinite(attributions), attributions, np.float32(0))
    if kind == "absolute":
        return np.asarray(np.abs(finite).sum(axis=0), dtype=np.float32)
    summed = np.asarray(finite.sum(axis=0), dtype=np.float32)
    return np.maximum(summed, 0) if kind == "positive" else summed


def _blurred(values: Floats) -> Floats:
    """By a Gaussian, edges repeated."""
    import numpy as np

    reach = math.ceil(3 * _SMOOTHING)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = np.pad(values, [(reach, reach) if axis == each else (0, 0) for each in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=axis)
        values = np.asarray(windows @ weights, dtype=np.float32)
    return values


def _placed(values: Floats, view: PixelBox, shape: tuple[int, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """The values at each pixel of an image of ``shape`` (rows, columns, …), 0 outside the view; and what is in it.

    A pixel counts by its middle. Between the values of the crop lines are straight.
    """
    import numpy as np

    rows, columns = values.shape
    x = (np.arange(shape[1]) + 0.5 - view.left) / view.width * columns - 0.5
    y = (np.arange(shape[0]) + 0.5 - view.top) / view.height * rows - 0.5
    across = _between(np.asarray(values), x, axis=1)
    seen = _within(y, rows)[:, np.newaxis] & _within(x, columns)[np.newaxis, :]
    return np.where(seen, _between(across, y, axis=0), np.float32(0)), seen


def _within(places: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    return (places >= -0.5) & (places < count - 0.5)


def _between(values: Floats, places: NDArray[np.float64], axis: int) -> Floats:
    import numpy as np

    last = values.shape[axis] - 1
    places = np.clip(places, 0, last)
    low = np.floor(places).astype(int)
    share = (places - low).astype(np.float32)
    share = share[:, np.newaxis] if axis == 0 else share[np.newaxis, :]
    mixed: Floats = np.take(values, low, axis) * (1 - share) + np.take(values, np.minimum(low + 1, last), axis) * share
    return mixed

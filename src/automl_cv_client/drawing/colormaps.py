"""Color maps: values to colors, by straight lines between a few colors each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_cv_client.drawing.palette import Color
from automl_cv_client.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLORMAPS: dict[str, tuple[Color, ...]] = {
    # Nine evenly spaced colors of matplotlib's maps of these names (public domain), each within 3 % of the original.
    "inferno": ((0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
                (249, 201, 50), (252, 255, 164)),
    "viridis": ((68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (40, 174, 128),
                (94, 201, 98), (173, 220, 48), (253, 231, 37)),
    "turbo": ((48, 18, 59), (70, 107, 227), (40, 187, 236), (49, 242, 153), (162, 252, 60), (237, 208, 58),
              (251, 128, 34), (210, 49, 5), (122, 4, 3)),
    "grey": ((0, 0, 0), (255, 255, 255)),
    "blue-red": ((20, 70, 220), (244, 244, 244), (220, 20, 40)),
}  # fmt: skip
"""Colors from the lowest value to the highest one; ``blue-red`` has its middle at 0 of a signed map."""


def colored(shares: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
    """Colors ``[..., 3]`` of values from 0 (first color) to 1 (last one). Raises InvalidInput for a name unknown."""
    import numpy as np

    if name not in COLORMAPS:
        raise InvalidInput(f"unknown color map {name!r}: use {', '.join(COLORMAPS)}")
    colors = COLORMAPS[name]
    stops = np.linspace(0, 1, len(colors))
    table = [np.interp(np.linspace(0, 1, 256), stops, channel) for channel in zip(*colors, strict=True)]
    steps = np.clip(np.rint(shares * 255), 0, 255).astype(np.uint8)
    return np.stack(table, axis=-1).round().astype(np.uint8)[steps]

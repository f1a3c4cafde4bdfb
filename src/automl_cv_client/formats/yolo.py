"""YOLO: one line an object, ``class x y width height`` or ``class x1 y1 x2 y2 …``, in fractions of the image."""

from __future__ import annotations

from collections.abc import Sequence

from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.placed import placed
from automl_cv_client.geometry import one_ring
from automl_cv_client.results import Detection, Detections, Instance, Instances


def yolo_of(result: Detections | Instances, names: Sequence[str], *, scores: bool = False) -> str:
    """The text of a YOLO label file.

    Outlines with holes or parts become one ring whose parts are joined by bridges without width: filled by the
    even-odd rule, as OpenCV does, they are the same. Objects whose outline encloses nothing are left out.

    Args:
        result: of one image.
        names: the classes; a label's place is its number.
        scores: also write the score, at the end of the line.

    Raises:
        InvalidInput: a label is not among the names.
    """
    numbers = {name: number for number, name in enumerate(names)}
    missing = sorted({one.label for one in result} - numbers.keys())
    if missing:
        raise InvalidInput(f"names lacks the labels {missing[:5]!r}: give every class of the model, in its order")
    lines = []
    for one in placed(result):
        values = _values(one)
        if values:
            written = [*values, one.score] if scores else values
            lines.append(" ".join([str(numbers[one.label]), *(f"{value:.9g}" for value in written)]))
    return "".join(f"{line}\n" for line in lines)


def _values(one: Detection) -> tuple[float, ...]:
    if isinstance(one, Instance):
        return one_ring(one.polygons)
    box = one.box
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2, box.width, box.height

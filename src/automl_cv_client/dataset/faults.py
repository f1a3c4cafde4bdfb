"""What can be wrong with the values of one row, told in words. Looks at the row alone: no files, no other rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from automl_cv_client.dataset.crossings import crosses_itself
from automl_cv_client.dataset.rows import (
    FORMATS,
    BoxLabel,
    DetectionRow,
    MultilabelRow,
    PolygonLabel,
    Row,
    SegmentationRow,
)
from automl_cv_client.dataset.urls import AzureMLUrl
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import points

Severity = Literal["error", "warning", "note"]
"""``error``: training or metrics go wrong. ``warning``: probably not meant. ``note``: good to know."""


class Fault(NamedTuple):
    """One thing wrong with a row.

    Attributes:
        code: a short name for the kind of fault, such as ``box-swapped``.
        severity: how bad it is.
        message: what is wrong and where in the row.
    """

    code: str
    severity: Severity
    message: str


def faults_of(row: Row) -> list[Fault]:
    """Everything wrong with the row's own values.

    Args:
        row: of any task.

    Returns:
        One :class:`Fault` each; empty for a row that is right.
    """
    faults = [*_url_faults(row), *_detail_faults(row)]
    if isinstance(row, MultilabelRow):
        faults += _repeated_labels(row)
    if isinstance(row, DetectionRow):
        for number, box in enumerate(row.label):
            faults += _box_faults(f"label[{number}]", box)
        faults += _repeated_boxes(row)
        faults += _small_boxes(row)
    if isinstance(row, SegmentationRow):
        for number, instance in enumerate(row.label):
            faults += _instance_faults(f"label[{number}]", instance)
    return faults


def _url_faults(row: Row) -> Iterator[Fault]:
    if row.image_url.startswith("azureml:"):
        try:
            AzureMLUrl.parse(row.image_url)
        except InvalidInput as error:
            yield Fault("url-malformed", "error", error.message)
    if row.image_url != row.image_url.strip():
        yield Fault("url-blank", "warning", "image_url begins or ends with a blank")


def _detail_faults(row: Row) -> Iterator[Fault]:
    details = row.image_details
    if details is None:
        return
    if details.format is not None and details.format.lower().lstrip(".") not in FORMATS:
        yield Fault(
            "format-unknown",
            "warning",
            f"image_details.format is {details.format[:20]!r}: use one of {', '.join(FORMATS)}",
        )
    if (details.width is None) != (details.height is None):
        yield Fault("size-half", "warning", "image_details has only one of width and height")


def _repeated_labels(row: MultilabelRow) -> Iterator[Fault]:
    for label, times in Counter(row.label).items():
        if times > 1:
            yield Fault("label-repeated", "warning", f"the label {label[:60]!r} is there {times} times")


def _repeated_boxes(row: DetectionRow) -> Iterator[Fault]:
    seen: dict[tuple[object, ...], int] = {}
    for number, box in enumerate(row.label):
        first = seen.setdefault((box.label, box.box), number)
        if first != number:
            yield Fault("box-repeated", "warning", f"label[{number}] is the same box as label[{first}]")


_NEAR = 0.9
"""Two boxes of one class that share so much of their union are one object labelled twice."""

_MANY = 300  # boxes of an image of which each is compared with each


def _near_boxes(row: DetectionRow) -> Iterator[Fault]:
    kept = row.label[:_MANY]
    for number, box in enumerate(kept):
        for first, other in enumerate(kept[:number]):
            overlap = 0.0 if box.box == other.box and box.label == other.label else box.box.iou(other.box)
            if overlap > _NEAR and not (box.crowd or other.crowd):
                of = "" if box.label == other.label else f", of another class ({other.label[:60]!r})"
                message = f"label[{number}] is nearly the same box as label[{first}]{of}: {overlap:.0%} in common"
                yield Fault("box-near", "warning", f"{message}; leave one of them")


def _small_boxes(row: DetectionRow) -> Iterator[Fault]:
    yield from _near_boxes(row)
    details = row.image_details
    if details is None or details.width is None or details.height is None:
        return
    for number, box in enumerate(row.label):
        width, height = box.box.width * details.width, box.box.height * details.height
        if 0 < width < 1 and 0 < height < 1:
            message = f"label[{number}] is {width:.2g} x {height:.2g} pixels: divided by the size twice?"
            yield Fault("box-tiny", "warning", message)


def _box_faults(place: str, label: BoxLabel) -> Iterator[Fault]:
    corners = {"topX": label.left, "topY": label.top, "bottomX": label.right, "bottomY": label.bottom}
    yield from _outside(place, corners)
    if label.left > label.right or label.top > label.bottom:
        pair = "topX and bottomX" if label.left > label.right else "topY and bottomY"
        yield Fault("box-swapped", "error", f"{place}: {pair} are swapped: top is the upper left corner")
    elif label.left == label.right or label.top == label.bottom:
        yield Fault(
            "box-empty", "error", f"{place}: the box has no {'width' if label.left == label.right else 'height'}"
        )


def _outside(place: str, coordinates: dict[str, float]) -> Iterator[Fault]:
    outside = [(name, value) for name, value in coordinates.items() if not 0 <= value <= 1]
    if not outside:
        return
    name, value = outside[0]
    pixels = max(abs(value) for _, value in outside) > 2
    hint = ": it looks like pixels; divide by the image's width or height" if pixels else ""
    yield Fault("coordinate-outside", "error", f"{place}: {name} is {value:g}, outside 0 to 1{hint}")


def _instance_faults(place: str, label: PolygonLabel) -> Iterator[Fault]:
    if not label.polygon:
        yield Fault("polygon-missing", "error", f"{place}: the polygon has no segment")
    for number, segment in enumerate(label.polygon):
        yield from _segment_faults(f"{place}.polygon[{number}]", segment)


def _segment_faults(place: str, segment: Sequence[float]) -> Iterator[Fault]:
    if len(segment) % 2:
        yield Fault("polygon-odd", "error", f"{place}: {len(segment)} numbers; points need an even count (x, y)")
        return
    outside = next((value for value in segment if not 0 <= value <= 1), None)
    if outside is not None:
        yield from _outside(place, {"a coordinate": max(segment, key=lambda value: abs(value - 0.5))})
    ring = points(segment)
    closed = len(ring) > 1 and ring[0] == ring[-1]
    corners = ring[:-1] if closed else ring
    if len(set(corners)) < 3:
        yield Fault("polygon-few-points", "error", f"{place}: {len(set(corners))} distinct points; 3 are needed")
        return
    if not closed:
        yield Fault("polygon-unclosed", "note", f"{place}: the last point is not the first; it is closed when read")
    if crosses_itself(corners):
        yield Fault("polygon-crossing", "warning", f"{place}: the outline crosses itself")

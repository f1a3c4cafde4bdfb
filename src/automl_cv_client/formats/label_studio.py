"""Label Studio: a task with a prediction to be corrected by people, or with what they labelled before."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from automl_cv_client._files import is_image_name
from automl_cv_client.annotations import AnnotatedImage, Annotation, SupportsAnnotated
from automl_cv_client.errors import InvalidInput
from automl_cv_client.formats.reading import (
    MOST_MASK_PIXELS,
    Frame,
    ReadingReport,
    Unreadable,
    box_around,
    circle,
    class_name,
    dicts,
    image_size,
    labelled_image,
    number,
    numbers,
    read_json,
    rectangle,
    runs_of,
    shown,
)
from automl_cv_client.geometry import PixelSegment, Rle, Segment, Size, one_ring, outlines, points, scale_segment
from automl_cv_client.task import Task

_NAMES = {"from_name": "label", "to_name": "image"}


def label_studio_of(
    image: SupportsAnnotated, image_url: str, model_version: str = "automl-cv-client"
) -> dict[str, Any]:
    """One task: ``{"data": {"image": …}, "predictions": […]}``, in percent of the upright image.

    The labelling configuration must have an ``Image`` named ``image`` and a control named ``label``:
    ``RectangleLabels``, ``PolygonLabels`` or ``Choices``. Holes are kept by bridges without width. A training row
    becomes ``annotations`` in place of ``predictions``. Objects without area inside the image are left out.

    Args:
        image: a result or a row.
        image_url: where Label Studio finds the image.
        model_version: shown beside the predictions.

    Raises:
        InvalidInput: a row has a box outside its image.
    """
    annotated = image.annotated()
    if annotated.task.explainable:
        choices = [label for label, _ in annotated.present()]
        regions: list[dict[str, Any]] = [{**_NAMES, "id": "0", "type": "choices", "value": {"choices": choices}}]
    else:
        shared = _NAMES | _size(annotated)
        inside = annotated.inside().objects
        regions = [{**shared, "id": str(number), **_region(item)} for number, item in enumerate(inside)]
    if _is_labelled(annotated):
        return {"data": {"image": image_url}, "annotations": [{"result": regions}]}
    scores = [region["score"] for region in regions if "score" in region]
    prediction = {"model_version": model_version, "result": regions, "score": min(scores, default=0.0)}
    return {"data": {"image": image_url}, "predictions": [prediction]}


def _is_labelled(image: AnnotatedImage) -> bool:
    """Whether people made the labels: an image without any is taken for what a model said of it."""
    scores = [score for _, score in image.labels] + [item.score for item in image.objects]
    return bool(scores) and all(score is None for score in scores)


def _size(image: AnnotatedImage) -> dict[str, Any]:
    if image.size is None:
        return {}
    return {"original_width": image.size.width, "original_height": image.size.height, "image_rotation": 0}


def _region(item: Annotation) -> dict[str, Any]:
    score = {} if item.score is None else {"score": item.score}
    ring = one_ring(item.polygons or ())
    if ring:
        corners = [[100 * x, 100 * y] for x, y in points(ring)]
        value: dict[str, Any] = {"points": corners, "closed": True, "polygonlabels": [item.label]}
        return {"type": "polygonlabels", "value": value, **score}
    box = item.box
    value = {"x": 100 * box.left, "y": 100 * box.top, "width": 100 * box.width, "height": 100 * box.height}
    value = {**value, "rotation": 0, "rectanglelabels": [item.label]}
    return {"type": "rectanglelabels", "value": value, **score}


def label_studio_tasks(content: Any) -> list[dict[str, Any]] | None:
    """The tasks of an export (JSON, or JSON-MIN), or of one task; None when it is neither."""
    tasks = [content] if isinstance(content, dict) and isinstance(content.get("data"), dict) else content
    whole = isinstance(tasks, list) and bool(tasks) and all(isinstance(task, dict) for task in tasks)
    if not whole or not all(isinstance(task.get("data"), dict) or _is_minimal(task) for task in tasks):
        return None
    return list(tasks)


def read_label_studio(path: Path, task: Task, report: ReadingReport) -> Iterator[AnnotatedImage]:
    """The tasks of a Label Studio export that are labelled.

    Rectangles (turned ones as outlines), polygons, ellipses and brushes are read, choices for the tasks of
    classification. Key points and others are passed over by name; tasks that nobody labelled, that were skipped, or
    that several people labelled, are passed over with the reason. Predictions are not labels.

    Raises:
        InvalidInput: it is no such file.
    """
    tasks = label_studio_tasks(read_json(path))
    if tasks is None:
        raise InvalidInput(f"{path.name} is no export of Label Studio: expected a list of tasks with data")
    for position, entry in enumerate(tasks, 1):
        where = f"{path.name}, task {shown(entry['id']) if 'id' in entry else position}"
        try:
            regions = _regions_of(entry)
            name = _image_of(entry, regions)
        except Unreadable as error:
            report.passed("image", error.reason, where, error.message)
            continue
        yield _task_image(name, regions, task, report, where)


def _is_minimal(entry: dict[str, Any]) -> bool:
    """Whether it is a task of JSON-MIN, whose data and regions stand side by side."""
    return "annotation_id" in entry or "lead_time" in entry or "annotator" in entry


def _regions_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    if not isinstance(entry.get("data"), dict):
        return _minimal_regions(entry)
    given = entry.get("annotations", entry.get("completions"))
    made = [annotation for annotation in dicts(given) if not annotation.get("was_cancelled")]
    if not made:
        raise Unreadable("not-labelled", "nobody has labelled it" if not given else "it was skipped")
    best = [annotation for annotation in made if annotation.get("ground_truth")] or made
    if len(best) > 1:
        raise Unreadable("several-annotations", f"{len(best)} annotations of it: mark one as ground truth")
    return [region for region in dicts(best[0].get("result")) if region.get("type") != "relation"]


def _minimal_regions(entry: dict[str, Any]) -> list[dict[str, Any]]:
    regions: list[dict[str, Any]] = []
    for value in entry.values():
        if isinstance(value, dict) and isinstance(value.get("choices"), list):
            regions.append({"type": "choices", "value": value})
        for part in dicts(value) if isinstance(value, list) else ():
            kind = next((key for key in part if key.endswith("labels")), "")
            if kind:
                regions.append({**part, "type": kind, "value": part})
    if "choice" in entry and isinstance(entry["choice"], str):
        regions.append({"type": "choices", "value": {"choices": [entry["choice"]]}})
    return regions


def _image_of(entry: dict[str, Any], regions: Sequence[dict[str, Any]]) -> str:
    """The path or address of the task's image."""
    inner = entry.get("data")
    data = inner if isinstance(inner, dict) else entry
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value.strip()}
    key = next((key for key in ("image", "img", "image_url", "ocr", "captioning") if key in texts), None)
    images = [key for key, text in texts.items() if is_image_name(urlsplit(text).path)]
    key = key or (images[0] if len(images) == 1 else None)
    if key is None:
        raise Unreadable("image-missing", f"which of its data is the image? {shown(sorted(texts))}")
    given = texts[key].strip()
    local = re.search(r"[?&]d=([^&]+)", given)
    if local:  # /data/local-files/?d=images/1.jpg
        return unquote(local[1]).replace("\\", "/").lstrip("/")
    return re.sub(r"^/data/", "", given)


def _task_image(
    name: str, regions: Sequence[dict[str, Any]], task: Task, report: ReadingReport, where: str
) -> AnnotatedImage:
    whole = task in (Task.CLASSIFICATION, Task.MULTILABEL)
    labels: list[str] = []
    objects: list[Annotation] = []
    size = None
    for position, region in enumerate(regions, 1):
        location = f"{where}, region {shown(region['id']) if 'id' in region else position}"
        size = size or image_size(region.get("original_width"), region.get("original_height"))
        value = region.get("value")
        value = value if isinstance(value, dict) else {}
        try:
            if (region.get("type") == "choices") != whole:
                raise Unreadable("not-wanted", f"a {shown(region.get('type'))} is not read for {task.value}")
            if whole:
                labels += _texts(value.get("choices"))
            else:
                objects.append(_read_region(region, value, size, task, report, location))
        except Unreadable as error:
            report.passed("annotation", error.reason, location, error.message)
    return labelled_image(task, name, size, objects, list(dict.fromkeys(labels)))


def _texts(values: Any) -> list[str]:
    names = [class_name(value) for value in values] if isinstance(values, list) and values else [None]
    if None in names:
        raise Unreadable("class-missing", f"its labels are {shown(values)}")
    return [name for name in names if name is not None]


def _read_region(
    region: dict[str, Any], value: dict[str, Any], size: Size | None, task: Task, report: ReadingReport, where: str
) -> Annotation:
    kind = str(region.get("type"))
    if not kind.startswith(("poly", "rectangle", "ellipse")) and "rle" not in value:
        raise Unreadable("shape-unknown", f"a {shown(kind)} is no rectangle, polygon, ellipse or brush")
    names = _texts(value.get(kind, value.get("labels", value.get(kind.removesuffix("labels") + "labels"))))
    if len(names) > 1:
        raise Unreadable("several-classes", f"it has {len(names)} labels: {shown(names)}")
    frame = Frame(100.0, 100.0, report)
    polygons: tuple[Segment, ...]
    if "points" in value and kind.startswith("poly"):
        corners = [numbers(point) for point in value["points"]] if isinstance(value["points"], list) else []
        if not corners or any(corner is None or len(corner) != 2 for corner in corners):
            raise Unreadable("outline-wrong", f"its points must be [[x, y], …]: {shown(value['points'])}")
        polygons = frame.polygons([[part for corner in corners for part in corner or ()]], where)
    elif kind.startswith(("rectangle", "ellipse")):
        keys = ("x", "y", "width", "height") if kind.startswith("rectangle") else ("x", "y", "radiusX", "radiusY")
        x, y, width, height = (number(value.get(key)) for key in keys)
        turn = number(value.get("rotation") or 0)
        if any(map(math.isnan, (x, y, width, height, turn))):
            raise Unreadable("box-wrong", f"{', '.join(keys)} must be numbers")
        if kind.startswith("rectangle") and not turn % 360:
            box = frame.box(x, y, x + width, y + height, where)
            return Annotation(names[0], None, box, (rectangle(box),) if task is Task.SEGMENTATION else None)
        if size is None:
            raise Unreadable(
                "size-missing", "it is turned or round, and original_width and original_height are missing"
            )
        scale = (size.width / 100, size.height / 100)
        report.note("turned", f"{where}: turned rectangles and ellipses are read as outlines")
        if kind.startswith("rectangle"):
            ring = _turned(x * scale[0], y * scale[1], width * scale[0], height * scale[1], math.radians(turn))
        else:
            ring = circle(x * scale[0], y * scale[1], width * scale[0], height * scale[1], math.radians(turn))
        polygons = Frame(size.width, size.height, report).polygons([ring], where)
    elif "rle" in value:
        polygons = _brush(value["rle"], size)
    else:
        raise Unreadable("outline-wrong", "it has no points")
    return Annotation(names[0], None, box_around(polygons), polygons if task is Task.SEGMENTATION else None)


def _turned(x: float, y: float, width: float, height: float, angle: float) -> PixelSegment:
    """A rectangle turned clockwise around its upper left corner, as Label Studio means it."""
    cosine, sine = math.cos(angle), math.sin(angle)
    corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    return tuple(value for dx, dy in corners for value in (x + dx * cosine - dy * sine, y + dx * sine + dy * cosine))


def _brush(given: Any, size: Size | None) -> tuple[Segment, ...]:
    """The outlines of a brush: the opacity of an RGBA image, packed in runs of bits."""
    if (
        size is None
        or not isinstance(given, list)
        or not all(isinstance(part, int) and 0 <= part < 256 for part in given)
    ):
        raise Unreadable("mask-damaged", "a brush needs bytes as its rle, original_width and original_height")
    pixels = _unpacked(bytes(given), size.width * size.height * 4)[3::4]
    columns = b"".join(pixels[column :: size.width] for column in range(size.width))
    mask = Rle(size.height, size.width, runs_of(columns.translate(bytes([0]) + bytes([1]) * 255)))
    share = (1 / size.width, 1 / size.height)
    polygons = tuple(scale_segment(ring, share) for ring in outlines(mask))
    if not polygons:
        raise Unreadable("outline-empty", "the brush covers no pixel")
    return polygons


def _unpacked(packed: bytes, expected: int) -> bytes:
    """Runs of values, after a head of count, width of a value and widths of the four run lengths (thi.ng/rle-pack)."""
    end, location = len(packed) * 8, 0

    def take(width: int) -> int:
        nonlocal location
        if location + width > end:
            raise Unreadable("mask-damaged", "the rle of the brush ends early")
        first = location // 8
        last = (location + width + 7) // 8
        window = int.from_bytes(packed[first:last])
        value = window >> (last * 8 - location - width) & ((1 << width) - 1)
        location += width
        return value

    count, width = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    if count != expected or expected > 4 * MOST_MASK_PIXELS or width > 8:
        raise Unreadable("mask-damaged", f"the rle of the brush holds {count} values, its image {expected}")
    values = bytearray()
    while len(values) < count:
        repeated = take(1)
        length = min(1 + take(sizes[take(2)]), count - len(values))
        values += bytes([take(width)]) * length if repeated else bytes(take(width) for _ in range(length))
    return bytes(values)

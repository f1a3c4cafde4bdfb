"""Average precision as COCO counts it, by faster-coco-eval: the one file that knows that library.

Coordinates are taken to pixels of the upright image, since COCO's small, medium and large are areas in pixels.
Boxes marked ``isCrowd`` are skipped as COCO skips them: finding them is neither right nor wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl_cv_client._extras import need
from automl_cv_client.geometry import scale_segment

IOU_50, IOU_75 = 0, 5  # of the ten thresholds 0.50, 0.55, …, 0.95
_AREAS = {"all": 0, "small": 1, "medium": 2, "large": 3}
_MOST_DETECTIONS = (1, 10, 100)


class Thing(NamedTuple):
    """One labelled or found object.

    Attributes:
        label: its class. bbox: left, top, width, height in pixels. area: square pixels.
        mask: run-length encoded, for segmentation. crowd: of labels. score: of what was found.
    """

    label: str
    bbox: tuple[float, float, float, float]
    area: float
    mask: Any = None
    crowd: bool = False
    score: float = 0.0


class Scene(NamedTuple):
    """One image: size (width, height), labels, and what was found, as COCO needs them."""

    size: tuple[int, int]
    truth: Sequence[Thing]
    found: Sequence[Thing]


def mask_of(segments: Iterable[Sequence[float]], size: tuple[int, int]) -> Any:
    """A run-length encoded mask of normalised segments, by the even-odd rule: holes are holes.

    COCO itself would unite the segments and fill the holes.
    """
    mask = _library().mask
    width, height = size
    rings = [list(scale_segment(segment, size)) for segment in segments if len(segment) >= 6]
    drawn = mask.frPyObjects(rings, height, width) if rings else []
    if len(drawn) == 1:
        return drawn[0]
    odd = np.zeros((height, width), dtype=np.uint8)
    for one in drawn:
        odd ^= mask.decode(one)
    return mask.encode(np.asfortranarray(odd))


def mask_area(encoded: Any) -> float:
    """Cells of a run-length encoded mask."""
    return float(_library().mask.area(encoded))


def overlaps(found: Sequence[Thing], truth: Sequence[Thing]) -> NDArray[np.float64]:
    """``[found, truth]`` intersection over union; over the found area alone where the truth is a crowd."""
    if not found or not truth:
        return np.zeros((len(found), len(truth)))
    masks = truth[0].mask is not None
    both = [[one.mask if masks else list(one.bbox) for one in side] for side in (found, truth)]
    table = _library().mask.iou(both[0], both[1], [int(one.crowd) for one in truth])
    return np.asarray(table, dtype=np.float64)


class CocoScores:
    """Average precision and recall of some scenes.

    Args:
        scenes: the images.
        labels: the classes, in the order of the arrays.
    """

    def __init__(self, scenes: Sequence[Scene], labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._images = len(scenes)
        self._evaluator = _evaluated(scenes, self.labels)
        self.eval = self._accumulated(range(self._images)) if scenes and labels else None

    def metrics(self) -> dict[str, float | None]:
        """The twelve numbers of COCO but those at 1 and 10 detections."""
        return {
            "mAP": self.ap(),
            "AP50": self.ap(iou=IOU_50),
            "AP75": self.ap(iou=IOU_75),
            "AP small": self.ap(area="small"),
            "AP medium": self.ap(area="medium"),
            "AP large": self.ap(area="large"),
            "AR": self.recall(),
            "AR small": self.recall(area="small"),
            "AR medium": self.recall(area="medium"),
            "AR large": self.recall(area="large"),
        }

    def ap(self, *, iou: int | None = None, area: str = "all", label: int | None = None) -> float | None:
        """Average precision: over all thresholds or one (by number), all classes or one. None without labels."""
        if self.eval is None:
            return None
        return _mean(self.eval["precision"][_axis(iou), :, _axis(label), _AREAS[area], -1])

    def recall(self, *, area: str = "all", label: int | None = None) -> float | None:
        """Average of the highest recalls at 100 detections an image."""
        if self.eval is None:
            return None
        return _mean(self.eval["recall"][:, _axis(label), _AREAS[area], -1])

    def curve(self, label: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        """(recall, precision) at IoU 0.5, interpolated at 101 recalls; None without labels."""
        if self.eval is None:
            return None
        precision = self.eval["precision"][IOU_50, :, label, 0, -1]
        if precision.max() < 0:
            return None
        return tuple(np.linspace(0, 1, len(precision)).tolist()), tuple(precision.tolist())

    def resampled(self, images: Sequence[int]) -> dict[str, float | None]:
        """mAP, AP50 and AP75 of a draw of the same images, by their numbers, repeats counted: for the bootstrap.

        The boxes are matched once for all draws; a draw only adds up again.
        """
        if self.eval is None:
            return {"mAP": None, "AP50": None, "AP75": None}
        precision = self._accumulated(images, areas=1)["precision"][:, :, :, 0, -1]
        return {"mAP": _mean(precision), "AP50": _mean(precision[IOU_50]), "AP75": _mean(precision[IOU_75])}

    def _accumulated(self, images: Iterable[int], areas: int = len(_AREAS)) -> Any:
        from faster_coco_eval import faster_eval_api_cpp

        evaluated, count = self._evaluator._evalImgs_cpp, self._images
        drawn = list(images)
        parameters = copy.copy(self._evaluator._paramsEval)
        parameters.imgIds, parameters.areaRng = list(range(len(drawn))), parameters.areaRng[:areas]
        # The library's order is class, area, image.
        starts = [(label * len(_AREAS) + area) * count for label in range(len(self.labels)) for area in range(areas)]
        return faster_eval_api_cpp.COCOevalAccumulate(
            parameters, [evaluated[start + i] for start in starts for i in drawn]
        )


def _evaluated(scenes: Sequence[Scene], labels: tuple[str, ...]) -> Any:
    library = _library()
    masks = any(one.mask is not None for scene in scenes for one in (*scene.truth, *scene.found))
    sides = [_dataset(scenes, labels, side) for side in ("truth", "found")]
    truth, found = (library.COCO(one, print_function=_silent) for one in sides)
    evaluator = library.COCOeval_faster(
        truth, found, "segm" if masks else "bbox", print_function=_silent, separate_eval=True
    )
    evaluator.params.maxDets = list(_MOST_DETECTIONS)
    if scenes and labels:
        evaluator.evaluate()
    return evaluator


def _dataset(scenes: Sequence[Scene], labels: tuple[str, ...], side: str) -> dict[str, Any]:
    number = {label: i for i, label in enumerate(labels, start=1)}
    things = [(image, one) for image, scene in enumerate(scenes, start=1) for one in getattr(scene, side)]
    return {
        "images": [{"id": i, "width": s.size[0], "height": s.size[1]} for i, s in enumerate(scenes, start=1)],
        "categories": [{"id": i, "name": label} for label, i in number.items()],
        "annotations": [
            _annotation(one, {"id": i, "image_id": image, "category_id": number[one.label]})
            for i, (image, one) in enumerate(things, start=1)
        ],
    }


def _annotation(one: Thing, ids: dict[str, Any]) -> dict[str, Any]:
    values = {"bbox": list(one.bbox), "area": one.area, "iscrowd": int(one.crowd), "score": one.score}
    return {**ids, **values} if one.mask is None else {**ids, **values, "segmentation": one.mask}


def _axis(index: int | None) -> slice | int:
    return slice(None) if index is None else index


def _mean(values: Any) -> float | None:
    """The mean without the -1 that stands for "no labels here"; None when nothing is left."""
    kept = values[values > -1]
    return float(np.mean(kept)) if kept.size else None


def _silent(*words: object) -> None:
    """The library reports its progress; a report is what ours is for."""


def _library() -> Any:
    need("eval", "faster_coco_eval")
    import faster_coco_eval

    return faster_coco_eval

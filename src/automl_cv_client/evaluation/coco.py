"""Average precision as COCO counts it, by faster-coco-eval: the one file that knows that library.

Coordinates are taken to pixels of the upright image, since COCO's small, medium and large are areas in pixels.
Boxes marked ``isCrowd`` are skipped as COCO skips them: finding them is neither right nor wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl_cv_client._extras import need
from automl_cv_client.annotations import Annotation
from automl_cv_client.geometry import Rle, Size, scale_segment

IOU_50, IOU_75 = 0, 5  # of the ten thresholds 0.50, 0.55, …, 0.95
_AREAS = {"all": 0, "small": 1, "medium": 2, "large": 3}
_MOST_DETECTIONS = (1, 10, 100)


Mask = dict[str, Any]
"""Run lengths as pycocotools encodes them: ``{"size": [height, width], "counts": …}``."""


class Scene(NamedTuple):
    """One image, as COCO measures it.

    Attributes:
        size: (width, height) in pixels.
        truth: what people labelled.
        found: what the model found, without scores that are not a number.
        masks: of segmentation, a mask for each of ``truth`` and for each of ``found``.
    """

    size: Size
    truth: Sequence[Annotation]
    found: Sequence[Annotation]
    masks: tuple[Sequence[Mask], Sequence[Mask]] | None = None


def mask_of(segments: Iterable[Sequence[float]], size: tuple[int, int]) -> Mask:
    """A run-length encoded mask of normalised segments, by the even-odd rule: holes are holes.

    COCO itself would unite the segments and fill the holes.
    """
    mask = Rle.of_polygon([scale_segment(segment, size) for segment in segments], size)
    return {"size": [mask.height, mask.width], "counts": mask.text().encode()}


def overlaps(scene: Scene, chosen: Sequence[int]) -> NDArray[np.float64]:
    """``[chosen, truth]`` intersection over union of some of the objects found, by their numbers, with each labelled
    one; over the area found alone where the truth is a crowd.
    """
    if not chosen or not scene.truth:
        return np.zeros((len(chosen), len(scene.truth)))
    crowds = [int(item.crowd) for item in scene.truth]
    if scene.masks is None:
        truth = [_bbox(item, scene.size) for item in scene.truth]
        found = [_bbox(scene.found[number], scene.size) for number in chosen]
        return np.asarray(_library().mask.iou(found, truth, crowds), dtype=np.float64)
    masks = [scene.masks[1][number] for number in chosen]
    return np.asarray(_library().mask.iou(masks, list(scene.masks[0]), crowds), dtype=np.float64)


def _bbox(item: Annotation, size: Size) -> list[float]:
    """Left, top, width, height in pixels."""
    left, top, right, bottom = item.box.to_pixels(size)
    return [left, top, right - left, bottom - top]


class CocoScores:
    """Average precision and recall of some scenes.

    Args:
        scenes: the images.
        labels: the classes, in the order of the arrays.
    """

    def __init__(self, scenes: Sequence[Scene], labels: Sequence[str]) -> None:
        self.labels: tuple[str, ...] = tuple(labels)
        self._images = len(scenes)
        self._evaluator = _evaluated(scenes, self.labels)
        self.eval: Any = self._accumulated(range(self._images)) if scenes and labels else None

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
    shapes = "segm" if any(scene.masks is not None for scene in scenes) else "bbox"
    truth, found = (library.COCO(_dataset(scenes, labels, side), print_function=_silent) for side in ("truth", "found"))
    evaluator = library.COCOeval_faster(truth, found, shapes, print_function=_silent, separate_eval=True)
    evaluator.params.maxDets = list(_MOST_DETECTIONS)
    if scenes and labels:
        evaluator.evaluate()
    return evaluator


def _dataset(scenes: Sequence[Scene], labels: tuple[str, ...], side: Literal["truth", "found"]) -> dict[str, Any]:
    number = {label: i for i, label in enumerate(labels, start=1)}
    annotations: list[dict[str, Any]] = []
    for image, scene in enumerate(scenes, start=1):
        masks = None if scene.masks is None else scene.masks[0 if side == "truth" else 1]
        for i, item in enumerate(getattr(scene, side)):
            ids = {"id": len(annotations) + 1, "image_id": image, "category_id": number[item.label]}
            annotations.append(ids | _annotation(item, scene.size, None if masks is None else masks[i]))
    return {
        "images": [{"id": i, "width": s.size[0], "height": s.size[1]} for i, s in enumerate(scenes, start=1)],
        "categories": [{"id": i, "name": label} for label, i in number.items()],
        "annotations": annotations,
    }


def _annotation(item: Annotation, size: Size, mask: Mask | None) -> dict[str, Any]:
    bbox = _bbox(item, size)
    values: dict[str, Any] = {"bbox": bbox, "iscrowd": int(item.crowd), "score": item.score or 0.0}
    if mask is None:
        return values | {"area": bbox[2] * bbox[3]}
    return values | {"area": float(_library().mask.area(mask)), "segmentation": mask}


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

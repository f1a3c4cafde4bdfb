"""Average precision as COCO counts it, by faster-coco-eval: the one file that knows that library.

Coordinates are taken to pixels of the upright image, since COCO's small, medium and large are areas in pixels.
Boxes marked ``isCrowd`` are skipped as COCO skips them: finding them is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl_cv_client._extras import need
from automl_cv_client.annotations import Annotation
from automl_cv_client.geometry import Rle, Size, scale_segment

IOU_50, IOU_75 = 0, 5  # of the ten thresholds 0.50, 0.55, …, 0.95
_AREAS = {"all": 0, "small": 1, "medium": 2, "large": 3}
_MOST_DETECTIONS = (1, 10, 100)
_THRESHOLDS = 10
_RECALLS = np.linspace(0, 1, 101)
_AT_ONCE = 60_000
"""Numbers of a table of draws and objects that are computed at once: they fit into a processor's cache."""
_RECORDS_AT_ONCE = 50_000
"""Images times classes that are measured at once."""


Progress = Callable[[float], object]
"""Told which share is done, 0 to 1."""


def unseen(share: float) -> None:
    """The progress that nobody looks at."""


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
        for_draws: keep the matches, for :meth:`drawn`.
        progress: told after some classes each.

    Some classes are measured at a time, as the library keeps a record of each class, area and image.
    """

    def __init__(
        self,
        scenes: Sequence[Scene],
        labels: Sequence[str],
        *,
        for_draws: bool = False,
        progress: Progress = unseen,
    ) -> None:
        self.labels: tuple[str, ...] = tuple(labels)
        self._ranked: list[_Ranked] = []
        parts = []
        at_once = max(1, _RECORDS_AT_ONCE // max(1, len(scenes)))
        for first in range(0, len(self.labels) if scenes else 0, at_once):
            some = self.labels[first : first + at_once]
            accumulated, records = _evaluated(scenes, some)
            parts.append(accumulated)
            if for_draws:
                # The library's order is class, area, image; the first area is all of them.
                starts = (number * len(_AREAS) * len(scenes) for number in range(len(some)))
                self._ranked += [_ranked(records[start : start + len(scenes)]) for start in starts]
            progress(min(1.0, (first + at_once) / len(self.labels)))
        self.eval: Any = None
        if parts:
            precision = np.concatenate([part["precision"] for part in parts], axis=2)
            self.eval = {"precision": precision, "recall": np.concatenate([part["recall"] for part in parts], axis=1)}

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

    def drawn(self, weights: NDArray[np.int64], progress: Progress = unseen) -> dict[str, NDArray[np.float64]]:
        """mAP, AP50 and AP75 of draws of the same images, for the bootstrap; NaN where a draw has no labels.

        The boxes were matched once for all draws. A draw only counts each image as often as it has it: then every sum
        along the scores is a weighted one, and all draws of a class are computed at once.

        Args:
            weights: ``[draws, images]``, how often each draw has each image.
            progress: told after each class.
        """
        sums, sums50, sums75 = (np.zeros(len(weights)) for _ in range(3))
        classes = np.zeros(len(weights))
        counts = weights.T.astype(np.int32)
        # Floats, as they are multiplied many times as fast, and these are exact.
        labels = np.array([ranked.labelled for ranked in self._ranked], dtype=np.float64).reshape(-1, weights.shape[1])
        all_labelled = (labels @ weights.T.astype(np.float64)).astype(np.int64)
        for number, (ranked, labelled) in enumerate(zip(self._ranked, all_labelled, strict=True), 1):
            reached, starts = _recalls_reached(labelled)
            for first in range(0, len(weights), step := max(1, _AT_ONCE // max(1, len(ranked.images)))):
                part = slice(first, first + step)
                here = labelled[part] > 0
                precision = _weighted_precision(ranked, counts[:, part], reached, starts[part])
                classes[part] += here
                sums[part] += np.where(here, precision.mean(axis=0), 0)
                sums50[part] += np.where(here, precision[IOU_50], 0)
                sums75[part] += np.where(here, precision[IOU_75], 0)
            progress(number / len(self._ranked))
        named = {"mAP": sums, "AP50": sums50, "AP75": sums75}
        empty = np.full(len(weights), np.nan)
        return {name: np.divide(values, classes, out=empty.copy(), where=classes > 0) for name, values in named.items()}


class _Ranked(NamedTuple):
    """What was found of one class, from the highest score down.

    Attributes:
        labelled: ``[images]`` how many labels of the class each image has, crowds left out.
        images: ``[found]`` the image of each.
        right: ``[thresholds, found]`` whether it matches a label at each overlap.
        ignored: ``[thresholds, found]`` whether it lies in a crowd, and counts neither way.
    """

    labelled: NDArray[np.int64]
    images: NDArray[np.int64]
    right: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


def _weighted_precision(
    ranked: _Ranked, weights: NDArray[np.int32], reached_by: NDArray[np.int8], starts: NDArray[np.int32]
) -> NDArray[np.float64]:
    """``[thresholds, draws]`` mean precision over COCO's 101 recalls, each image counted ``weights`` times.

    COCO takes at each recall the highest precision at this or a higher one, so only places with a right object matter.
    All tables are ``[found, draws]``: a step along the scores is one operation on all draws.

    Args:
        ranked: what was found of the class.
        weights: ``[images, draws]``.
        reached_by, starts: as :func:`_recalls_reached` gives them.
    """
    columns = weights[ranked.images]
    found = np.cumsum(columns, axis=0, dtype=np.int32)
    means = np.zeros((_THRESHOLDS, len(starts)))
    for number in range(_THRESHOLDS):
        right = np.nonzero(ranked.right[number])[0]
        if not len(right):
            continue
        counted = found
        if ranked.ignored[number].any():
            counted = np.cumsum(columns * ~ranked.ignored[number][:, np.newaxis], axis=0, dtype=np.int32)
        hits = np.cumsum(columns[right], axis=0, dtype=np.int32)
        precision = hits / np.maximum(counted[right], 1)  # nothing tried, nothing hit
        highest = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        reached = reached_by[hits + starts]
        reached[1:] -= reached[:-1].copy()
        highest *= reached
        means[number] = highest.T.copy().sum(axis=1) / len(_RECALLS)
    return means


def _recalls_reached(labelled: NDArray[np.int64]) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """How many recalls are at most hits / labelled, to the last bit: a table, and where it begins for each draw."""
    known, which = np.unique(np.maximum(labelled, 1), return_inverse=True)
    tables = [np.searchsorted(_RECALLS, np.arange(total + 1) / total, side="right") for total in known]
    starts = np.cumsum([0, *map(len, tables[:-1])], dtype=np.int32)
    return np.concatenate(tables).astype(np.int8), starts[which]


def _ranked(records: Sequence[Any]) -> _Ranked:
    """The matches of one class, from the library's record of each image."""
    labelled = np.zeros(len(records), dtype=np.int64)
    parts = []
    for image, record in enumerate(records):
        matched, _, scores, ignored_truth, ignored, *_ = record.__getstate__()
        labelled[image] = len(ignored_truth) - sum(ignored_truth)
        if scores:
            shape = (_THRESHOLDS, len(scores))
            parts.append((image, scores, np.reshape(matched, shape) > 0, np.reshape(ignored, shape)))
    if not parts:
        nothing = np.zeros((_THRESHOLDS, 0), dtype=bool)
        return _Ranked(labelled, np.zeros(0, dtype=np.int64), nothing, nothing)
    order = np.argsort(-np.concatenate([part[1] for part in parts]), kind="stable")
    images = np.repeat([part[0] for part in parts], [len(part[1]) for part in parts])[order]
    right, ignored = (np.concatenate([part[number] for part in parts], axis=1)[:, order] for number in (2, 3))
    return _Ranked(labelled, images, right & ~ignored, ignored)


def _evaluated(scenes: Sequence[Scene], labels: tuple[str, ...]) -> tuple[Any, list[Any]]:
    """Precision and recall of these classes, and the library's record of each class, area and image."""
    from faster_coco_eval import faster_eval_api_cpp

    library = _library()
    shapes = "segm" if any(scene.masks is not None for scene in scenes) else "bbox"
    truth, found = (library.COCO(_dataset(scenes, labels, side), print_function=_silent) for side in ("truth", "found"))
    evaluator = library.COCOeval_faster(truth, found, shapes, print_function=_silent, separate_eval=True)
    evaluator.params.maxDets = list(_MOST_DETECTIONS)
    evaluator.evaluate()
    records = evaluator._evalImgs_cpp
    return faster_eval_api_cpp.COCOevalAccumulate(evaluator._paramsEval, records), records


def _dataset(scenes: Sequence[Scene], labels: tuple[str, ...], side: Literal["truth", "found"]) -> dict[str, Any]:
    number = {label: i for i, label in enumerate(labels, start=1)}
    annotations: list[dict[str, Any]] = []
    for image, scene in enumerate(scenes, start=1):
        masks = None if scene.masks is None else scene.masks[0 if side == "truth" else 1]
        for i, item in enumerate(getattr(scene, side)):
            if item.label not in number:
                continue
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

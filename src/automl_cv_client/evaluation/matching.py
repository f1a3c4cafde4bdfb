"""Which labelled object each object found stands for, at one score threshold."""

from __future__ import annotations

from typing import NamedTuple

from automl_cv_client.annotations import Annotation
from automl_cv_client.evaluation.coco import Scene, mask_of, overlaps
from automl_cv_client.evaluation.pairs import Pair
from automl_cv_client.task import Task

_IOU = 0.5
"""The overlap from which on an object counts as found."""


class Matches(NamedTuple):
    """One image at one score threshold.

    Attributes:
        pairs: (number of the label, number of what was found) of each object; None for nothing.
        labels: the same with their classes.
    """

    pairs: list[tuple[int | None, int | None]]
    labels: list[tuple[str | None, str | None]]

    def wrong(self) -> list[tuple[str | None, str | None]]:
        """Objects missed, invented, or taken for another class."""
        return [pair for pair in self.labels if pair[0] != pair[1]]


def scene_of(pair: Pair) -> Scene:
    """A pair as COCO measures it, in pixels of its upright image."""
    size = pair.result.image.size
    truth = pair.row.annotated().objects
    # COCO sorts by score; not-a-number would make the order a matter of luck.
    found = [item for item in pair.result.annotated().objects if item.score == item.score]
    if pair.row.task is not Task.SEGMENTATION:
        return Scene(size, truth, found)
    truth_masks, found_masks = ([mask_of(item.polygons or (), size) for item in side] for side in (truth, found))
    return Scene(size, truth, found, (truth_masks, found_masks))


def match(scene: Scene, threshold: float) -> Matches:
    """Give each found object, best first, the labelled one it overlaps most, of its own class where it can.

    What else lies in a crowd is neither right nor wrong and is left out. So what is right, wrong or left out does not
    depend on objects with lower scores, and one match without a threshold tells the counts at every threshold.
    """
    numbers = [i for i, item in enumerate(scene.found) if item.score is not None and item.score > threshold]
    numbers.sort(key=lambda i: -(scene.found[i].score or 0.0))
    found = [scene.found[i] for i in numbers]
    table = overlaps(scene, numbers)
    free = {j for j, item in enumerate(scene.truth) if not item.crowd}
    pairs: list[tuple[int | None, int | None]] = []
    left_over: list[tuple[int, Annotation]] = []
    for same_class in (True, False):
        for i, item in enumerate(found) if same_class else left_over:
            fitting = [
                j for j in free if table[i, j] >= _IOU and (scene.truth[j].label == item.label or not same_class)
            ]
            if fitting:
                best = max(fitting, key=lambda j: table[i, j])
                free.remove(best)
                pairs.append((best, numbers[i]))
            elif not same_class:
                pairs.append((None, numbers[i]))
            elif not any(other.crowd and table[i, j] >= _IOU for j, other in enumerate(scene.truth)):
                left_over.append((i, item))
    pairs += [(j, None) for j in sorted(free)]
    labels = [
        (None if j is None else scene.truth[j].label, None if i is None else scene.found[i].label) for j, i in pairs
    ]
    return Matches(pairs, labels)

"""Numbers for detection and segmentation: COCO's average precision, and what is right at one score threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from automl_cv_client.annotations import Annotation
from automl_cv_client.evaluation.classification import precision_recall_f1, ratio
from automl_cv_client.evaluation.coco import IOU_50, IOU_75, CocoScores, Scene, mask_of, overlaps
from automl_cv_client.evaluation.pairs import Pair
from automl_cv_client.evaluation.report import ClassScores, Confusion, Curve, Mistake, Number
from automl_cv_client.task import Task

_IOU = 0.5  # an object counts as found from this overlap on, in the counts at one threshold
NOTHING = "(nothing)"


class Matches(NamedTuple):
    """One image at one score threshold, as (label of the truth, label found) of each object; None for nothing."""

    pairs: list[tuple[str | None, str | None]]

    def wrong(self) -> list[tuple[str | None, str | None]]:
        """Objects missed, invented, or taken for another class."""
        return [pair for pair in self.pairs if pair[0] != pair[1]]


class ObjectScores:
    """Everything measured, from the pairs.

    Attributes:
        labels: every class that a label or the model names, sorted.
        coco: average precision over all scores. matches: one an image, at ``threshold`` and IoU 0.5.
    """

    def __init__(self, pairs: Sequence[Pair], threshold: float) -> None:
        self.pairs = pairs
        scenes = [scene_of(pair) for pair in pairs]
        self.labels = tuple(sorted({item.label for scene in scenes for item in (*scene.truth, *scene.found)}))
        self.coco = CocoScores(scenes, self.labels)
        self.matches = [match(scene, threshold) for scene in scenes]
        self.support = dict.fromkeys(self.labels, 0)
        for scene in scenes:
            for item in scene.truth:
                self.support[item.label] += not item.crowd
        self.counts = self._counted()

    def metrics(self) -> dict[str, Number]:
        """COCO's numbers, then precision, recall and F1 of all objects at the score threshold."""
        right = self.counts.diagonal()[:-1].sum()
        found, truth = self.counts[:, :-1].sum(), self.counts[:-1].sum()
        return {
            **self.coco.metrics(),
            "precision": float(ratio(right, found)),
            "recall": float(ratio(right, truth)),
            "F1": float(ratio(2 * right, found + truth)),
        }

    def classes(self) -> tuple[ClassScores, ...]:
        """Average precision of each class, and its precision, recall and F1 at the score threshold."""
        right = self.counts.diagonal()[:-1]
        columns = precision_recall_f1(right, self.counts.sum(0)[:-1], self.counts.sum(1)[:-1])
        return tuple(
            ClassScores(
                label,
                self.support[label],
                {
                    "AP": self.coco.ap(label=i),
                    "AP50": self.coco.ap(iou=IOU_50, label=i),
                    "AP75": self.coco.ap(iou=IOU_75, label=i),
                    "precision": float(columns[0][i]),
                    "recall": float(columns[1][i]),
                    "F1": float(columns[2][i]),
                },
            )
            for i, label in enumerate(self.labels)
        )

    def confusion(self) -> Confusion:
        """What each labelled object was taken for; the last row holds inventions, the last column the missed."""
        return Confusion((*self.labels, NOTHING), tuple(tuple(map(int, row)) for row in self.counts))

    def curves(self) -> tuple[Curve, ...]:
        """At IoU 0.5, of every class that has labels."""
        curves = [(label, self.coco.curve(i)) for i, label in enumerate(self.labels)]
        return tuple(Curve(label, *curve) for label, curve in curves if curve is not None)

    def mistakes(self) -> list[Mistake]:
        """Images with objects missed, invented or taken for others, most of them first."""
        found = []
        for pair, matches in zip(self.pairs, self.matches, strict=True):
            wrong = matches.wrong()
            if wrong:
                badness = len(wrong) + len(wrong) / len(matches.pairs)
                found.append(Mistake(pair.row.image_url, _in_words(wrong), badness, pair.row, pair.result))
        return sorted(found, key=lambda mistake: -mistake.badness)

    def _counted(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        place: dict[str | None, int] = {label: i for i, label in enumerate(self.labels)}
        place[None] = len(self.labels)
        counts = np.zeros((len(place), len(place)), dtype=np.int64)
        for matches in self.matches:
            for truth, found in matches.pairs:
                counts[place[truth], place[found]] += 1
        return counts


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

    What lies in a crowd is neither right nor wrong and is left out.
    """
    numbers = [i for i, item in enumerate(scene.found) if item.score is not None and item.score > threshold]
    numbers.sort(key=lambda i: -(scene.found[i].score or 0.0))
    found = [scene.found[i] for i in numbers]
    table = overlaps(scene, numbers)
    free = {j for j, item in enumerate(scene.truth) if not item.crowd}
    pairs: list[tuple[str | None, str | None]] = []
    left_over: list[tuple[int, Annotation]] = []
    for same_class in (True, False):
        for i, item in enumerate(found) if same_class else left_over:
            fitting = [
                j for j in free if table[i, j] >= _IOU and (scene.truth[j].label == item.label or not same_class)
            ]
            if fitting:
                best = max(fitting, key=lambda j: table[i, j])
                free.remove(best)
                pairs.append((scene.truth[best].label, item.label))
            elif same_class:
                left_over.append((i, item))
            elif not any(other.crowd and table[i, j] >= _IOU for j, other in enumerate(scene.truth)):
                pairs.append((None, item.label))
    return Matches(pairs + [(scene.truth[j].label, None) for j in sorted(free)])


def _in_words(wrong: Sequence[tuple[str | None, str | None]]) -> str:
    kinds: dict[str, list[str | None]] = {
        "missed": [truth for truth, found in wrong if truth is not None and found is None],
        "invented": [found for truth, found in wrong if truth is None],
        "took": [f"{truth!r} for {found!r}" for truth, found in wrong if truth is not None and found is not None],
    }
    return "; ".join(f"{word} {_listed(some)}" for word, some in kinds.items() if some)


def _listed(labels: Sequence[str | None]) -> str:
    shown = [label if label and label.startswith(("'", '"')) else repr(label) for label in labels[:5]]
    return ", ".join(shown) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")

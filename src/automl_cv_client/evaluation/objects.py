"""Numbers for detection and segmentation: COCO's average precision, and what is right at one score threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl_cv_client.evaluation.classification import THRESHOLDS, counted_scores, precision_recall_f1, ratio
from automl_cv_client.evaluation.coco import IOU_50, IOU_75, CocoScores, Progress, Scene, unseen
from automl_cv_client.evaluation.matching import Matches, match, scene_of
from automl_cv_client.evaluation.pairs import Pair
from automl_cv_client.evaluation.report import ClassScores, Confusion, Curve, Mistake, Number, ThresholdScores

NOTHING = "(nothing)"
_NONE = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))


class ObjectScores:
    """Everything measured, from the pairs.

    What an image holds is dropped once it is counted: only the numbers stay.

    Attributes:
        labels: every class that a label or the model names, sorted.
        coco: average precision over all scores. matches: one an image, at ``threshold`` and IoU 0.5.
    """

    def __init__(
        self, pairs: Sequence[Pair], threshold: float, *, for_draws: bool = False, progress: Progress = unseen
    ) -> None:
        self.pairs = pairs
        scenes = [scene_of(pair) for pair in pairs]
        self.labels: tuple[str, ...] = tuple(
            sorted({item.label for scene in scenes for item in (*scene.truth, *scene.found)})
        )
        self.coco: CocoScores = CocoScores(scenes, self.labels, for_draws=for_draws, progress=progress)
        self.matches: list[Matches] = [match(scene, threshold) for scene in scenes]
        self.support: dict[str, int] = dict.fromkeys(self.labels, 0)
        for scene in scenes:
            for item in scene.truth:
                self.support[item.label] += not item.crowd
        self.counts: np.ndarray[tuple[int, int], np.dtype[np.int64]] = self._counted()
        self._at_thresholds = self._swept(scenes)

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

    def at_thresholds(self) -> tuple[ThresholdScores, ...]:
        """Precision, recall and F1 at other thresholds."""
        return self._at_thresholds

    def _swept(self, scenes: Sequence[Scene]) -> tuple[ThresholdScores, ...]:
        place = {label: i for i, label in enumerate(self.labels)}
        labelled = np.array([self.support[label] for label in self.labels], dtype=np.int64)
        found = [
            (place[scene.found[i].label], scene.found[i].score, labels[0] == labels[1])
            for scene in scenes
            for (_, i), labels in zip(*match(scene, 0.0), strict=True)
            if i is not None
        ]
        classes, scores, right = (np.array(column) for column in zip(*found, strict=True)) if found else _NONE
        several = []
        for threshold in THRESHOLDS:
            above = scores > threshold
            predicted = np.bincount(classes[above], minlength=len(place))
            hits = np.bincount(classes[above & right], minlength=len(place))
            several.append(counted_scores(threshold, self.labels, hits, predicted, labelled, range(len(place))))
        return tuple(several)

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
            for truth, found in matches.labels:
                counts[place[truth], place[found]] += 1
        return counts


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

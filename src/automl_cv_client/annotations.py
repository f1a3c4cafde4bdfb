"""What is known of the objects and labels of an image, as plain values: everybody's common language.

Results and training rows give one when asked (``annotated()``); the formats of other tools, drawings, evaluation,
tables and the command line take it. So each of them is written once, for what a model found and for what people
labelled.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

from automl_cv_client._numbers import rank
from automl_cv_client.errors import InvalidInput
from automl_cv_client.geometry import Box, Segment, Size, clip_segment, sound
from automl_cv_client.task import Task

_UNIT = (0.0, 0.0, 1.0, 1.0)
_ROUNDED = 0.01
"""Annotation tools round: labels may reach so far beyond the edge, as a share of the image."""


class Annotation(NamedTuple):
    """One object of an image.

    Attributes:
        label: its class.
        score: confidence, 0 to 1; may be NaN, which some servers send. None for what people labelled.
        box: in fractions of the upright image. Not checked: servers send boxes without width, outside the image,
            and not finite.
        polygons: closed segments in fractions of the upright image, flat ``(x1, y1, x2, y2, …)``, read by the
            even-odd rule: a segment inside another one is a hole. None where an object has no outline (detection);
            empty where its outline was not found.
        crowd: whether it stands for a group, which COCO counts neither as right nor as wrong.
    """

    label: str
    score: float | None
    box: Box
    polygons: tuple[Segment, ...] | None = None
    crowd: bool = False

    def clipped(self) -> Annotation:
        """The same object, its box and its outline cut at the edges of the image."""
        if self.polygons is None:
            return self._replace(box=self.box.clipped())
        cut = (clip_segment(segment, _UNIT) for segment in sound(self.polygons))
        return self._replace(box=self.box.clipped(), polygons=tuple(tuple(segment) for segment in sound(cut)))


class AnnotatedImage(NamedTuple):
    """An image with its labels, or with its objects.

    Attributes:
        task: what was asked of the image: labels of classifications, objects of detection and segmentation.
        size: (width, height) in pixels, upright; None where a training row does not say.
        source: the path or URL it came from; None when that is not known.
        labels: of a classification: (class, score) pairs in the server's order; the score is None for what people
            labelled.
        objects: of detection and segmentation.
        media_type: such as ``image/jpeg``; None when that is not known.
        threshold: of several labels an image: those with a score above it are present.
    """

    task: Task
    size: Size | None
    source: str | None
    labels: tuple[tuple[str, float | None], ...] = ()
    objects: tuple[Annotation, ...] = ()
    media_type: str | None = None
    threshold: float = 0.5

    def annotated(self) -> AnnotatedImage:
        """Itself: what takes results and rows takes this, too."""
        return self

    @property
    def pixels(self) -> Size:
        """The size. Raises InvalidInput, naming the image, when it is not known."""
        if self.size is None:
            raise InvalidInput(f"the row of {(self.source or '')[-100:]!r} tells no width and height: pixels need them")
        return self.size

    def above(self, threshold: float) -> AnnotatedImage:
        """Only what has a score strictly above ``threshold``, or none because people labelled it."""
        return self._replace(
            labels=tuple(pair for pair in self.labels if pair[1] is None or pair[1] > threshold),
            objects=tuple(item for item in self.objects if item.score is None or item.score > threshold),
            threshold=threshold,
        )

    def ranked(self) -> tuple[tuple[str, float | None], ...]:
        """All labels, best first."""
        return tuple(sorted(self.labels, key=lambda pair: 0.0 if pair[1] is None else rank(pair[1])))

    def present(self) -> tuple[tuple[str, float | None], ...]:
        """The labels the image has, best first: the best one of its classes, or all above its threshold."""
        if self.task is Task.CLASSIFICATION:
            return self.ranked()[:1]
        return tuple(pair for pair in self.ranked() if pair[1] is None or pair[1] > self.threshold)

    def inside(self) -> AnnotatedImage:
        """The image with what lies in it of each object, as other tools want it.

        Objects that a model found beyond the edges, without area or at no finite place are left out.

        Raises:
            InvalidInput: a label that people made is not in the image, or its edges are swapped: then the numbers
                mean something else, such as pixels.
        """
        for item in self.objects:
            if item.score is None:
                self._check(item)
        cut = (item.clipped() for item in self.objects if all(map(math.isfinite, item.box)))
        return self._replace(objects=tuple(item for item in cut if item.box.area > 0))

    def _check(self, item: Annotation) -> None:
        left, top, right, bottom = item.box
        least, most = -_ROUNDED, 1 + _ROUNDED
        if not (least <= left <= right <= most and least <= top <= bottom <= most):
            edges = ", ".join(f"{edge:g}" for edge in item.box)
            raise InvalidInput(
                f"{(self.source or 'an image')[-100:]!r}: the box of {item.label[:60]!r} is ({edges}); left, top, "
                "right and bottom must be fractions of the image, 0 to 1, in this order: check the rows (dataset.check)"
            )


class SupportsAnnotated(Protocol):
    """A result, a training row, or an :class:`AnnotatedImage`."""

    def annotated(self) -> AnnotatedImage:
        """Its labels and objects as plain values."""

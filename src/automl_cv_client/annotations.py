"""What is known of the objects and labels of an image, as plain values: everybody's common language.

Results and training rows give one when asked (``annotated()``); the formats of other tools, drawings, evaluation,
tables and the command line take it. So each of them is written once, for what a model found and for what people
labelled.
"""

from __future__ import annotations

from typing import NamedTuple

from automl_cv_client.geometry import Box, Segment, Size


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


class AnnotatedImage(NamedTuple):
    """An image with its labels, or with its objects.

    Attributes:
        size: (width, height) in pixels, upright; None where a training row does not say.
        source: the path or URL it came from; None when that is not known.
        labels: of a classification: (class, score) pairs, best first; the score is None for what people labelled.
        objects: of detection and segmentation.
        media_type: such as ``image/jpeg``; None when that is not known.
    """

    size: Size | None
    source: str | None
    labels: tuple[tuple[str, float | None], ...] = ()
    objects: tuple[Annotation, ...] = ()
    media_type: str | None = None

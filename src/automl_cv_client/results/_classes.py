"""Results of the two classification tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from pydantic import Field, model_validator

from automl_cv_client._numbers import rank
from automl_cv_client.annotations import AnnotatedImage
from automl_cv_client.results._explanation import Explanation
from automl_cv_client.results._result import Result
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image


class LabelScore(NamedTuple):
    """A label and its score, 0 to 1."""

    label: str
    score: float


class _Classes(Result, frozen=True):
    """Every label with its probability, in the server's order.

    Attributes:
        probs: one probability a label, 0 to 1; may be NaN where the server sent NaN.
        labels: the labels, in the order of ``probs``.
    """

    probs: tuple[float, ...] = Field(repr=False)
    labels: tuple[str, ...] = Field(repr=False)

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.probs) != len(self.labels):
            raise ValueError(f"{len(self.probs)} probs for {len(self.labels)} labels")
        return self

    def top(self, n: int = 5) -> tuple[LabelScore, ...]:
        """The ``n`` most probable labels, best first."""
        return tuple(LabelScore(self.labels[i], self.probs[i]) for i in self._numbers()[:n])

    def annotated(self) -> AnnotatedImage:
        """Labels and scores as plain values, as the formats of other tools, drawings and tables take them."""
        return AnnotatedImage(
            task=self.task,
            size=self.image.size,
            source=self.image.source,
            labels=tuple(zip(self.labels, self.probs, strict=True)),
            media_type=self.image.media_type or None,
            threshold=getattr(self, "threshold", 0.5),
        )

    def as_dict(self) -> dict[str, float]:
        """Label to probability, in the server's order. Of two classes with one label, the later counts."""
        return dict(zip(self.labels, self.probs, strict=True))

    def _numbers(self) -> list[int]:
        """Indices of the labels, most probable first; not-a-number last."""
        return sorted(range(len(self.probs)), key=lambda i: rank(self.probs[i]))

    def _content(self) -> tuple[object, ...]:
        return (self.labels, self.probs, self.image.size)


class Classification(_Classes, frozen=True):
    """Multi-class: the labels exclude each other and the probabilities sum to about 1.

    Attributes:
        explanation: why the most probable label was chosen, when ``client.explain`` asked for it; else None.
    """

    task = Task.CLASSIFICATION
    explanation: Explanation | None = None

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.labels[self._best()]

    @property
    def score(self) -> float:
        """Probability of :attr:`label`, 0 to 1."""
        return self.probs[self._best()]

    def _best(self) -> int:
        return min(range(len(self.probs)), key=lambda i: rank(self.probs[i]))

    def _shown_images(self) -> list[Image]:
        explained = [] if self.explanation is None else self.explanation._shown_images()
        return [*super()._shown_images(), *explained]

    def _content(self) -> tuple[object, ...]:
        return (*super()._content(), self.explanation)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Classification) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((Classification, self._content()))

    def __repr__(self) -> str:
        return f"Classification({self.label!r} {self.score:.3f}, {len(self.labels)} labels)"

    __str__ = __repr__


class ExplainedClassification(Classification, frozen=True):
    """What ``client.explain`` returns: a classification that has its explanation. Equal to one read from JSON.

    Attributes:
        explanation: why the most probable label was chosen.
    """

    explanation: Explanation


class MultilabelClassification(_Classes, frozen=True):
    """Multi-label: each label is there or not, by itself; the probabilities need not sum to 1.

    Attributes:
        threshold: the probability above which a label counts as present, unless another one is asked for.
        explanations: one for each class above the threshold that ``client.explain_multilabel`` was given, in the
            order of ``labels``; empty when no class was above it, and when no explanation was asked for.
    """

    task = Task.MULTILABEL
    threshold: float = 0.5
    explanations: tuple[Explanation, ...] = ()

    def above(self, threshold: float | None = None) -> tuple[LabelScore, ...]:
        """The labels with a probability strictly above ``threshold`` (default: :attr:`threshold`), best first."""
        limit = self.threshold if threshold is None else threshold
        return tuple(LabelScore(self.labels[i], self.probs[i]) for i in self._numbers() if self.probs[i] > limit)

    def _shown_images(self) -> list[Image]:
        explained = (image for explanation in self.explanations for image in explanation._shown_images())
        return [*super()._shown_images(), *explained]

    def _content(self) -> tuple[object, ...]:
        return (*super()._content(), self.explanations)

    def __repr__(self) -> str:
        present = ", ".join(f"{label!r} {score:.3f}" for label, score in self.above())
        return f"MultilabelClassification([{present}] above {self.threshold}, {len(self.labels)} labels)"

    __str__ = __repr__
